"""What happens to an uploaded file: stored, handed over, or refused without a trace."""

import datetime as dt
import io
import resource
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import default_storage
from django.utils import timezone
from PIL import Image

from inference.models import Prediction
from ml.decode import children
from ml.decode.rebuild import RebuiltPhoto
from patients.models import Photo, Visit
from patients.photos import checks
from patients.photos import receive as intake
from patients.photos.codes import RejectedPhoto
from patients.photos.decoding import rebuild_apart
from patients.photos.receive import receive_photo
from patients.photos.upload_handler import NamelessFile
from tests.factories import make_clinician, make_patient, make_photo, make_visit, picture, upload

pytestmark = pytest.mark.django_db


@pytest.fixture
def visit() -> Visit:
    return make_visit(make_patient(make_clinician()))


@pytest.fixture
def stored(settings: Any, tmp_path: Path) -> Path:
    settings.MEDIA_ROOT = tmp_path
    return tmp_path


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_photo_is_stored_upright_and_queued(visit: Visit, stored: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    photo = receive_photo(visit, upload(picture(exif=exif)), visit.created_by)
    assert (photo.width, photo.height) == (48, 64)
    assert photo.prediction is not None
    assert photo.prediction.state == Prediction.State.QUEUED
    with photo.image.open() as file:
        assert Image.open(file).size == (48, 64)


def test_nothing_on_disk_is_a_picture_and_no_name_leaks(visit: Visit, stored: Path) -> None:
    receive_photo(visit, upload(name="Ines at the lake.jpg"), visit.created_by)
    assert len(files(stored)) == 2
    for path in files(stored):
        assert path.read_bytes().startswith(b"al1")  # a Fernet token, version and time first
        assert "ines" not in str(path.relative_to(stored)).lower()
        assert path.stat().st_mode & 0o077 == 0


def test_task_is_sent_only_after_commit(
    visit: Visit, stored: Path, sent: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks() as callbacks:
        photo = receive_photo(visit, upload(), visit.created_by)
    assert sent == []
    for callback in callbacks:
        callback()
    assert photo.prediction is not None
    assert sent == [str(photo.prediction.id)]


def test_upload_succeeds_while_the_broker_is_away(
    visit: Visit, stored: Path, settings: Any, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    def refuse(arguments: tuple[str], queue: str) -> None:
        raise ConnectionError("broker away")

    monkeypatch.setattr("inference.tasks.predict.apply_async", refuse)
    with django_capture_on_commit_callbacks(execute=False) as callbacks:
        photo = receive_photo(visit, upload(), visit.created_by)
    with pytest.raises(ConnectionError):
        callbacks[0]()  # robust: Django logs this and goes on
    assert Prediction.objects.get(photo=photo).state == Prediction.State.QUEUED


def refusal(*arguments: Any, **options: Any) -> str:
    with pytest.raises(RejectedPhoto) as refused:
        receive_photo(*arguments, **options)
    return refused.value.code


def test_refused_file_leaves_nothing_behind(visit: Visit, stored: Path) -> None:
    assert refusal(visit, upload(picture()[:300]), visit.created_by) == "unreadable"
    assert not Photo.objects.exists()
    assert files(stored) == []


def test_visit_that_fills_while_a_file_is_opened_takes_no_more(
    visit: Visit, stored: Path, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.PHOTOS_PER_VISIT = 1

    def let_another_in(source: bytes, kind: str) -> RebuiltPhoto:
        make_photo(visit)
        return rebuild_apart(source, kind)

    monkeypatch.setattr(checks, "rebuild_apart", let_another_in)
    assert refusal(visit, upload(), visit.created_by) == "visit_full"
    assert visit.photos.count() == 1
    assert len(files(stored)) == 2  # the picture and preview of the one that came first


def test_crashing_decoder_is_a_refusal(visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = "import os\nfrom ml.decode import parent\nparent.rebuild_input = lambda *_: os.abort()\nparent.main()"
    monkeypatch.setattr(children, "COMMAND", [sys.executable, "-c", stand_in])
    children.end_parent()
    assert refusal(visit, upload(), visit.created_by) == "decoder_crashed"
    children.end_parent()


def test_decoder_that_hangs_is_stopped(visit: Visit, settings: Any) -> None:
    settings.DECODE_TIMEOUT_SECONDS = 0
    assert refusal(visit, upload(), visit.created_by) == "decoder_timeout"


def test_files_are_taken_away_when_the_row_cannot_be_written(visit: Visit, stored: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(photo: Photo) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr(intake, "request_prediction", fail)
    with pytest.raises(RuntimeError):
        receive_photo(visit, upload(), visit.created_by)
    assert files(stored) == []
    assert not Photo.objects.exists()


def test_folder_that_cannot_be_written_to_is_a_refusal(
    visit: Visit, settings: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings.MEDIA_ROOT = tmp_path / "no folder"
    settings.MEDIA_ROOT.write_text("a file in its place")  # root may write into any folder
    assert refusal(visit, upload(name="ines.jpg"), visit.created_by) == "not_stored"
    assert not Photo.objects.exists()
    assert [(record.levelname, str(visit.pk) in record.getMessage()) for record in caplog.records] == [("ERROR", True)]
    assert "ines" not in caplog.text


@pytest.mark.parametrize("room", [100, 5000])
def test_disk_that_fills_up_leaves_no_beginning_of_a_file(visit: Visit, stored: Path, room: int) -> None:
    rebuilt = RebuiltPhoto(64, 48, None, image=b"image" * 200, preview=b"preview" * 2000)
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))  # a longer file fails in the middle, as on a full disk
    try:
        with pytest.raises(RejectedPhoto, match="not_stored"):
            intake._store(Photo(visit=visit, fingerprint="f", uploaded_by=visit.created_by), rebuilt, visit.created_by)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert files(stored) == []
    assert not Photo.objects.exists()


@pytest.mark.parametrize("written", ["2999:01:01 00:00:00", "0001:01:01 00:00:00", "9999:12:31 23:59:59", "1899:12:31 23:59:59"])
@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/Los_Angeles"])
def test_camera_clock_that_cannot_be_right_is_not_believed(
    visit: Visit, stored: Path, settings: Any, written: str, zone: str
) -> None:
    settings.TIME_ZONE = zone
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = written
    photo = receive_photo(visit, upload(picture(exif=exif)), visit.created_by)
    assert Photo.objects.get(pk=photo.pk).taken_at is None


@pytest.mark.parametrize(("minutes", "is_believed"), [(-5, True), (5, True), (30, False)])
@pytest.mark.parametrize("hours", [-8, 0, 11])
def test_camera_may_be_some_minutes_fast_in_its_own_zone(
    visit: Visit, stored: Path, minutes: int, is_believed: bool, hours: int
) -> None:
    moment = (timezone.now() + timedelta(minutes=minutes)).replace(microsecond=0)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = moment.astimezone(dt.timezone(timedelta(hours=hours))).strftime("%Y:%m:%d %H:%M:%S")
    exif.get_ifd(0x8769)[0x9011] = f"{hours:+03}:00"
    photo = receive_photo(visit, upload(picture(exif=exif)), visit.created_by)
    assert Photo.objects.get(pk=photo.pk).taken_at == (moment if is_believed else None)


def test_removed_photo_takes_its_files_along(visit: Visit, stored: Path, django_capture_on_commit_callbacks: Any) -> None:
    photo = receive_photo(visit, upload(), visit.created_by)
    with django_capture_on_commit_callbacks(execute=True):
        photo.remove()
    assert files(stored) == []
    assert not Prediction.objects.exists()


def test_stored_photo_has_no_address(visit: Visit, stored: Path) -> None:
    photo = receive_photo(visit, upload(), visit.created_by)
    with pytest.raises(ValueError, match="no address"):
        default_storage.url(photo.image.name)
    assert io.BytesIO(photo.preview.read()).getvalue().startswith(b"\xff\xd8")


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="this system has no files in memory")
def test_original_waits_in_memory_and_touches_no_disk() -> None:
    waiting = NamelessFile()
    waiting.new_file("photos", "photo.jpg", "image/jpeg", 1)
    with waiting.file:
        assert Path(f"/proc/self/fd/{waiting.file.fileno()}").readlink().parent == Path("/dev/shm")


def test_files_stay_when_only_the_answer_to_the_commit_was_lost(visit: Visit) -> None:
    photo = receive_photo(visit, upload(), visit.created_by)
    intake._take_back(photo)
    assert photo.image.storage.exists(str(photo.image.name))
    Photo.objects.all().delete()
    intake._take_back(photo)
    assert not photo.image.storage.exists(str(photo.image.name))
