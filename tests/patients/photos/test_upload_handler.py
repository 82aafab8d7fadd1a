"""Originals on their way in leave no file on the disk, and no request fills it."""

import os
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.files.uploadhandler import FileUploadHandler
from django.test import Client

from patients.models import Photo, User, Visit
from patients.photos import upload_handler as arrival
from tests.factories import picture, upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def waiting(settings: LazySettings, tmp_path: Path) -> Path:
    """Return the folder where uploads wait; whatever comes is too much for memory."""
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 100
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "waiting")
    (tmp_path / "waiting").mkdir()
    return tmp_path / "waiting"


@pytest.fixture
def files_seen(waiting: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the files that lie in the folder while an upload arrives."""
    names: list[str] = []
    complete = FileUploadHandler.upload_complete

    def look(handler: FileUploadHandler) -> None:
        names.extend(os.listdir(waiting))
        complete(handler)

    monkeypatch.setattr(FileUploadHandler, "upload_complete", look)
    return names


@pytest.fixture
def browser(client: Client, ada: User) -> Client:
    """Return the browser of Dr Ada."""
    client.force_login(ada)
    return client


def test_original_has_no_file_while_it_arrives(browser: Client, visit: Visit, sent: list[str], files_seen: list[str]) -> None:
    files = [upload(), upload(picture(colour="maroon"), "IMG_2.jpg")]
    browser.post(f"/visits/{visit.pk}/photos/", {"photos": files})
    assert Photo.objects.count() == 2
    assert files_seen == []


@pytest.mark.parametrize("is_signed_in", [True, False], ids=["signed in", "stranger"])
def test_no_request_fills_the_disk(
    ada: User, visit: Visit, settings: LazySettings, waiting: Path, monkeypatch: pytest.MonkeyPatch, is_signed_in: bool
) -> None:
    settings.PHOTO_MAX_BYTES = 50_000
    written: list[int] = []
    take = arrival.NamelessFile.receive_data_chunk

    def note(handler: arrival.NamelessFile, raw: bytes, start: int) -> None:
        take(handler, raw, start)
        written.append(handler.file.tell())

    monkeypatch.setattr(arrival.NamelessFile, "receive_data_chunk", note)
    client = Client(enforce_csrf_checks=not is_signed_in)
    if is_signed_in:
        client.force_login(ada)
    client.get("/accounts/login/")
    flood = upload(b"\xff\xd8\xff" + bytes(400_000))
    answer = client.post(f"/visits/{visit.pk}/photos/", {"photos": flood}, headers={"Accept": "application/json"})
    # Of a stranger nothing is read.
    assert (answer.status_code, max(written, default=0)) == ((413, 50_001) if is_signed_in else (401, 0))
