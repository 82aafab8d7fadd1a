"""What a waiting photo is told about its time, beside what happens."""

from datetime import timedelta
from uuid import UUID

import pytest
from django.utils import timezone

from inference.models import Prediction
from inference.turn import claim_next
from inference.waiting import seconds_until_read
from patients.models import User, Visit
from tests.factories import make_photo, make_prediction
from tests.inference.test_turn import queue

pytestmark = pytest.mark.django_db
EACH_SECONDS = 6.0


@pytest.fixture
def history(visit: Visit) -> None:
    """Three photos were read, in six seconds each."""
    for number in range(3):
        end = timezone.now() - timedelta(minutes=6, seconds=10 * number)
        make_prediction(make_photo(visit), started_at=end - timedelta(seconds=EACH_SECONDS), finished_at=end)


def true_seconds(messages: list[str], workers: int) -> dict[UUID, float]:
    """Read everything as so many workers do, each in six seconds. Return when each was read."""
    found = {}
    for number, message in enumerate(messages, start=1):
        claimed = claim_next(message)
        assert claimed
        assert claimed.fail("reader_fault")
        found[claimed.pk] = EACH_SECONDS * -(-number // workers)
    return found


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.usefixtures("history")
def test_time_that_is_told_is_true_within_a_factor_of_one_and_a_half(visit: Visit, ada: User, bo: User, workers: int) -> None:
    for _ in range(workers):
        make_prediction(make_photo(visit), Prediction.State.RUNNING, started_at=timezone.now())
    batch, others = queue(visit, ada, 12, seconds_ago=60), queue(visit, bo, 5, seconds_ago=30)
    told = seconds_until_read({UUID(each) for each in (*batch, *others)})
    Prediction.objects.filter(state=Prediction.State.RUNNING).update(state=Prediction.State.FAILED)
    true = true_seconds([*batch, *others], workers)
    assert told.keys() == true.keys()
    # What is told is whole minutes, from three quarters of one on; the very first are too soon for that.
    late = [each for each in true if true[each] > 2 * EACH_SECONDS]
    assert len(late) >= 13
    assert all(1 / 1.5 <= told[each] / true[each] <= 1.5 for each in late)


def test_nothing_is_told_while_no_photo_was_read(visit: Visit, ada: User) -> None:
    (waiting,) = queue(visit, ada, 1, seconds_ago=0)
    assert seconds_until_read({UUID(waiting)}) == {}


@pytest.mark.usefixtures("history")
def test_only_what_waits_is_told(visit: Visit, ada: User) -> None:
    (waiting,) = queue(visit, ada, 1, seconds_ago=0)
    running = make_prediction(make_photo(visit), Prediction.State.RUNNING, started_at=timezone.now())
    assert seconds_until_read({UUID(waiting), running.pk}) == {UUID(waiting): EACH_SECONDS}
