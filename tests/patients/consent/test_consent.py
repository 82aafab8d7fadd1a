"""Consent: no upload without it, and nothing is read after its withdrawal."""

import json
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from PIL import Image

from clinic.settings import load_consent_texts
from inference import tasks
from inference.dispatch import request_again
from inference.models import Prediction
from ml.decode.rebuild import RebuiltPhoto
from ml.serve.expressions import FaceBox, Outcome, Reading
from patients.consent.consent import TEXTS, consent_text, give_consent, withdraw_consent
from patients.consent.erasure import ask_for_erasure, erase_pictures
from patients.models import AccessLog, Consent, ErasureRequest, Patient, Photo, User, Visit
from patients.photos import checks
from patients.photos.codes import RejectedPhoto
from patients.photos.receive import receive_photo
from patients.timeline.summaries import point_of
from tests.factories import make_patient, make_photo, make_prediction, make_visit, upload

pytestmark = pytest.mark.django_db

State = Prediction.State
READING = Reading(Outcome.DONE, "1.0.0", probabilities=(0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.1))


def care(patient: Patient) -> Consent:
    return patient.consents.active().get(purpose="care")


def withdraw(patient: Patient, by: User) -> None:
    assert withdraw_consent(care(patient), by, by)


def new_consent(patient: Patient, by: User, purpose: str = "care") -> Consent:
    return Consent(patient=patient, purpose=purpose, text_version="7", method="signed", given_on=date(2026, 11, 22), recorded_by=by)


@pytest.mark.parametrize("purposes", [(), ("research", "teaching")])
def test_no_photo_without_consent_to_care(ada: User, purposes: tuple[str, ...]) -> None:
    visit = make_visit(make_patient(ada, consents=purposes))
    with pytest.raises(RejectedPhoto) as refused:
        receive_photo(visit, upload(), ada)
    assert refused.value.code == "no_consent"


def test_no_photo_after_withdrawal_and_again_after_new_consent(ada: User, visit: Visit, sent: list[str]) -> None:
    withdraw(visit.patient, ada)
    with pytest.raises(RejectedPhoto, match="no_consent"):
        receive_photo(visit, upload(), ada)
    give_consent(new_consent(visit.patient, ada), ada)
    assert receive_photo(visit, upload(), ada).visit == visit


def test_one_purpose_has_one_consent_in_force(ada: User, ines: Patient) -> None:
    give_consent(new_consent(ines, ada), ada)  # to another text: the earlier one is replaced
    assert [each.text_version for each in ines.consents.active().filter(purpose="care")] == ["7"]
    with pytest.raises(IntegrityError):
        give_consent(new_consent(ines, ada), ada)


def test_consent_and_withdrawal_are_logged_and_stored(ada: User, ines: Patient) -> None:
    consent = care(ines)
    withdraw(ines, ada)
    give_consent(new_consent(ines, ada), ada)
    consent.refresh_from_db()
    assert consent.withdrawn_by == ada
    assert not withdraw_consent(consent, ada, ada)
    assert [entry.action for entry in AccessLog.objects.about(ines)] == ["consent", "erase_stopped", "withdraw"]
    assert AccessLog.objects.about(ines)[0].detail == {"purpose": "care", "text": "7", "how": "signed"}


class Reader:
    """Does something while it reads, as time passes for a real one."""

    def __init__(self, meanwhile: Any) -> None:
        self.meanwhile, self.count = meanwhile, 0

    def read(self, image: Image.Image, face: FaceBox | None = None) -> Reading:
        self.count += 1
        self.meanwhile()
        return READING


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    reader = Reader(lambda: None)
    monkeypatch.setattr(tasks, "face_reader", lambda: reader)
    return reader


def outcome(prediction: Prediction) -> tuple[str, str, float | None]:
    prediction.refresh_from_db()
    return prediction.state, prediction.reason, prediction.happy


def test_queued_photo_is_not_read_after_withdrawal(ada: User, visit: Visit, reader: Reader) -> None:
    queued = make_prediction(make_photo(visit), State.QUEUED)
    withdraw(visit.patient, ada)
    tasks.predict(str(queued.pk))
    assert reader.count == 0
    assert outcome(queued) == ("rejected", "no_consent", None)


def test_photo_queued_without_consent_is_refused_by_the_worker(ada: User, visit: Visit, reader: Reader) -> None:
    withdraw(visit.patient, ada)
    queued = make_prediction(make_photo(visit), State.QUEUED)
    tasks.predict(str(queued.pk))
    assert reader.count == 0
    assert outcome(queued) == ("rejected", "no_consent", None)


def test_reading_under_way_is_dropped_at_withdrawal(ada: User, visit: Visit, reader: Reader) -> None:
    running = make_prediction(make_photo(visit), State.QUEUED)
    reader.meanwhile = lambda: withdraw(visit.patient, ada)
    tasks.predict(str(running.pk))
    assert reader.count == 1
    assert outcome(running) == ("rejected", "no_consent", None)


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_what_an_older_model_read_stays_when_consent_ends_before_it_is_read_again(ada: User, visit: Visit, state: str) -> None:
    read = make_prediction(make_photo(visit))
    make_prediction(read.photo, state, model_version="2.0.0")
    withdraw(visit.patient, ada)
    assert Photo.objects.get().prediction == read
    assert point_of(visit).used == 1


@pytest.mark.parametrize("state", [State.QUEUED, State.RUNNING])
def test_a_reading_that_was_asked_anew_is_as_before_when_consent_ends(ada: User, visit: Visit, state: str) -> None:
    newer = make_prediction(make_photo(visit), model_version="2.0.0", finished_at=timezone.now())
    before = newer.requested_at - timedelta(days=9)
    older = make_prediction(newer.photo, requested_at=before, finished_at=before)
    assert older.requeue()  # after a change back to the model before
    Prediction.objects.filter(pk=older.pk).update(state=state)
    withdraw(visit.patient, ada)
    assert outcome(older) == ("done", "", 0.6)
    assert older.finished_at == before
    assert Photo.objects.get().prediction == newer


def test_photo_that_failed_before_is_refused_and_offers_no_further_try(ada: User, visit: Visit) -> None:
    failed = make_prediction(make_photo(visit), State.FAILED, reason="timed_out")
    asked = make_prediction(failed.photo, State.QUEUED, model_version="2.0.0")
    withdraw(visit.patient, ada)
    assert outcome(asked) == ("rejected", "no_consent", None)
    assert Photo.objects.get().prediction == asked


def test_photo_without_any_reading_is_refused_under_every_model(ada: User, visit: Visit) -> None:
    asked = make_prediction(make_photo(visit), State.QUEUED)
    anew = make_prediction(asked.photo, State.QUEUED, model_version="2.0.0")
    withdraw(visit.patient, ada)
    assert outcome(asked) == outcome(anew) == ("rejected", "no_consent", None)


def test_a_reading_made_anew_is_dropped_at_withdrawal_and_the_former_stays(ada: User, visit: Visit, reader: Reader) -> None:
    read = make_prediction(make_photo(visit))
    assert read.requeue()
    reader.meanwhile = lambda: withdraw(visit.patient, ada)
    tasks.predict(str(read.pk))
    assert reader.count == 1
    assert outcome(read) == ("done", "", 0.6)


def test_a_reading_by_another_model_is_dropped_at_withdrawal_and_the_former_stays(ada: User, visit: Visit, reader: Reader) -> None:
    read = make_prediction(make_photo(visit))
    asked = make_prediction(read.photo, State.QUEUED, model_version="2.0.0")
    reader.meanwhile = lambda: withdraw(visit.patient, ada)
    tasks.predict(str(asked.pk))
    assert reader.count == 1
    assert Photo.objects.get().predictions.get() == read


def test_photo_read_again_without_consent_keeps_its_numbers(ada: User, visit: Visit, reader: Reader) -> None:
    read = make_prediction(make_photo(visit))
    withdraw(visit.patient, ada)
    assert read.requeue()
    tasks.predict(str(read.pk))
    assert reader.count == 0
    assert outcome(read) == ("done", "", 0.6)


class Drawer:
    """Does something while it draws a map."""

    model_version = "1.0.0"

    def __init__(self, meanwhile: Any) -> None:
        self.meanwhile = meanwhile

    def explain(self, pixels: object) -> SimpleNamespace:
        self.meanwhile()
        return SimpleNamespace(draw=lambda pixels: b"map of a face", largest_drop=0.2)


@pytest.mark.parametrize("what", ["nothing", "withdrawal", "erasure"])
def test_map_under_way_is_dropped(ada: User, visit: Visit, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    read = make_prediction(make_photo(visit), explanation_requested_at=timezone.now())
    meanwhile = {
        "nothing": lambda: None,
        "withdrawal": lambda: withdraw(visit.patient, ada),
        "erasure": lambda: erase_pictures(Photo.objects.filter(visit=visit)),
    }
    monkeypatch.setattr(tasks, "face_reader", lambda: Drawer(meanwhile[what]))
    tasks.explain(str(read.pk))
    read.refresh_from_db()
    assert (read.explanation_png, read.explanation_drop) == ((b"map of a face", 0.2) if what == "nothing" else (None, None))


def test_consent_taken_back_while_a_photo_is_opened_refuses_it(
    ada: User, visit: Visit, private_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(source: bytes, kind: str) -> RebuiltPhoto:
        withdraw(visit.patient, ada)
        return RebuiltPhoto(64, 48, None, source, source)

    monkeypatch.setattr(checks, "rebuild_apart", slow)
    with pytest.raises(RejectedPhoto, match="no_consent"):
        receive_photo(visit, upload(), ada)
    assert not Photo.objects.exists()
    assert [path for path in private_files.rglob("*") if path.is_file()] == []


def test_nothing_is_read_again_without_consent(ada: User, visit: Visit, sent: list[str]) -> None:
    done = make_prediction(make_photo(visit))
    withdraw(visit.patient, ada)
    assert not request_again(done)
    assert outcome(done)[0] == "done"


def test_other_patients_go_on(ada: User, visit: Visit, reader: Reader) -> None:
    other = make_prediction(make_photo(make_visit(make_patient(ada, name="Omar Haddad"))), State.QUEUED)
    withdraw(visit.patient, ada)
    tasks.predict(str(other.pk))
    assert outcome(other)[0] == "done"


def test_withdrawal_of_care_queues_an_erasure_that_waits_a_day(ada: User, ines: Patient) -> None:
    withdraw(ines, ada)
    request = ErasureRequest.objects.get()
    assert (request.patient, request.level, request.cause, request.state) == (ines, "images", "withdrawal", "queued")
    assert timedelta(hours=23) < request.due_at - timezone.now() <= timedelta(hours=24)
    assert not ErasureRequest.objects.due().exists()


def test_withdrawal_of_research_erases_nothing_and_care_goes_on(ada: User) -> None:
    patient = make_patient(ada, consents=("care", "research"))
    queued = make_prediction(make_photo(make_visit(patient)), State.QUEUED)
    withdraw_consent(patient.consents.get(purpose="research"), ada, ada)
    assert not ErasureRequest.objects.exists()
    assert outcome(queued)[0] == "queued"


def test_new_consent_does_not_stop_an_erasure_that_was_asked_for(ada: User, ines: Patient) -> None:
    ErasureRequest.queue(ines, "all", ada, ErasureRequest.Cause.REQUEST)
    withdraw(ines, ada)
    give_consent(new_consent(ines, ada), ada)
    assert [(request.level, request.state) for request in ErasureRequest.objects.all()] == [("all", "queued")]


def test_every_purpose_has_its_words() -> None:
    assert set(TEXTS) == set(Consent.Purpose)


@pytest.mark.full
@pytest.mark.django_db(transaction=True)
def test_migration_leaves_old_consents_without_words_and_goes_back(ada: User, ines: Patient) -> None:
    """Which language they were read in is known of none, not even of the words that came along."""
    Consent.objects.update(words=TEXTS["care"])
    executor = MigrationExecutor(connection)
    executor.migrate([("patients", "0040_roles_and_teams")])
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes("patients"))
    assert care(ines).words == ""


def test_words_of_another_version_are_not_the_built_in_ones(settings: LazySettings) -> None:
    settings.CONSENT_TEXT_VERSION = "ours 3"
    assert consent_text("care") == ""
    settings.CONSENT_TEXTS = {"care": "You may photograph me."}
    assert consent_text("care") == "You may photograph me."


def test_file_of_own_words_has_one_for_every_purpose(tmp_path: Path) -> None:
    own = {"care": "You may photograph me.", "research": "You may count me.", "teaching": "You may show me."}
    path = tmp_path / "texts.json"
    path.write_text(json.dumps(own))
    assert load_consent_texts(str(path)) == own
    for text in (json.dumps(own | {"care": " "}), json.dumps({"care": "Yes."}), "[]", "no JSON"):
        path.write_text(text)
        with pytest.raises(ImproperlyConfigured, match="CONSENT_TEXTS"):
            load_consent_texts(str(path))
    with pytest.raises(ImproperlyConfigured, match="CONSENT_TEXTS"):
        load_consent_texts(str(tmp_path / "missing.json"))


def test_request_that_joins_a_withdrawal_is_not_stopped_by_a_new_consent(ines: Patient, ada: User, bo: User) -> None:
    withdraw(ines, ada)
    ask_for_erasure(ines, "all", bo, bo)
    give_consent(new_consent(ines, ada), ada)
    withdraw(ines, ada)
    request = ErasureRequest.objects.get()
    assert (request.cause, request.asked_by, request.level, request.state) == ("request", bo, "all", "queued")
