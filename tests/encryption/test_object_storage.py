"""Photos in a real S3 server: sealed, read, erased, swept, backed up, and what happens while it does not answer."""

from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.utils import timezone

from clinic.stores import storage_from_environment
from encryption.object_storage import ObjectStorage
from encryption.seal import MAGIC
from encryption.storage import StorageDown, sealed_storage
from inference import tasks
from inference.models import MAX_ATTEMPTS, Prediction
from patients.consent.erasure import erase_picture
from patients.models import Photo, User, Visit
from patients.photos import files
from patients.photos.codes import RejectedPhoto
from patients.photos.receive import receive_photo
from tests.engines.object_store import ObjectStore
from tests.factories import make_photo, make_prediction, upload

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """Yield a server that runs."""
    store = ObjectStore(tmp_path_factory.mktemp("store"))
    store.start()
    yield store
    store.stop()


@pytest.fixture(autouse=True)
def in_the_store(store: ObjectStore, settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the photos of each test in an empty bucket."""
    store.empty()
    for name, value in store.environment.items():
        monkeypatch.setenv(name, value)
    settings.STORAGES = settings.STORAGES | {"default": storage_from_environment()}


def test_bucket_holds_sealed_bytes_until_the_picture_is_erased(store: ObjectStore, visit: Visit, private_files: Path) -> None:
    photo = make_photo(visit)
    found = store.objects()
    assert set(found) == {photo.image.name, photo.preview.name}
    assert not [content for content in found.values() if b"JFIF" in content or not content.startswith(MAGIC)]
    assert not private_files.exists()
    content = files.read_stored(Photo.objects.get().image)
    assert content is not None
    assert content.startswith(b"\xff\xd8")
    erase_picture(photo)
    assert store.objects() == {}


def test_object_of_another_photo_is_not_shown(store: ObjectStore, visit: Visit) -> None:
    photo, other = make_photo(visit), make_photo(visit)
    bucket = store.folder / store.bucket
    (bucket / str(photo.image.name)).write_bytes(store.objects()[str(other.image.name)])
    assert files.read_stored(Photo.objects.get(pk=photo.pk).image) is None


def test_storage_answers_as_a_folder_does(store: ObjectStore) -> None:
    storage = sealed_storage()
    with pytest.raises(FileNotFoundError):
        storage.read_sealed("ab/none")
    with pytest.raises(FileNotFoundError):
        storage.get_modified_time("ab/none")
    assert not storage.exists("ab/none")
    storage.delete("ab/none")
    assert not storage.write_sealed("ab/none", b"1")
    storage.put_sealed("ab/one", b"sealed")
    assert storage.write_sealed("ab/one", b"sealed anew")
    assert storage.read_sealed("ab/one", 6) == b"sealed"
    assert storage.listdir("") == (["ab"], [])
    assert storage.listdir("ab") == ([], ["one"])
    assert abs(storage.get_modified_time("ab/one") - timezone.now()) < timedelta(minutes=1)
    assert store.objects() == {"ab/one": b"sealed anew"}
    with pytest.raises(ValueError, match="no address"):
        storage.url("ab/one")


def test_object_without_a_row_is_deleted_after_an_hour(store: ObjectStore, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    photo = make_photo(visit)
    sealed_storage().put_sealed(f"ab/{'0' * 32}", b"of a killed process")
    assert files.delete_orphans() == 0
    monkeypatch.setattr(files, "ORPHAN_AGE", timedelta(seconds=-60))
    assert files.delete_orphans() == 1
    assert set(store.objects()) == {photo.image.name, photo.preview.name}


@pytest.mark.django_db(transaction=True)
def test_backup_brings_back_lost_objects(store: ObjectStore, visit: Visit, tmp_path: Path) -> None:
    make_photo(visit)
    before = store.objects()
    call_command("backup", tmp_path / "key", new_key=True, stdout=StringIO())
    call_command("backup", tmp_path / "all.age", to=[(tmp_path / "key").read_text().split()[3]], stdout=StringIO())
    for name in before:
        sealed_storage().delete(name)
    sealed_storage().put_sealed("ab/new", b"of no row")
    call_command("restore", tmp_path / "all.age", key=tmp_path / "key", force=True, stdout=StringIO())
    assert store.objects() == before


def test_while_the_store_is_down_uploads_are_refused_and_photos_wait(store: ObjectStore, visit: Visit, ada: User) -> None:
    queued = make_prediction(make_photo(visit), Prediction.State.QUEUED)
    assert sealed_storage().answers()
    store.stop()
    try:
        assert not sealed_storage().answers()
        with pytest.raises(RejectedPhoto) as refused:
            receive_photo(visit, upload(), ada)
        assert refused.value.code == "not_stored"
        for _ in range(MAX_ATTEMPTS + 1):
            tasks.predict(str(queued.pk))
            queued.refresh_from_db()
            assert (queued.state, queued.attempts) == ("queued", 0)
        with pytest.raises(StorageDown, match="does not answer"):
            erase_picture(queued.photo)
        assert Photo.objects.get().image  # the row still names what is to be erased
    finally:
        store.start()
    assert Photo.objects.count() == 1


def test_wrong_key_is_no_missing_file(store: ObjectStore) -> None:
    options = storage_from_environment()["OPTIONS"] | {"secret_key": "wrong"}
    storage = ObjectStorage(**options)
    with pytest.raises(StorageDown, match="refuses"):
        storage.read_sealed("ab/one")
    assert not storage.answers()
