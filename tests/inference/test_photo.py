"""The protocol that inference expects of a photo, and that the patients' photo satisfies it."""

from typing import Any

import pytest
from django.db.models.fields.files import FieldFile

from inference.models import Prediction
from inference.photo import CONSENT_PATH, ReadablePhoto
from patients.models import Visit
from tests.factories import make_photo, make_prediction

pytestmark = pytest.mark.django_db


def test_photo_of_a_patient_can_be_read_by_inference(visit: Visit) -> None:
    photo: ReadablePhoto = make_photo(visit)  # mypy compares the types, the next lines compare the values
    assert isinstance(photo, ReadablePhoto)
    assert photo.may_be_read is True
    assert isinstance(photo.image, FieldFile)


def test_target_of_a_prediction_is_such_a_photo(visit: Visit) -> None:
    assert isinstance(make_prediction(make_photo(visit)).photo, ReadablePhoto)


def test_consent_is_looked_up_without_another_query(visit: Visit, django_assert_num_queries: Any) -> None:
    prediction = Prediction.objects.select_related(CONSENT_PATH).get(pk=make_prediction(make_photo(visit)).pk)
    photo: ReadablePhoto = prediction.photo
    with django_assert_num_queries(1):  # of consents
        assert photo.may_be_read


def test_anything_else_is_not() -> None:
    assert not isinstance(object(), ReadablePhoto)
