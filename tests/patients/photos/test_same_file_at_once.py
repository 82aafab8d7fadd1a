"""The same file from several browsers in the same moment: one photo, and the others are told so. On each database that we serve."""

import threading
from pathlib import Path

import pytest

from ml.decode.rebuild import RebuiltPhoto
from patients.models import Photo, Visit
from patients.photos import checks
from patients.photos.codes import RejectedPhoto
from patients.photos.receive import receive_photo
from tests.factories import make_clinician, make_patient, make_visit, picture, upload
from tests.threads import AT_ONCE, each_in_a_thread, share_database


@pytest.fixture
def filled_visit(transactional_db: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Visit:
    """Return a visit in a database that threads can share as processes do."""
    visit = make_visit(make_patient(make_clinician()))
    share_database(tmp_path, monkeypatch)
    return visit


def uploaded(visit: Visit) -> str:
    """Return what became of a photo."""
    try:
        receive_photo(visit, upload(), visit.created_by)
    except RejectedPhoto as rejected:
        return rejected.code
    return "added"


@pytest.fixture
def all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every upload wait for the others just before it is stored: each has seen that the visit lacks the photo."""
    together = threading.Barrier(AT_ONCE, timeout=60)

    def rebuild(source: bytes, kind: str) -> RebuiltPhoto:
        together.wait()
        return RebuiltPhoto(64, 48, None, picture(), picture())

    monkeypatch.setattr(checks, "rebuild_apart", rebuild)
    monkeypatch.setattr("inference.tasks.predict.apply_async", lambda arguments, queue: None)


@pytest.mark.usefixtures("all_at_once")
def test_same_file_at_once_is_one_photo(filled_visit: Visit, private_files: Path) -> None:
    answers = each_in_a_thread(lambda: uploaded(filled_visit))
    assert answers == ["added", *["duplicate_in_visit"] * (AT_ONCE - 1)]
    assert each_in_a_thread(lambda: str(Photo.objects.count())) == ["1"] * AT_ONCE
    assert len([path for path in private_files.rglob("*") if path.is_file()]) == 2


@pytest.mark.usefixtures("all_at_once")
def test_photo_for_a_visit_that_is_deleted_meanwhile_is_refused(filled_visit: Visit, private_files: Path) -> None:
    gone = Visit.objects.get(pk=filled_visit.pk)
    each_in_a_thread(lambda: str(Visit.objects.filter(pk=filled_visit.pk).delete()))
    assert each_in_a_thread(lambda: uploaded(gone)) == ["visit_gone"] * AT_ONCE
    assert [path for path in private_files.rglob("*") if path.is_file()] == []
