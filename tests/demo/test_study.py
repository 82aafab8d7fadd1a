"""The demo's study: fictitious people, and no value of a face that the reader did not give."""

from pathlib import Path

import pytest
from django.conf import LazySettings

from demo import study as demo
from demo.clinic import make_patients
from demo.management.commands.load_demo import RESEARCHER, STUDY_CLINICIAN, load_people
from inference.models import Prediction
from patients.models import Participation, Patient, Photo, SelfReport, Study, User, Visit
from patients.photos.files import read_stored
from patients.studies.group import group_of
from tests.factories import make_photo, make_prediction, probabilities_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def own_folder(settings: LazySettings, tmp_path: Path) -> None:
    settings.VAR = tmp_path


@pytest.fixture
def study(ada: User, bo: User) -> Study:
    """Return the study of the demo, whose participants are Dr Bo's, beside the six patients."""
    make_patients(ada)
    return demo.make_study(ada, bo)


def source_visit(position: int = 1) -> Visit:
    ines = Patient.objects.with_record_number("DEMO-1").get()
    return ines.visits.order_by("date")[position - 1]


def test_both_arms_are_large_enough_to_be_shown(study: Study, bo: User) -> None:
    sizes = [arm.participations.counted().count() for arm in study.arms.all()]
    assert sizes == [7, 7]
    assert min(sizes) >= study.smallest_cell
    assert Patient.objects.visible_to(bo).count() == 14
    group = group_of(study)
    assert all(5 <= len(person.visits) <= 8 and person.visits[0].day == 0 for person in group.people)
    assert SelfReport.objects.filter(visit__patient__in=Patient.objects.visible_to(bo)).count() == len(group.visits)


def test_participant_has_the_reading_of_the_same_picture(study: Study) -> None:
    read = make_photo(source_visit(), original_name="ines-01-1.jpg")
    make_prediction(read, probabilities=probabilities_of(sad=0.7), model_version="0.5.0", abstained=True, fer2013=[0.1] * 6 + [0.4])
    unusable = make_photo(source_visit(), original_name="ines-01-2.jpg")
    make_prediction(unusable, Prediction.State.REJECTED, reason="too_dark")
    assert demo.add_photos()
    reusing = sum(each["visits"].count(1) for each in demo.described()["participants"] if each["source"] == "DEMO-1")
    copies = Photo.objects.filter(visit__patient__participations__study=study)
    assert copies.count() == 2 * reusing
    for copy in copies:
        source = read if copy.original_name == "ines-01-1.jpg" else unusable
        assert read_stored(copy.image) == read_stored(source.image)
        assert copy.image.name != source.image.name
        same = ("state", "reason", "sad", "neutral", "abstained", "model_version", "faces", "chosen_face", "fer2013")
        assert [getattr(copy.prediction, name) for name in same] == [getattr(source.prediction, name) for name in same]


def test_first_portraits_by_name_are_stored_in_whatever_order_they_came(study: Study) -> None:
    for number in (4, 2, 5, 1, 3):
        make_prediction(make_photo(source_visit(), original_name=f"ines-01-{number}.jpg"))
    demo.add_photos()
    copies = Photo.objects.filter(visit__patient__participations__study=study)
    assert {copy.original_name for copy in copies} == {f"ines-01-{number}.jpg" for number in (1, 2, 3)}


def test_load_that_was_cut_short_goes_on(study: Study) -> None:
    make_prediction(make_photo(source_visit()))
    demo.add_photos()
    count = Photo.objects.count()
    assert demo.add_photos()
    assert Photo.objects.count() == count


def test_nothing_is_stored_before_everything_is_read(study: Study, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo, "READ_TIMEOUT_SECONDS", 0)
    monkeypatch.setattr(demo, "BUSY_SECONDS", 0)
    make_prediction(make_photo(source_visit()), Prediction.State.QUEUED)
    assert not demo.add_photos()
    assert Photo.objects.count() == 1


def test_researcher_leads_the_study_and_sees_no_patient(db: None) -> None:
    load_people()
    rosa, noor = User.objects.get(email=RESEARCHER), User.objects.get(email=STUDY_CLINICIAN)
    assert list(Study.objects.of(rosa)) == [Study.objects.get()]
    assert not Patient.objects.visible_to(rosa).exists()
    assert set(Participation.objects.values_list("enrolled_by", flat=True)) == {noor.pk}


def test_demo_of_few_visits_has_no_study(db: None, settings: LazySettings) -> None:
    settings.DEMO_VISITS = 1
    load_people()
    assert not Study.objects.exists()
    assert User.objects.filter(email=RESEARCHER).exists()
