"""Every hostile, broken or odd file at both doors, the page and the API: its code, never a fault, and nothing of it kept."""

import io
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from ml.decode import apart
from patients.models import Photo, User, Visit
from tests.factories import make_patient, make_visit, picture
from tests.hostile import CORPUS, MARK, Hostile

pytestmark = pytest.mark.django_db
STATUS: dict[str | None, int] = {None: 201, "too_large": 413}
MULTIPART = "multipart/form-data; boundary=edge"
LEAST_HOSTILE_FILES = 40


DECODED_ONCE = lru_cache(maxsize=8)(apart.ask_decoder)


@pytest.fixture(autouse=True)
def one_decode_for_both_doors(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the decoder, a real process, open each file once: the second door, or the next name, gets the same answer."""
    monkeypatch.setattr(apart, "ask_decoder", DECODED_ONCE)


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    """Return the browser of Dr Ada."""
    client.force_login(ada)
    return client


@pytest.fixture
def other_visit(ada: User) -> Visit:
    """Return a visit of another patient: the same file is kept there too."""
    return make_visit(make_patient(ada, name="Omar Haddad"))


def at_the_page(page: Client, visit: Visit, content: bytes, name: str) -> tuple[int, str | None]:
    """Return status and code of an upload as the script of the page sends it."""
    file = SimpleUploadedFile(name, content)
    answer = page.post(f"/visits/{visit.id}/photos/", {"photos": file}, headers={"accept": "application/json"})
    return answer.status_code, answer.json().get("code")


def at_the_api(api: APIClient, visit: Visit, content: bytes, name: str) -> tuple[int, str | None]:
    """Return status and code of an upload by a program."""
    fields = {"file": SimpleUploadedFile(name, content), "keep_duplicate": True}
    answer = api.post(f"/api/v1/visits/{visit.id}/photos/", fields, format="multipart")
    return answer.status_code, answer.json().get("code")


def stored_pictures(folder: Path) -> Iterator[bytes]:
    """Yield every stored picture, decrypted."""
    for photo in Photo.objects.all():
        yield photo.image.read()
        yield photo.preview.read()
    assert len([path for path in folder.rglob("*") if path.is_file()]) == 2 * Photo.objects.count()


@pytest.mark.parametrize("hostile", CORPUS, ids=str)
def test_file_gets_its_code_at_both_doors(
    hostile: Hostile, page: Client, api: APIClient, visit: Visit, other_visit: Visit, private_files: Path
) -> None:
    content = hostile.make()
    expected = hostile.code
    assert at_the_page(page, visit, content, hostile.name) == (STATUS.get(expected, 422), expected)
    assert at_the_api(api, other_visit, content, hostile.name) == (STATUS.get(expected, 422), expected)
    assert Photo.objects.count() == (0 if expected else 2)
    for jpeg in stored_pictures(private_files):
        assert MARK not in jpeg
        image = Image.open(io.BytesIO(jpeg), formats=["JPEG"])
        assert (image.mode, dict(image.getexif()), image.info.get("icc_profile")) == ("RGB", {}, None)
    if expected is None:
        assert {(photo.width, photo.height) for photo in Photo.objects.all()} == {hostile.size}


def test_corpus_is_as_large_as_promised_and_names_every_file_once() -> None:
    assert len({hostile.what for hostile in CORPUS}) == len(CORPUS) >= LEAST_HOSTILE_FILES


# --- Names. Django's own test client would clean them, so the body is written by hand.

NAMES = {
    "a path": b'filename="../../../etc/passwd.jpg"',
    "a Windows path": b'filename="C:\\\\Windows\\\\x.jpg"',
    "a NUL": b'filename="a\0.jpg"',
    "control characters": b'filename="a\x01\x08\x1b[31m\x7f.jpg"',
    "a text that runs backwards": 'filename="a\u202egpj.jpg"'.encode(),
    "900 characters": b'filename="' + b"a" * 900 + b'.jpg"',
    "emoji": 'filename="\U0001f468\u200d\U0001f469\u200d\U0001f467.jpg"'.encode(),
    "800 characters of extension": b'filename="a.' + b"j" * 800 + b'"',
    "no extension": b'filename="photo"',
    "an extension alone": b'filename=".jpg"',
    "dots": b'filename="....jpg"',
    "a percent sign for every %(width)s": b'filename="%(width)s%s%n{0}.jpg"',
    "a script": b'filename="<img src=x onerror=alert(1)>.jpg"',
    "a formula": b'filename="=cmd|calc!A0.jpg"',
    "a device of Windows": b'filename="CON.jpg"',
    "entities": b'filename="&#47;&#0;&quot;.jpg"',
    "an encoding of its own": b"filename*=utf-8''%e2%82%ac.jpg",
    "an encoding that spells a path": b"filename*=utf-8''..%2f..%2fetc%2fpasswd.jpg",
    "an encoding that spells a NUL": b"filename*=utf-8''a%00.jpg",
    "an extension of a program": b'filename="photo.jpg.exe"',
    "an extension in Cyrillic": 'filename="photo.j\u0440g"'.encode(),
    "an extension of 200 characters": b'filename="a.' + b"j" * 200 + b'"',
    "a percent sign in its extension": b'filename="a.%(no)s%"',
    "a script in its extension": b'filename="a.<script>"',
    "a date": b'filename="Session 12.03.2026"',
    "an unfinished download": b'filename="IMG_2291.jpg.part"',
    "an encoding with half a character": b"filename*=utf-8''%ed%a0%80.jpg",
}


def form(field: str, disposition: bytes) -> tuple[bytes, str]:
    """Return the body of an upload with this name, to be kept even if another visit has the file, and its content type."""
    keep = '--edge\r\nContent-Disposition: form-data; name="keep_duplicate"\r\n\r\n1\r\n'
    head = f'{keep}--edge\r\nContent-Disposition: form-data; name="{field}"; '.encode() + disposition
    return head + b"\r\nContent-Type: image/jpeg\r\n\r\n" + picture() + b"\r\n--edge--\r\n", MULTIPART


def named(page: Client, api: APIClient, visit: Visit, other_visit: Visit, disposition: bytes) -> list[tuple[int, str | None]]:
    """Return status and code of a photo with this name at both doors."""
    answers = []
    for client, address, field in (
        (page, f"/visits/{visit.id}/photos/", "photos"),
        (api, f"/api/v1/visits/{other_visit.id}/photos/", "file"),
    ):
        answer = client.generic("POST", address, *form(field, disposition), headers={"accept": "application/json"})
        answers.append((answer.status_code, answer.json().get("code")))
    return answers


@pytest.mark.parametrize("disposition", NAMES.values(), ids=list(NAMES))
def test_photo_with_any_name_is_taken_and_its_name_touches_nothing(
    disposition: bytes, page: Client, api: APIClient, visit: Visit, other_visit: Visit, private_files: Path
) -> None:
    assert named(page, api, visit, other_visit, disposition) == [(201, None)] * 2
    for photo in Photo.objects.all():
        assert len(photo.original_name) <= 255
        assert photo.original_name.isprintable()
        assert "/" not in photo.original_name
    for path in private_files.rglob("*"):
        assert set(path.name) <= set("0123456789abcdef")


def test_refusal_on_the_page_shows_a_name_as_text(page: Client, visit: Visit) -> None:
    body, kind = form("photos", b'filename="<img src=x onerror=alert(1)>.gif"')
    body = body.replace(picture(), b"GIF89a")
    answer = page.generic("POST", f"/visits/{visit.id}/photos/", body, kind)
    shown = page.get(answer.headers["Location"]).content
    assert b"&lt;img src=x onerror=alert(1)&gt;.gif" in shown
    assert b"<img src=x" not in shown


@pytest.mark.parametrize(
    "disposition",
    [
        b'filename="' + b"a" * 5_000 + b'.jpg"',
        b'filename="\xff\xfe\xc0.jpg"',
        b'filename="\xed\xa0\x80.jpg"',
        *(b"filename*=nonsense''a.jpg", b"filename*=utf-8''", b"filename*=", b'filename=""', b"filename", b"filename*=x'y"),
    ],
    ids=[
        "5,000 characters",
        "bytes that are no text",
        "half a character",
        "unknown encoding",
        "no text",
        "nothing",
        "empty",
        "no value",
        "no encoding",
    ],
)
def test_form_that_cannot_be_understood_is_the_senders_fault(
    disposition: bytes, page: Client, api: APIClient, visit: Visit, other_visit: Visit
) -> None:
    for client, address, field in ((page, "/visits/{}/photos/", "photos"), (api, "/api/v1/visits/{}/photos/", "file")):
        answer = client.generic("POST", address.format(visit.id), *form(field, disposition), headers={"accept": "application/json"})
        assert answer.status_code < 500


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", "multipart/form-data"),
        (b"x", "multipart/form-data; boundary="),
        (b"--edge", MULTIPART),
        (b"--edge\r\n\r\n", MULTIPART),
        (b"\0" * 5_000, "multipart/form-data; boundary=" + "e" * 300),
        (form("photos", b'filename="a.jpg"')[0][:200], MULTIPART),
        (form("photos", b'filename="a.jpg"')[0], "multipart/form-data; boundary=\xe9dge"),
        (b'--edge\r\nContent-Disposition: form-data; name="file"\r\n\r\ntext\r\n--edge--\r\n', MULTIPART),
        (b"--edge\r\nContent-Transfer-Encoding: base64\r\n"
         b'Content-Disposition: form-data; name="file"; filename="a.jpg"\r\n\r\n!!!\r\n--edge--\r\n', MULTIPART),
        (b"file=photo.jpg", "application/x-www-form-urlencoded; charset=nonsense"),
        (b'{"file": "x"}', "application/json"),
    ],
)  # fmt: skip
def test_body_that_is_no_form_is_the_senders_fault(
    body: bytes, content_type: str, page: Client, api: APIClient, visit: Visit
) -> None:
    for client, address in ((page, f"/visits/{visit.id}/photos/"), (api, f"/api/v1/visits/{visit.id}/photos/")):
        answer = client.generic("POST", address, body, content_type, headers={"accept": "application/json"})
        assert 400 <= answer.status_code < 500
