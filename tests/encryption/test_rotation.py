"""Key rotation: everything is re-encrypted, nothing is lost, and the site keeps running."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection

from encryption import rotation
from encryption.fields import UNFINISHED, fernet
from encryption.management.commands import rotate_keys
from encryption.rotation import TOKEN, write_keys
from encryption.storage import EncryptedStorage
from inference.models import Prediction
from patients.models import Patient, Photo, Visit
from tests.factories import make_photo, make_prediction, picture

pytestmark = pytest.mark.django_db
OLD = Fernet.generate_key().decode()


@pytest.fixture(autouse=True)
def key_file(settings: Any, tmp_path: Path) -> Path:
    """Return the key file of a clinic that has had one key so far."""
    settings.FIELD_KEYS_FILE = tmp_path / "field_keys"
    settings.FIELD_KEYS_FILE.write_text(OLD)
    return tmp_path / "field_keys"


@pytest.fixture
def photos(key_file: Path, visit: Visit, private_files: Path) -> list[Photo]:
    """Return three photos with all that is encrypted around them."""
    visit.note = "Talks of the sea"
    visit.save()
    factor = {"secret": fernet().encrypt(b"JBSWY3DPEHPK3PXP").decode(), "n": 1}
    Authenticator.objects.update_or_create(user=visit.created_by, type="totp", defaults={"data": factor})
    made = [make_photo(visit, original_name=f"lake-{number}.jpg", excluded_reason="blurred") for number in range(3)]
    for photo in made:
        make_prediction(photo)
    return made


def storage() -> EncryptedStorage:
    """Return the folder of the photos."""
    made = storages["default"]
    assert isinstance(made, EncryptedStorage)
    return made


def values() -> Iterator[bytes]:
    """Yield every encrypted value of every table and file, found by its format and not through the models."""
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for row in cursor.fetchall():
                for cell in row:
                    yield from TOKEN.findall(bytes(cell) if isinstance(cell, bytes | memoryview) else str(cell).encode())
    for path in Path(storage().location).rglob("*"):
        if path.is_file():
            yield path.read_bytes()


def openable(key: str) -> int:
    """Return how many values `key` opens."""
    found = 0
    for sealed in values():
        try:
            Fernet(key).decrypt(sealed)
            found += 1
        except InvalidToken:
            continue
    return found


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def newest(key_file: Path) -> str:
    return key_file.read_text().split()[0]


def assert_all_is_readable(photos: list[Photo]) -> None:
    patient = Patient.objects.get()
    assert (patient.name, patient.visits.get().note) == ("Ines Moreau", "Talks of the sea")
    assert {photo.original_name for photo in Photo.objects.all()} == {"lake-0.jpg", "lake-1.jpg", "lake-2.jpg"}
    assert {photo.image.read() for photo in Photo.objects.all()} == {picture()}
    assert {prediction.input_png for prediction in Prediction.objects.all()} == {picture(48, 48, "grey", "PNG", mode="L")}
    assert fernet().decrypt(Authenticator.objects.get(type="totp").data["secret"]) == b"JBSWY3DPEHPK3PXP"


def test_after_a_rotation_the_old_key_opens_nothing(photos: list[Photo], key_file: Path) -> None:
    everything = openable(OLD)
    assert everything >= 18  # name, number, note, 3 x (file name, reason, input, image, preview), second factor
    run("rotate_keys", "--new")
    assert openable(OLD) == 0
    assert openable(newest(key_file)) == everything
    run("rotate_keys", "--drop-old")
    assert OLD not in key_file.read_text()
    assert_all_is_readable(photos)


def test_key_that_was_made_meanwhile_is_not_dropped(photos: list[Photo], key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("rotate_keys", "--new")
    newer = Fernet.generate_key().decode()

    def add_key() -> list[str]:
        write_keys(key_file, (newer, *key_file.read_text().split()))
        return []

    monkeypatch.setattr(rotate_keys, "missing_files", add_key)
    with pytest.raises(CommandError, match="changed meanwhile"):
        run("rotate_keys", "--drop-old")
    assert newer in key_file.read_text()


def test_no_key_is_dropped_while_the_pictures_are_not_there(photos: list[Photo], key_file: Path, settings: Any) -> None:
    """The folder of the photos is a mount that is missing: its files still need the old key."""
    there = settings.MEDIA_ROOT
    settings.MEDIA_ROOT = there / "unmounted"
    run("rotate_keys", "--new")
    with pytest.raises(CommandError, match="6 pictures that rows name are not in"):
        run("check_keys")
    with pytest.raises(CommandError, match="MEDIA_ROOT"):
        run("rotate_keys", "--drop-old")
    settings.MEDIA_ROOT = there
    assert OLD in key_file.read_text()
    assert_all_is_readable(photos)


def test_no_value_is_encrypted_twice(photos: list[Photo], key_file: Path) -> None:
    run("rotate_keys", "--new")
    before = sorted(values())
    assert "0 values" in run("rotate_keys")
    assert sorted(values()) == before


def test_what_the_fields_hold_besides_stays(photos: list[Photo]) -> None:
    run("rotate_keys", "--new")
    assert Authenticator.objects.get(type="totp").data["n"] == 1


@pytest.mark.parametrize("steps", [0, 1, 5, 9])
def test_interrupted_rotation_goes_on(photos: list[Photo], key_file: Path, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    left = iter(range(steps))
    rotate = MultiFernet.rotate

    def rotate_some(self: MultiFernet, token: bytes) -> bytes:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return rotate(self, token)

    with monkeypatch.context() as patch:
        patch.setattr(MultiFernet, "rotate", rotate_some)
        with pytest.raises(KeyboardInterrupt):
            run("rotate_keys", "--new", "--portion", "1")
    assert openable(OLD) > 0
    assert_all_is_readable(photos)
    run("rotate_keys")
    assert openable(OLD) == 0
    assert len(key_file.read_text().split()) == 2
    assert_all_is_readable(photos)


@pytest.mark.django_db
def test_nothing_is_dropped_where_the_database_is_not_the_sites(key_file: Path) -> None:
    write_keys(key_file, (Fernet.generate_key().decode(), OLD))
    with pytest.raises(CommandError, match="holds nothing encrypted"):
        run("rotate_keys", "--drop-old")
    assert OLD in key_file.read_text()


def test_old_key_is_kept_while_anything_needs_it(photos: list[Photo], key_file: Path) -> None:
    write_keys(key_file, (Fernet.generate_key().decode(), OLD))
    with pytest.raises(CommandError, match="still need an older key"):
        run("rotate_keys", "--drop-old")
    assert OLD in key_file.read_text()
    run("rotate_keys")
    path = str(photos[0].image)
    storage().write_sealed(path, Fernet(OLD).encrypt(b"one last file"))
    with pytest.raises(CommandError, match="1 values still need"):
        run("rotate_keys", "--drop-old")


def test_running_process_follows_the_key_file(key_file: Path) -> None:
    before = fernet().encrypt(b"written before")
    new = Fernet.generate_key().decode()
    write_keys(key_file, (new, OLD))
    assert Fernet(new).decrypt(fernet().encrypt(b"written after")) == b"written after"
    assert fernet().decrypt(before) == b"written before"


def test_key_file_stays_private(key_file: Path) -> None:
    run("rotate_keys", "--new")
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in key_file.parent.glob("field_keys*")] == ["field_keys"]


def test_photo_deleted_meanwhile_does_not_come_back(photos: list[Photo], key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    erased = str(photos[1].image)
    read = EncryptedStorage.read_sealed

    def read_and_erase(self: Any, name: str) -> bytes:
        sealed: bytes = read(self, name)
        if name == erased:
            self.delete(name)
        return sealed

    monkeypatch.setattr(EncryptedStorage, "read_sealed", read_and_erase)
    run("rotate_keys", "--new")
    assert not storage().exists(erased)
    assert list(Path(storage().location).rglob("*" + UNFINISHED)) == []
    assert openable(OLD) == 0


def test_file_that_an_interrupted_run_left_is_taken_away(photos: list[Photo]) -> None:
    left = Path(storage().path(str(photos[0].image) + UNFINISHED))
    left.write_bytes(Fernet(OLD).encrypt(b"a copy"))
    run("rotate_keys", "--new")
    assert not left.exists()


def test_every_encrypted_field_of_every_model_is_found() -> None:
    found = {f"{model._meta.label}.{field.name}" for model, fields in rotation.sealed_fields() for field in fields}
    assert found >= {
        "patients.Patient.name", "patients.Patient.record_number", "patients.Visit.note", "patients.Photo.original_name",
        "patients.Photo.excluded_reason", "inference.Prediction.input_png",
        "inference.Prediction.explanation_png", "mfa.Authenticator.data",
    }  # fmt: skip


def test_check_says_which_key_is_needed_where(photos: list[Photo], key_file: Path) -> None:
    write_keys(key_file, (Fernet.generate_key().decode(), OLD))
    report = run("check_keys")
    assert "patients.Photo.original_name: 0 newest key, 3 older key, 0 unreadable" in report
    assert "files: 0 newest key, 6 older key, 0 unreadable" in report


def test_check_fails_when_a_key_is_missing(photos: list[Photo], key_file: Path) -> None:
    write_keys(key_file, (Fernet.generate_key().decode(),))
    with pytest.raises(CommandError, match="open with no key"):
        run("check_keys")


def test_keys_from_the_environment_are_left_alone(settings: Any, photos: list[Photo]) -> None:
    settings.FIELD_KEYS_FILE = None
    settings.FIELD_KEYS = [Fernet.generate_key().decode(), OLD]
    with pytest.raises(CommandError, match="which this command cannot change"):
        run("rotate_keys", "--new")
    run("rotate_keys")
    with pytest.raises(CommandError, match="Leave only the first"):
        run("rotate_keys", "--drop-old")
    assert openable(OLD) == 0
    assert json.loads(json.dumps(Authenticator.objects.get(type="totp").data))["n"] == 1
