"""Erasure during other work: it blocks no one for long, and nothing is added behind its back."""

from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from inference.models import Prediction
from patients.consent import erasure
from patients.consent.erasure import anonymise, ask_for_erasure, carry_out_erasures
from patients.models import ErasureRequest, Patient, Photo, User, Visit
from patients.photos.codes import RejectedPhoto
from patients.photos.receive import receive_photo
from tests.factories import upload

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("level", ["anonymise", "all"])
def test_entry_is_written_last(ines: Patient, ada: User, monkeypatch: pytest.MonkeyPatch, level: str) -> None:
    """Adding an entry to the log blocks everyone who opens a page."""
    seen = []

    def watched(*arguments: Any, **options: Any) -> None:
        seen.append((Patient.objects.filter(pk=ines.pk).exists(), ErasureRequest.objects.get().state))

    ask_for_erasure(ines, level, ada, ada)
    monkeypatch.setattr(erasure, "record_access", watched)
    carry_out_erasures()
    assert seen == [(False, "done")]


def test_new_ids_take_few_statements(visit: Visit, ada: User, django_assert_max_num_queries: Any) -> None:
    Photo.objects.bulk_create(
        Photo(visit=visit, width=1, height=1, fingerprint=str(number), uploaded_by=ada) for number in range(150)
    )
    Prediction.objects.bulk_create(Prediction(photo=photo, model_version="1") for photo in visit.photos.all())
    patient = visit.patient
    with django_assert_max_num_queries(68):
        anonymise(patient)
    assert Prediction.objects.filter(photo__visit__patient=Patient.objects.get()).count() == 150
    connection.check_constraints()


@pytest.mark.django_db(transaction=True)
def test_photo_that_arrives_during_an_erasure_is_not_kept(
    ada: User, visit: Visit, private_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if connection.vendor != "postgresql":
        pytest.skip("here one transaction writes at a time")
    monkeypatch.setattr("inference.tasks.predict.apply_async", lambda arguments, queue: None)
    monkeypatch.setattr(carry_out_erasures, "delay", lambda: None)
    ask_for_erasure(visit.patient, "anonymise", ada, ada)

    def arrive() -> str:
        try:
            receive_photo(Visit.objects.get(pk=visit.pk), upload(), ada)
        except RejectedPhoto as refused:
            return refused.code
        finally:
            connection.close()
        return "kept"

    with ThreadPoolExecutor(1) as pool:
        arrivals: list[Future[str]] = []

        def during(patient: Patient) -> None:
            arrivals.append(pool.submit(arrive))
            wait(arrivals, 3)  # long enough to be stored, if nothing held it
            anonymise(patient)

        monkeypatch.setattr(erasure, "anonymise", during)
        carry_out_erasures()
        assert arrivals[0].result() in ("no_consent", "visit_gone")
    assert not Photo.objects.exists()
    assert [path for path in private_files.rglob("*") if path.is_file()] == []
