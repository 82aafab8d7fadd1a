"""Whose photo is read next, and that no message is wasted."""

from datetime import timedelta

import pytest
from django.utils import timezone

from inference.models import Prediction
from inference.turn import claim_next
from patients.models import Photo, User, Visit
from tests.factories import make_photo, make_prediction

pytestmark = pytest.mark.django_db


def queue(visit: Visit, by: User, count: int, seconds_ago: float) -> list[str]:
    """Queue photos that `by` sent, one a millisecond after the other; return the ids of their predictions."""
    ids = []
    for number in range(count):
        photo = make_photo(visit)
        Photo.objects.filter(pk=photo.pk).update(uploaded_by=by)
        at = timezone.now() - timedelta(seconds=seconds_ago) + timedelta(milliseconds=number)
        ids.append(str(make_prediction(photo, Prediction.State.QUEUED, queued_at=at).pk))
    return ids


def read_all(messages: list[str]) -> list[str]:
    """Let one worker take the messages in order; return the predictions in the order of their reading."""
    read = []
    for message in messages:
        claimed = claim_next(message)
        assert claimed
        read.append(str(claimed.pk))
        assert claimed.fail("reader_fault")
    return read


def test_single_photo_comes_between_those_of_a_batch(visit: Visit, bo: User) -> None:
    batch = queue(visit, visit.created_by, 5, seconds_ago=60)
    single = queue(visit, bo, 1, seconds_ago=1)
    assert read_all([*batch, *single]) == [batch[0], *single, *batch[1:]]
    assert claim_next(batch[0]) is None


def test_two_batches_take_turns(visit: Visit, bo: User) -> None:
    one, other = queue(visit, visit.created_by, 3, seconds_ago=60), queue(visit, bo, 3, seconds_ago=30)
    assert read_all([*one, *other]) == [one[0], other[0], one[1], other[1], one[2], other[2]]


def test_someone_who_comes_later_waits_for_one_photo_at_most(visit: Visit, bo: User) -> None:
    batch = queue(visit, visit.created_by, 4, seconds_ago=60)
    read = read_all(batch[:2])
    single = queue(visit, bo, 1, seconds_ago=0)
    assert read + read_all([*batch[2:], *single]) == [*batch[:2], *single, *batch[2:]]


def test_photo_that_was_tried_before_is_read_by_its_own_message_alone(visit: Visit, bo: User) -> None:
    tried, fresh = queue(visit, visit.created_by, 1, seconds_ago=60), queue(visit, bo, 1, seconds_ago=1)
    Prediction.objects.filter(pk=tried[0]).update(attempts=1)
    assert read_all(fresh) == fresh
    assert claim_next(fresh[0]) is None
    assert read_all(tried) == tried
