"""What a worker does with one photo: every outcome, and that none is lost."""

import io
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone
from PIL import Image
from skimage.data import astronaut

from inference import sweep, tasks
from inference.dispatch import current_model_version, request_again, request_explanation, request_prediction
from inference.models import MAX_ATTEMPTS, Prediction
from inference.sweep import sweep_overdue
from ml.serve.expressions import FaceBox, Outcome, Reading
from ml.serve.reader import WeightsError
from patients.models import Consent, Photo, Visit
from tests.factories import make_photo, make_prediction
from tests.hostile import jpegs

pytestmark = pytest.mark.django_db

SHARES = (0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.1)


class FakeReader:
    """Reads without a network, or raises a given exception."""

    def __init__(self) -> None:
        self.asked: list[tuple[tuple[int, int], FaceBox | None]] = []
        self.fault: BaseException | None = None

    def read(self, image: Image.Image, face: FaceBox | None = None) -> Reading:
        self.asked.append((image.size, face))
        if self.fault:
            raise self.fault
        return Reading(Outcome.DONE, "1.0.0", probabilities=SHARES)


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> FakeReader:
    fake = FakeReader()
    monkeypatch.setattr(tasks, "face_reader", lambda: fake)
    return fake


@pytest.fixture
def queued(visit: Visit) -> Prediction:
    return make_prediction(make_photo(visit), Prediction.State.QUEUED)


def outcome(prediction: Prediction) -> tuple[str, str]:
    prediction.refresh_from_db()
    return prediction.state, prediction.reason


def test_photo_is_read_once_however_often_the_task_runs(queued: Prediction, reader: FakeReader) -> None:
    tasks.predict(str(queued.id))
    tasks.predict(str(queued.id))
    assert reader.asked == [((64, 48), None)]
    assert outcome(queued) == ("done", "")


def test_missing_row_is_a_quiet_return(queued: Prediction, reader: FakeReader) -> None:
    queued.photo.delete()
    tasks.predict(str(queued.id))
    assert reader.asked == []


@pytest.mark.parametrize(
    ("fault", "reason"), [(SoftTimeLimitExceeded(), "timed_out"), (ValueError("boom"), "reader_fault"), (OSError(), "reader_fault")]
)
def test_fault_fails_its_own_row_with_a_reason(queued: Prediction, reader: FakeReader, fault: Exception, reason: str) -> None:
    reader.fault = fault
    tasks.predict(str(queued.id))
    assert outcome(queued) == ("failed", reason)


def test_lost_file_is_named(queued: Prediction, reader: FakeReader) -> None:
    photo = queued.photo
    photo.image.storage.delete(str(photo.image.name))
    for _ in range(MAX_ATTEMPTS - 1):
        tasks.predict(str(queued.id))
        assert outcome(queued) == ("queued", "")  # another worker may have the missing folder
    tasks.predict(str(queued.id))
    assert outcome(queued) == ("failed", "photo_missing")


def test_stored_picture_that_we_did_not_make_is_named_and_never_decoded(queued: Prediction, reader: FakeReader) -> None:
    """A hijacked decoder once left it: a few kilobytes that would fill gigabytes."""
    photo = queued.photo
    photo.image.save("image", ContentFile(jpegs.sized(13_300, 13_300)), save=True)
    tasks.predict(str(queued.id))
    assert outcome(queued) == ("failed", "photo_damaged")
    assert reader.asked == []


def test_missing_weights_leave_the_photo_waiting_until_the_third_attempt(
    queued: Prediction, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_weights() -> None:
        raise WeightsError("gone")

    monkeypatch.setattr(tasks, "face_reader", no_weights)
    states = []
    for _ in range(3):
        tasks.predict(str(queued.id))
        states.append(outcome(queued))
    assert states == [("queued", ""), ("queued", ""), ("failed", "model_unavailable")]


def test_chosen_face_reaches_the_reader(
    queued: Prediction, reader: FakeReader, sent: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    box = {"left": 1, "top": 2, "width": 30, "height": 40}
    Prediction.objects.filter(pk=queued.pk).update(state="choose_face", faces=[{"box": box}])
    queued.refresh_from_db()
    with django_capture_on_commit_callbacks(execute=True):
        assert request_again(queued, face=0)
    assert sent == [str(queued.id)]
    tasks.predict(sent[0])
    assert reader.asked[0][1] == FaceBox(1, 2, 30, 40)


def test_face_that_is_not_there_cannot_be_chosen(queued: Prediction) -> None:
    with pytest.raises(IndexError):
        request_again(queued, face=0)


def test_asking_twice_for_the_same_model_is_asking_once(
    visit: Visit, sent: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    photo = make_photo(visit)
    with django_capture_on_commit_callbacks(execute=True):
        first, second = request_prediction(photo), request_prediction(photo)
    assert first == second
    assert len(sent) == 1


def age(prediction: Prediction, state: str, attempts: int = 0) -> None:
    long_ago = timezone.now() - timedelta(hours=1)
    Prediction.objects.filter(pk=prediction.pk).update(state=state, attempts=attempts, queued_at=long_ago, started_at=long_ago)


def test_sweep_sends_lost_work_again(queued: Prediction, sent: list[str], django_capture_on_commit_callbacks: Any) -> None:
    age(queued, "running", attempts=1)
    with django_capture_on_commit_callbacks(execute=True):
        assert sweep_overdue() == (1, 0)
        assert sweep_overdue() == (0, 0)
    assert sent == [str(queued.id)]
    assert outcome(queued) == ("queued", "")


def test_sweep_gives_up_after_three_attempts(queued: Prediction, sent: list[str]) -> None:
    age(queued, "running", attempts=3)
    assert sweep_overdue() == (0, 1)
    assert outcome(queued) == ("failed", "gave_up")


def test_photo_that_no_worker_ever_took_waits_as_long_as_it_must(queued: Prediction, sent: list[str]) -> None:
    for _ in range(5):
        age(queued, "queued", attempts=0)
        assert sweep_overdue() == (1, 0)


def test_poisoned_photo_does_not_stop_the_next(visit: Visit, reader: FakeReader) -> None:
    bad, good = (make_prediction(make_photo(visit), Prediction.State.QUEUED) for _ in range(2))
    photo = Photo.objects.get(pk=bad.photo_id)
    with photo.image.storage.open(str(photo.image.name)) as file:
        assert file.read()
    photo.image.storage.delete(str(photo.image.name))
    tasks.predict(str(bad.id))
    tasks.predict(str(good.id))
    assert (outcome(bad)[0], outcome(good)[0]) == ("queued", "done")  # another worker may find the file


def test_unreadable_weights_do_not_cost_the_upload(
    visit: Visit, reader: FakeReader, sent: list[str], settings: Any, tmp_path: Path, django_capture_on_commit_callbacks: Any
) -> None:
    settings.MODEL_DIR = tmp_path
    with django_capture_on_commit_callbacks(execute=True):
        waiting = request_prediction(make_photo(visit))
    tasks.predict(sent[0])
    waiting.refresh_from_db()
    assert (waiting.state, waiting.model_version) == ("done", "1.0.0")


def test_result_of_a_version_that_read_the_photo_already_is_not_stored_twice(queued: Prediction, reader: FakeReader) -> None:
    asked = make_prediction(queued.photo, "queued", model_version="2.0.0")
    tasks.predict(str(queued.id))
    tasks.predict(str(asked.id))  # from a worker that has not loaded the new model yet
    assert queued.photo.predictions.get() == queued
    assert outcome(queued) == ("done", "")


def test_what_another_version_said_is_kept_when_it_cannot_be_read_anew(queued: Prediction, reader: FakeReader) -> None:
    said = make_prediction(queued.photo, model_version="2.0.0")
    tasks.predict(str(queued.id))
    assert said.requeue()
    tasks.predict(str(said.id))
    assert outcome(said) == ("failed", "model_changed")


@pytest.mark.parametrize(("messages", "again"), [(0, 2), (1, 2), (2, 0), (None, 2)])
def test_photos_that_wait_are_sent_again_only_when_a_message_is_lost(
    visit: Visit, sent: list[str], monkeypatch: pytest.MonkeyPatch, messages: int | None, again: int
) -> None:
    for _ in range(2):
        age(make_prediction(make_photo(visit), Prediction.State.QUEUED), "queued")
    monkeypatch.setattr(sweep, "messages_waiting", lambda *queues: messages)
    assert sweep_overdue() == (again, 0)


def test_lost_photos_come_back_behind_fresh_ones(
    queued: Prediction, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    queues: list[str] = []
    monkeypatch.setattr(tasks.predict, "apply_async", lambda arguments, queue: queues.append(queue))
    age(queued, "queued")
    with django_capture_on_commit_callbacks(execute=True):
        request_prediction(make_photo(queued.photo.visit))
        sweep_overdue()
    assert queues == ["photos", "again"]


@pytest.fixture
def portrait_read(visit: Visit) -> Prediction:
    """Return the prediction of a real face, by the model that ships."""
    with Image.fromarray(astronaut()) as whole:
        face = io.BytesIO()
        whole.crop((163, 55, 287, 179)).convert("L").resize((48, 48)).save(face, "PNG")
    return make_prediction(make_photo(visit), model_version=current_model_version(), input_png=face.getvalue())


def explained(prediction: Prediction) -> str:
    prediction.refresh_from_db()
    return prediction.explanation


def test_map_of_a_smile_is_drawn_and_encrypted(portrait_read: Prediction) -> None:
    assert explained(portrait_read) == "none"
    assert request_explanation(portrait_read)
    assert explained(portrait_read) == "waiting"
    tasks.explain(str(portrait_read.id))
    assert explained(portrait_read) == "done"
    assert portrait_read.explanation_drop is not None
    assert portrait_read.explanation_drop > 0.001
    with Image.open(io.BytesIO(bytes(portrait_read.explanation_png))) as drawn:
        assert (drawn.format, drawn.mode, drawn.size) == ("PNG", "RGB", (192, 192))
    with connection.cursor() as cursor:
        cursor.execute("SELECT explanation_png FROM inference_prediction")
        assert bytes(cursor.fetchone()[0]).startswith(b"al1")


def test_map_is_drawn_only_when_asked_for(portrait_read: Prediction) -> None:
    tasks.explain(str(portrait_read.id))
    assert explained(portrait_read) == "none"


def test_map_that_is_there_is_not_drawn_twice(portrait_read: Prediction) -> None:
    portrait_read.explanation_requested_at = timezone.now()
    portrait_read.explanation_drop, portrait_read.explanation_png = 0.2, b"map"
    portrait_read.save()
    portrait_read.refresh_from_db()
    assert not request_explanation(portrait_read)


def test_map_that_does_not_come_can_be_asked_for_again(portrait_read: Prediction) -> None:
    Prediction.objects.update(explanation_requested_at=timezone.now() - timedelta(minutes=1))
    assert explained(portrait_read) == "lost"
    assert request_explanation(portrait_read)
    assert explained(portrait_read) == "waiting"


def test_map_of_another_model_is_not_drawn(portrait_read: Prediction) -> None:
    Prediction.objects.update(model_version="0.0.1", explanation_requested_at=timezone.now())
    portrait_read.refresh_from_db()
    tasks.explain(str(portrait_read.id))
    assert explained(portrait_read) == "waiting"
    Prediction.objects.update(explanation_requested_at=None)
    portrait_read.refresh_from_db()
    assert not request_explanation(portrait_read)


def test_map_is_not_drawn_without_consent(portrait_read: Prediction) -> None:
    assert request_explanation(portrait_read)
    Consent.objects.all().delete()
    tasks.explain(str(portrait_read.id))
    assert explained(portrait_read) == "waiting"


def test_map_of_a_face_that_is_no_longer_chosen_is_thrown_away(portrait_read: Prediction, reader: FakeReader) -> None:
    assert request_explanation(portrait_read)
    portrait_read.refresh_from_db()
    request_again(portrait_read)
    tasks.predict(str(portrait_read.id))
    assert not portrait_read.record_explanation(b"map", 0.1)
    assert explained(portrait_read) == "none"
