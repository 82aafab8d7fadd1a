"""A drill: an installation is backed up, spoilt and restored, on SQLite and on PostgreSQL."""

from io import StringIO
from pathlib import Path

import pyrage
import pytest
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction

from clinic.backup import archive, pictures
from encryption import keys
from encryption.fields import sealed_values
from patients.audit.log import record_access
from patients.models import AccessLog, Patient, Photo, User, Visit
from patients.photos.files import read_stored
from tests.factories import make_patient, make_photo, make_prediction, picture

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """Return the file of a new secret key."""
    call_command("backup", tmp_path / "key", new_key=True, stdout=StringIO())
    return tmp_path / "key"


@pytest.fixture
def photo(visit: Visit) -> Photo:
    """Return a photo of Ines that was read."""
    photo = make_photo(visit)
    make_prediction(photo)
    return photo


def public(key: Path) -> str:
    """Return the public key of a secret one."""
    return key.read_text().split()[3]


def told(command: str, *arguments: object, **options: object) -> str:
    """Return what a command prints."""
    out = StringIO()
    call_command(command, *arguments, stdout=out, **options)
    return out.getvalue()


def backed_up(tmp_path: Path, key: Path) -> Path:
    """Return a new backup."""
    told("backup", tmp_path / "backup.age", to=[public(key)])
    return tmp_path / "backup.age"


def rows() -> dict[str, list[tuple[object, ...]]]:
    """Return every row of every table."""
    found = {}
    with connection.cursor() as cursor:
        for table in sorted(connection.introspection.table_names(cursor)):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found[table] = sorted(cursor.fetchall(), key=repr)
    return found


def test_drill_brings_back_every_row_and_picture(photo: Photo, ada: User, key: Path, tmp_path: Path) -> None:
    record_access(ada, AccessLog.Action.VIEW, obj=photo)
    saved, picture_of_then = rows(), read_stored(photo.image)
    backup = backed_up(tmp_path, key)
    # The disaster: a record is changed, a picture is lost, and another patient comes.
    Patient.objects.update(**sealed_values(Patient.objects.get(), name="Changed"))
    photo.image.storage.delete(str(photo.image.name))
    make_photo(Visit.objects.create(patient=make_patient(ada, name="New"), date="2026-11-21", created_by=ada))
    with pytest.raises(CommandError, match="--force says that you know"):
        told("restore", backup, key=key)
    assert Patient.objects.count() == 2
    said = told("restore", backup, key=key, force=True)
    assert "Files that rows name but the backup lacks: 0. Files deleted that no row names: 2." in said
    assert rows() == saved
    assert read_stored(Photo.objects.get().image) == picture_of_then
    assert set(pictures.stored()) == pictures.named()
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():  # the triggers are back too
        AccessLog.objects.all()._raw_delete(using="default")


def test_backup_is_read_back_and_holds_neither_keys_nor_names(
    photo: Photo, key: Path, tmp_path: Path, settings: LazySettings
) -> None:
    settings.BACKUP_KEYS = [public(key)]
    said = told("backup", tmp_path)
    (backup,) = tmp_path.glob("affectline-*.age")
    assert f"{backup}: 2 pictures and the database" in said
    assert backup.stat().st_mode & 0o777 == 0o600
    assert backup.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert b"Ines" not in backup.read_bytes()
    found: dict[str, bytes] = {}
    secret_key = pyrage.x25519.Identity.from_str(key.read_text().split()[4])
    archive.read(backup, secret_key, lambda name, file: found.update({name: file.read()}))
    assert len(found) == 3
    secrets = [(settings.VAR / name).read_bytes().strip() for name in ("field_keys", "search_key", "secret_key")]
    assert not [name for name, content in found.items() for secret in secrets if secret in content]


def test_file_that_is_lost_is_told_at_the_backup_and_at_the_restore(photo: Photo, key: Path, tmp_path: Path) -> None:
    photo.image.storage.delete(str(photo.image.name))
    warned = StringIO()
    told("backup", tmp_path / "backup.age", to=[public(key)], stderr=warned)
    assert "1 files that rows name were not there" in warned.getvalue()
    with pytest.raises(CommandError, match="`check_keys` lists what cannot be opened"):
        told("restore", tmp_path / "backup.age", key=key, force=True)
    assert set(pictures.stored()) == {photo.preview.name}


def test_damage_is_found_before_anything_is_touched(photo: Photo, key: Path, tmp_path: Path) -> None:
    backup = backed_up(tmp_path, key)
    whole, saved = backup.read_bytes(), rows()
    assert "Whole, of " in told("restore", backup, key=key, check=True)
    for damaged in (whole[:-1], whole[:300], whole[:1000] + b"x" + whole[1001:], b"", b"no backup"):
        backup.write_bytes(damaged)
        with pytest.raises(CommandError, match="Nothing was restored: The backup is damaged, or this is not its key"):
            told("restore", backup, key=key, force=True)
    backup.write_bytes(whole)
    other = tmp_path / "other"
    told("backup", other, new_key=True)
    with pytest.raises(CommandError, match="this is not its key"):
        told("restore", backup, key=other, force=True)
    assert rows() == saved


def test_backup_of_another_installation_is_refused(
    photo: Photo, key: Path, tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup = backed_up(tmp_path, key)
    monkeypatch.setattr("clinic.backup.run.keyed_hash", lambda purpose, text: keys.keyed_hash(purpose, b"another key" + text))
    with pytest.raises(CommandError, match="The keys of this installation are not those of the backup"):
        told("restore", backup, key=key, force=True)
    monkeypatch.setattr("clinic.backup.databases.NAMES", dict.fromkeys(("sqlite", "postgresql"), "database.other"))
    with pytest.raises(CommandError, match=r"this installation needs database\.other"):
        told("restore", backup, key=key, force=True)


def test_manifest_that_does_not_fit_is_found(tmp_path: Path) -> None:
    """Age says that the file is from someone with the public key, which is no secret: the manifest says that it is whole."""
    own = pyrage.x25519.Identity.generate()
    (tmp_path / "a").write_bytes(picture())
    manifest = archive.Manifest({})
    stream = archive._Tar([("a", lambda: (tmp_path / "a").open("rb"))], manifest)
    plain = b"".join(iter(stream.read, b""))
    (tmp_path / "lied").write_bytes(pyrage.encrypt(plain.replace(b"JFIF", b"JFIX"), [own.to_public()]))
    with pytest.raises(archive.BrokenBackup, match="does not hold what its manifest says"):
        archive.verify(tmp_path / "lied", own)


def test_backup_that_fails_leaves_nothing_behind(photo: Photo, key: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "there" / "backup.age"
    target.parent.mkdir()
    with pytest.raises(CommandError, match="--new-key FILE makes one"):
        told("backup", target)
    with pytest.raises(CommandError, match="No backup was made: invalid"):
        told("backup", target, to=["age1none"])
    monkeypatch.setattr(archive, "verify", lambda *_: archive.Manifest({}))
    with pytest.raises(CommandError, match="No backup was made: What was read back is not what was written"):
        told("backup", target, to=[public(key)])
    assert list(target.parent.iterdir()) == []
    target.write_bytes(b"of yesterday")
    with pytest.raises(CommandError, match="is there already"):
        told("backup", target, to=[public(key)])
    assert target.read_bytes() == b"of yesterday"
