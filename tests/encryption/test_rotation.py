"""Key rotation: the keys of patients get a new wrapping, nothing is lost, and the site keeps running."""

import json
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.db import connection

from encryption import patient_keys, rotation
from encryption.fields import SealedMixin
from encryption.keys import field_keys
from encryption.management.commands import rotate_keys
from encryption.patient_keys import UNFINISHED, wrapping_ring
from encryption.rotation import write_keys
from encryption.seal import TOKEN, from_text, house_ring, key_id_of, open_text, seal_text
from encryption.storage import SealedFileField
from inference.models import Prediction
from patients.models import Draft, Patient, Photo, User, Visit
from tests.factories import make_patient, make_photo, make_prediction, picture

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
    factor = {"secret": seal_text("second factors", "JBSWY3DPEHPK3PXP"), "n": 1}
    Authenticator.objects.update_or_create(user=visit.created_by, type="totp", defaults={"data": factor})
    made = [make_photo(visit, original_name=f"lake-{number}.jpg", excluded_reason="blurred") for number in range(3)]
    for photo in made:
        make_prediction(photo)
    Draft.keep(visit.created_by, "/patients/new/", {"name": "Ines Mo"}, None)
    return made


def sealed_by_field_keys() -> Iterator[bytes]:
    """Yield what the field keys seal themselves: the keys of patients, and of every table what belongs to the installation."""
    for path in patient_keys.stored():
        yield path.read_bytes()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            for token in (token for row in cursor.fetchall() for cell in row for token in TOKEN.findall(str(cell).encode())):
                if key_id_of(from_text(token.decode())) in {key.id for key in house_ring().keys}:
                    yield from_text(token.decode())


def openable(key: str) -> int:
    """Return how many of these values `key` opens."""
    at = field_keys().index(key)
    ids = {wrapping_ring().keys[at].id, house_ring().keys[at].id}
    return sum(key_id_of(sealed) in ids for sealed in sealed_by_field_keys())


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
    assert open_text("second factors", Authenticator.objects.get(type="totp").data["secret"]) == "JBSWY3DPEHPK3PXP"
    assert Draft.read(User.objects.get(), "/patients/new/") == {"name": "Ines Mo"}


def test_after_a_rotation_the_old_key_opens_nothing(photos: list[Photo], key_file: Path, settings: Any) -> None:
    everything = openable(OLD)
    assert everything == 3  # the patient's keys, the second factor, the draft that names no patient
    before = {path: path.read_bytes() for path in Path(settings.MEDIA_ROOT).rglob("*") if path.is_file()}
    run("rotate_keys", "--new")
    assert openable(OLD) == 0
    assert openable(newest(key_file)) == everything
    assert {path: path.read_bytes() for path in before} == before  # no picture is sealed anew
    run("rotate_keys", "--drop-old")
    assert OLD not in key_file.read_text()
    assert_all_is_readable(photos)


def test_key_that_was_made_meanwhile_is_not_dropped(photos: list[Photo], key_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run("rotate_keys", "--new")
    newer = Fernet.generate_key().decode()

    def add_key() -> int:
        write_keys(key_file, (newer, *key_file.read_text().split()))
        return 0

    monkeypatch.setattr(rotate_keys, "keyless", add_key)
    with pytest.raises(CommandError, match="changed meanwhile"):
        run("rotate_keys", "--drop-old")
    assert newer in key_file.read_text()


def test_no_key_is_dropped_while_the_keys_of_patients_are_not_there(photos: list[Photo], key_file: Path, settings: Any) -> None:
    """The folder of the patients' keys is a mount that is missing: its files still need the old key."""
    there = settings.PATIENT_KEYS
    settings.PATIENT_KEYS = there / "unmounted"
    run("rotate_keys", "--new")
    with pytest.raises(CommandError, match="holds no keys of patients"):
        run("rotate_keys", "--drop-old")
    later = make_patient()
    with pytest.raises(CommandError, match="1 patients have no keys in"):
        run("rotate_keys", "--drop-old")
    with pytest.raises(CommandError, match="do not open"):
        run("check_keys")
    later.delete()
    settings.PATIENT_KEYS = there
    assert OLD in key_file.read_text()
    assert_all_is_readable(photos)


def test_pictures_that_are_not_there_are_told(photos: list[Photo], settings: Any) -> None:
    settings.MEDIA_ROOT = settings.MEDIA_ROOT / "unmounted"
    with pytest.raises(CommandError, match="6 pictures that rows name are not in"):
        run("check_keys")


def test_no_value_is_encrypted_twice(photos: list[Photo], key_file: Path) -> None:
    run("rotate_keys", "--new")
    before = sorted(sealed_by_field_keys())
    assert "0 values" in run("rotate_keys")
    assert sorted(sealed_by_field_keys()) == before


def test_what_the_fields_hold_besides_stays(photos: list[Photo]) -> None:
    run("rotate_keys", "--new")
    assert Authenticator.objects.get(type="totp").data["n"] == 1


@pytest.mark.parametrize("steps", [0, 1, 2])
def test_interrupted_rotation_goes_on(photos: list[Photo], key_file: Path, steps: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        make_patient()
    left, rewrap = iter(range(steps)), patient_keys.rewrap

    def rewrap_some(path: Path) -> None:
        if next(left, None) is None:
            raise KeyboardInterrupt
        rewrap(path)

    with monkeypatch.context() as patch:
        patch.setattr(patient_keys, "rewrap", rewrap_some)
        with pytest.raises(KeyboardInterrupt):
            run("rotate_keys", "--new", "--portion", "1")
    assert openable(OLD) > 0
    assert Patient.objects.filter(visits__isnull=False).distinct().get().name == "Ines Moreau"
    run("rotate_keys")
    assert openable(OLD) == 0
    assert len(key_file.read_text().split()) == 2


@pytest.mark.django_db
def test_nothing_is_dropped_where_the_database_is_not_the_sites(key_file: Path) -> None:
    write_keys(key_file, (Fernet.generate_key().decode(), OLD))
    with pytest.raises(CommandError, match="holds no keys of patients"):
        run("rotate_keys", "--drop-old")
    assert OLD in key_file.read_text()


def test_old_key_is_kept_while_anything_needs_it(photos: list[Photo], key_file: Path) -> None:
    write_keys(key_file, (Fernet.generate_key().decode(), OLD))
    with pytest.raises(CommandError, match="still need an older key"):
        run("rotate_keys", "--drop-old")
    assert OLD in key_file.read_text()
    run("rotate_keys")
    run("rotate_keys", "--drop-old")
    assert OLD not in key_file.read_text()
    assert_all_is_readable(photos)


def test_running_process_follows_the_key_file(key_file: Path) -> None:
    before, newest_then = seal_text("messages", "written before"), house_ring().newest.id
    write_keys(key_file, (Fernet.generate_key().decode(), OLD))
    assert key_id_of(from_text(seal_text("messages", "written after"))) == house_ring().newest.id != newest_then
    assert open_text("messages", before) == "written before"


def test_key_file_stays_private(key_file: Path) -> None:
    run("rotate_keys", "--new")
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in key_file.parent.glob("field_keys*")] == ["field_keys"]


def test_keys_that_are_destroyed_meanwhile_do_not_come_back(
    photos: list[Photo], key_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient, read = Patient.objects.get(), patient_keys._read

    def read_and_destroy(path: Path) -> Any:
        keys = read(path)
        patient_keys.destroy(patient.pk)
        return keys

    monkeypatch.setattr(patient_keys, "_read", read_and_destroy)
    run("rotate_keys", "--new")
    assert not patient_keys.has(patient.pk)
    assert list(patient_keys.stored()) == []
    assert list(Path(key_file.parent).rglob("*" + UNFINISHED)) == []


def test_file_that_an_interrupted_run_left_is_taken_away(photos: list[Photo]) -> None:
    path = next(patient_keys.stored())
    left = path.with_name(f"{path.name}.12ab{UNFINISHED}")
    left.write_bytes(path.read_bytes())
    run("rotate_keys", "--new")
    assert not left.exists()


def test_every_encrypted_field_of_every_model_is_found() -> None:
    kinds = (SealedMixin, SealedFileField)
    models = list(rotation.sealed_models())
    found = {f"{each._meta.label}.{field.name}" for each in models for field in each._meta.fields if isinstance(field, kinds)}
    assert found >= {
        "patients.Patient.name", "patients.Patient.record_number", "patients.Visit.note", "patients.Photo.original_name",
        "patients.Photo.excluded_reason", "patients.Photo.image", "patients.Photo.preview", "inference.Prediction.input_png",
        "inference.Prediction.explanation_png", "patients.Patient.birth_date", "patients.SelfReport.phq9", "patients.Event.kind",
    }  # fmt: skip


def test_check_says_which_key_is_needed_where(photos: list[Photo], key_file: Path) -> None:
    write_keys(key_file, (Fernet.generate_key().decode(), OLD))
    report = run("check_keys")
    assert "keys of patients: 0 newest key, 1 older key, 0 unreadable" in report
    assert "patients.Draft.fields: 0 newest key, 1 older key, 0 unreadable" in report
    assert "patients.Photo.original_name: 3 open, 0 unreadable" in report
    assert "patients.Photo.image: 3 open, 0 unreadable" in report


def test_check_fails_when_a_key_is_missing(photos: list[Photo], key_file: Path) -> None:
    write_keys(key_file, (Fernet.generate_key().decode(),))
    with pytest.raises(CommandError, match="do not open where they stand"):
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
