"""The prediction row: who may change it, and which results it takes."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inference.models import Prediction
from ml.serve.expressions import Face, FaceBox, Outcome, QualityCheck, Reading, Reason
from patients.models import Photo, Visit
from tests.factories import make_photo, make_prediction, probabilities_of

pytestmark = pytest.mark.django_db

BOX = FaceBox(8, 6, 24, 30)
FACE = Face(BOX, detector_score=0.9)
DONE = Reading(
    Outcome.DONE,
    "1.0.0",
    faces=(FACE,),
    chosen=0,
    probabilities=(0.1, 0.0, 0.1, 0.5, 0.1, 0.0, 0.2),
    fer2013=(0.2, 0.1, 0.0, 0.4, 0.1, 0.0, 0.2),
    input_png=b"png",
)


@pytest.fixture
def photo(visit: Visit) -> Photo:
    return make_photo(visit)


@pytest.fixture
def queued(photo: Photo) -> Prediction:
    return make_prediction(photo, Prediction.State.QUEUED)


def claimed(prediction: Prediction) -> Prediction:
    ours = Prediction.objects.claim(str(prediction.id))
    assert ours is not None
    return ours


def test_only_one_claim_succeeds(queued: Prediction) -> None:
    ours = claimed(queued)
    assert (ours.state, ours.attempts) == ("running", 1)
    assert Prediction.objects.claim(str(queued.id)) is None


def test_claim_of_a_deleted_photo_is_none(queued: Prediction) -> None:
    queued.photo.delete()
    assert Prediction.objects.claim(str(queued.id)) is None


def test_reading_is_stored_with_all_that_was_seen(queued: Prediction) -> None:
    assert claimed(queued).record(DONE)
    queued.refresh_from_db()
    assert queued.state == "done"
    assert queued.probabilities == DONE.probabilities
    assert queued.fer2013_probabilities == DONE.fer2013
    assert queued.valence == pytest.approx(0.2)
    assert queued.faces[0]["box"] == {"left": 8, "top": 6, "width": 24, "height": 30}
    assert bytes(queued.input_png) == b"png"


def test_refusal_keeps_its_measured_reason(queued: Prediction) -> None:
    check = QualityCheck("sharpness", 14.0, 40.0, False, Reason.TOO_BLURRED)
    claimed(queued).record(Reading(Outcome.REJECTED, "1.0.0", Reason.TOO_BLURRED, (FACE,), 0, quality=(check,)))
    queued.refresh_from_db()
    assert (queued.state, queued.reason, queued.quality[0]["measured"]) == ("rejected", "too_blurred", 14.0)
    assert queued.probabilities is None
    assert not queued.counts


def test_result_of_a_claim_that_was_taken_over_is_dropped(queued: Prediction) -> None:
    slow = claimed(queued)
    Prediction.objects.filter(pk=queued.pk).update(state="queued")
    claimed(queued)
    assert not slow.record(DONE)
    assert not slow.fail("timed_out")
    queued.refresh_from_db()
    assert queued.state == "running"


def test_result_of_a_claim_from_before_a_retry_is_dropped(queued: Prediction) -> None:
    slow = claimed(queued)
    Prediction.objects.unfinished().drop("no_consent")
    assert queued.requeue()
    assert claimed(queued).attempts == slow.attempts
    assert not slow.record(DONE)


def test_result_for_a_deleted_photo_is_dropped(queued: Prediction) -> None:
    ours = claimed(queued)
    queued.photo.delete()
    assert not ours.record(DONE)


def test_one_prediction_per_photo_and_model_version(queued: Prediction) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        make_prediction(queued.photo, Prediction.State.QUEUED)


def test_done_without_all_seven_probabilities_cannot_be_stored(queued: Prediction) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Prediction.objects.filter(pk=queued.pk).update(state="done", happy=1.0)


def test_only_a_final_prediction_is_queued_again(queued: Prediction) -> None:
    assert not queued.requeue()
    Prediction.objects.filter(pk=queued.pk).update(state="choose_face")
    assert queued.requeue(BOX)
    queued.refresh_from_db()
    assert (queued.state, queued.box_wanted) == ("queued", BOX)


def test_dropping_checks_each_row_as_it_is_now(queued: Prediction) -> None:
    rows = Prediction.objects.filter(photo__visit__patient=queued.photo.visit.patient)
    with CaptureQueriesContext(connection) as queries:
        assert rows.drop("no_consent") == 1
    changing = [query["sql"] for query in queries if query["sql"].startswith(("UPDATE", "DELETE"))]
    assert changing
    assert [sql for sql in changing if "patients_" in sql] == []  # a join would be read before waiting for the lock


def test_too_close_to_call_is_kept_and_not_counted(photo: Photo) -> None:
    prediction = make_prediction(photo, probabilities=probabilities_of(sad=0.3, fear=0.3), abstained=True)
    assert prediction.probabilities is not None
    assert not prediction.counts


@pytest.mark.parametrize(("state", "field"), [("queued", "queued_at"), ("running", "started_at")])
def test_overdue_begins_after_the_time_limit(queued: Prediction, settings: Any, state: str, field: str) -> None:
    for seconds, is_overdue in ((settings.READ_TIME_LIMIT_SECONDS, False), (settings.READ_TIME_LIMIT_SECONDS + 6, True)):
        then = timezone.now() - timedelta(seconds=seconds)
        Prediction.objects.filter(pk=queued.pk).update(state=state, **{field: then})
        assert Prediction.objects.overdue().exists() is is_overdue
    Prediction.objects.filter(pk=queued.pk).update(**{field: timezone.now() + timedelta(hours=2)})
    assert Prediction.objects.overdue().exists()  # the clock was set back in the meantime


def test_stored_input_is_encrypted(queued: Prediction) -> None:
    claimed(queued).record(DONE)
    with connection.cursor() as cursor:
        cursor.execute("SELECT input_png FROM inference_prediction")
        assert bytes(cursor.fetchone()[0]) != b"png"
