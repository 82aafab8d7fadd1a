"""Summaries always agree with photos and readings, after changes of any kind and in any order."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date, timedelta
from hashlib import sha256
from random import Random
from typing import Any
from uuid import UUID

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import Max

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS, Outcome, Reading
from patients.consent.consent import stop_reading
from patients.consent.erasure import anonymise, erase_pictures
from patients.models import Outdated, Patient, PatientSummary, Photo, User, Visit, VisitSummary
from patients.models.summary_triggers import ROWS, TABLES
from patients.photos.move import CannotMove, move_photos, move_visit
from patients.photos.reanalyse import reanalyse, reanalyse_outdated
from patients.timeline import summaries
from patients.timeline.background import refresh_summaries
from patients.timeline.baseline import baseline_of, chosen_that_count
from patients.timeline.points import VisitPoint
from patients.timeline.summaries import outdated_patients, points, refresh
from patients.timeline.tally import Tally, tallies
from tests.factories import make_patient, make_photo, make_prediction, make_visit, probabilities_of

pytestmark = pytest.mark.django_db
State = Prediction.State
FACE = {"box": {"left": 8, "top": 6, "width": 24, "height": 30}, "detector_score": 0.9, "roll_degrees": 0.0}


def true_points(patient: Patient) -> list[VisitPoint]:
    """Return the points from every photo, without a summary."""
    counted = tallies(Photo.objects.filter(visit__patient=patient))
    visits = Visit.objects.filter(patient=patient).order_by("date", "created_at", "id")
    return [counted[visit.pk].point(visit.pk, visit.date, visit.is_baseline) for visit in visits if visit.pk in counted]


def numbers(found: list[VisitPoint]) -> list[object]:
    """Return all that points say, to the digit."""
    return [(point, point.numbers, point.photo_valences) for point in found]


def names_tag(patient: Patient) -> int:
    """Return the tag of what the database holds of the patient's names."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT id, name, record_number FROM patients_patient")
        sealed = next(names for key, *names in cursor.fetchall() if UUID(str(key)) == patient.pk)
    return int.from_bytes(sha256("\n".join(sealed).encode()).digest()[:5])


def true_facts(patient: Patient) -> dict[str, object]:
    """Return what the list of patients says, from every photo and without a summary."""
    found = true_points(patient)
    baseline, last = baseline_of(found), found[-1] if found else None
    states: Counter[str] = Counter()
    for photo in Photo.objects.filter(visit__patient=patient, excluded_at=None, dismissed_at=None).exclude(image=""):
        states[photo.prediction.state if photo.prediction else "none"] += 1
    news = Prediction.objects.filter(photo__visit__patient=patient).exclude(state__in=Prediction.UNFINISHED)
    news = news.exclude(state=State.REJECTED, reason__in=Prediction.DROPPED)
    place = baseline.place(last) if baseline and last else None
    return {
        "names_tag": names_tag(patient),
        "visited_on": patient.visits.aggregate(on=Max("date"))["on"],
        "last_on": last.date if last else None,
        "last_visit": last.visit_id if last else None,
        "valence": last.valence if last else None,
        "place": {"below": -1, "inside": 0, "above": 1}[place] if place else None,
        "range_low": baseline.low if baseline else None,
        "range_high": baseline.high if baseline else None,
        "chosen_that_count": chosen_that_count(found),
        "to_choose": states[State.CHOOSE_FACE],
        "refused": states[State.NO_FACE] + states[State.REJECTED] + states[State.FAILED],
        "on_the_way": states[State.QUEUED] + states[State.RUNNING],
        "read_at": news.aggregate(at=Max("finished_at"))["at"],
    }


NOTHING: dict[str, object] = dict.fromkeys(
    [field.name for field in PatientSummary._meta.fields if field.name not in ("patient", "version")]
) | {"to_choose": 0, "refused": 0, "on_the_way": 0}


def assert_all_true() -> None:
    """Check every summary against the photos, first computed in a change under way, and then stored."""
    for patient in Patient.objects.all():
        assert numbers(points(patient)) == numbers(true_points(patient))
    refresh(outdated_patients())
    assert outdated_patients() == set()
    for patient in Patient.objects.all():
        assert numbers(points(patient)) == numbers(true_points(patient))
        stored = PatientSummary.objects.filter(patient=patient).values(*NOTHING).first()
        assert (stored or NOTHING) == true_facts(patient)
    with_photos = Visit.objects.filter(photos__isnull=False).values_list("pk", flat=True)
    assert set(VisitSummary.objects.values_list("pk", flat=True)) == set(with_photos)


class Clinic:
    """What people and workers do in the product, at random."""

    def __init__(self, ada: User, seed: int) -> None:
        self.ada, self.random = ada, Random(seed)
        self.patients = [make_patient(ada, name=name, birth_date=date(1980, 1, 1)) for name in ("Ines", "Tom")]
        for patient in self.patients:
            for week in range(5):
                visit = make_visit(patient, date(2026, 1, 5) + timedelta(weeks=week))
                for _ in range(self.random.randrange(5)):
                    self.read(Prediction.objects.create(photo=make_photo(visit), model_version="1.0.0"))

    def a(self, rows: Any) -> Any:
        """Return one of the rows at random; None of none."""
        return self.random.choice(found) if (found := list(rows.order_by("pk"))) else None

    def step(self) -> None:
        """Do one thing."""
        photo, visit, patient = self.a(Photo.objects.all()), self.a(Visit.objects.all()), self.a(Patient.objects.exclude(name=""))
        if not (photo and visit and patient):
            return
        change: Callable[[], object] = self.random.choice(
            [
                lambda: Prediction.objects.create(photo=make_photo(visit), model_version="1.0.0"),
                lambda: make_photo(visit),
                self.read_next,
                self.read_next,
                self.read_next,
                lambda: Prediction.objects.claim(str(self.a(Prediction.objects.all()).pk)),
                lambda: photo.exclude("blinked", self.ada),
                photo.include,
                photo.dismiss,
                photo.bring_back,
                photo.remove,
                lambda: self.move(photo, visit),
                lambda: self.move_visit(visit, patient),
                lambda: reanalyse(photo, 0 if photo.prediction and photo.prediction.faces else None),
                lambda: reanalyse_outdated(patient),
                lambda: stop_reading(patient, "no_consent"),
                lambda: erase_pictures(Photo.objects.filter(pk=photo.pk)),
                lambda: Visit.objects.filter(pk=visit.pk).update(date=visit.date + timedelta(days=self.random.randrange(-40, 40))),
                lambda: Visit.objects.filter(patient=patient).update(is_baseline=self.random.random() < 0.5),
                lambda: make_visit(patient, date(2026, 6, 1)) if patient.clinicians.exists() else None,
                lambda: self.random.random() < 0.3 and visit.delete(),
                lambda: anonymise(patient) if self.random.random() < 0.2 else None,
            ]
        )
        change()

    def read_next(self) -> None:
        """Let a worker read a photo that waits."""
        if waiting := self.a(Prediction.objects.filter(state=State.QUEUED)):
            self.read(waiting)

    def read(self, prediction: Prediction) -> None:
        """Let a worker read the photo, with any outcome."""
        claimed = Prediction.objects.claim(str(prediction.pk))
        assert claimed
        if self.random.random() < 0.1:
            claimed.fail("timed_out")
            return
        outcome = self.random.choice([Outcome.DONE] * 4 + [Outcome.NO_FACE, Outcome.CHOOSE_FACE])
        shares = [self.random.random() for _ in EXPRESSIONS]
        done = outcome is Outcome.DONE
        reading: Any = Reading(
            outcome=outcome,
            model_version=claimed.model_version,
            probabilities=tuple(share / sum(shares) for share in shares) if done else None,
        )
        Prediction.objects.filter(pk=claimed.pk).update(abstained=False)
        assert claimed.record(reading)
        Prediction.objects.filter(pk=claimed.pk).update(faces=[FACE], abstained=done and self.random.random() < 0.2)

    def move(self, photo: Photo, visit: Visit) -> None:
        """Move a photo, where that is allowed."""
        with suppress(CannotMove):
            move_photos([photo], visit, self.ada, keep_duplicate=True)

    def move_visit(self, visit: Visit, patient: Patient) -> None:
        """Move a visit, where that is allowed."""
        with suppress(CannotMove):
            move_visit(visit, patient, self.ada, keep_duplicate=True)


@pytest.mark.parametrize("seed", range(3))
def test_summaries_are_true_after_any_changes(ada: User, sent: list[str], seed: int) -> None:
    clinic = Clinic(ada, seed)
    assert_all_true()
    for _ in range(12):
        for _ in range(clinic.random.randrange(1, 6)):
            clinic.step()
        assert_all_true()


@pytest.fixture
def after_counting(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], object]]:
    """Return a list of what someone else does right after the photos were counted, and before the result is stored."""
    acts: list[Callable[[], object]] = []

    def counted(photos: Any) -> dict[Any, Tally]:
        found = tallies(photos)
        while acts:
            acts.pop()()
        return found

    monkeypatch.setattr(summaries, "tallies", counted)
    return acts


def used(patient: Patient) -> list[int]:
    """Return how many photos of each visit count, as it is stored."""
    return list(VisitSummary.objects.filter(visit__patient=patient).values_list("used", flat=True))


def test_a_change_while_photos_are_counted_is_computed_next(
    visit: Visit, ines: Patient, after_counting: list[Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh([ines.pk])  # a new patient is counted as a whole
    photo = make_photo(visit)
    make_prediction(photo)
    monkeypatch.setattr(summaries, "TRIES", 1)
    after_counting.append(lambda: photo.exclude("blinked"))
    refresh([ines.pk])
    assert used(ines) == [1]  # counted before the change
    assert ines.pk in outdated_patients()  # and known not to be true any more
    refresh([ines.pk])
    assert used(ines) == [0]


def test_an_older_result_never_replaces_a_newer_one(
    visit: Visit, ines: Patient, after_counting: list[Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    photo = make_photo(visit)
    make_prediction(photo)
    monkeypatch.setattr(summaries, "TRIES", 1)

    def another() -> None:
        photo.exclude("blinked")
        refresh([ines.pk])  # stores that no photo counts, and removes both marks

    after_counting.append(another)
    refresh([ines.pk])
    assert used(ines) == [0]
    assert ines.pk not in outdated_patients()


def test_a_change_under_way_stores_nothing(visit: Visit, ines: Patient) -> None:
    make_prediction(make_photo(visit))
    assert [point.used for point in points(ines)] == [1]  # the test runs in a transaction, as a change does
    assert not VisitSummary.objects.exists()


def test_a_page_stores_what_it_computed(transactional_db: None, visit: Visit, ines: Patient) -> None:
    make_prediction(make_photo(visit))
    assert [point.used for point in points(ines)] == [1]
    assert used(ines) == [1]
    assert ines.pk not in outdated_patients()


def test_marks_of_rows_that_are_gone_are_removed(visit: Visit, ines: Patient) -> None:
    make_prediction(make_photo(visit))
    ines.delete()
    assert Outdated.objects.exists()
    refresh_summaries()
    assert not Outdated.objects.exists()
    assert not PatientSummary.objects.exists()


def test_the_worker_computes_what_is_outdated(visit: Visit, ines: Patient) -> None:
    make_prediction(make_photo(visit))
    refresh_summaries()
    assert used(ines) == [1]
    assert not Outdated.objects.exists()


def test_rebuilding_repairs_every_summary(visit: Visit, ines: Patient, capsys: pytest.CaptureFixture[str]) -> None:
    make_prediction(make_photo(visit), probabilities=probabilities_of(sad=0.4))
    refresh([ines.pk])
    VisitSummary.objects.update(used=7, numbers=b"")
    PatientSummary.objects.update(valence=0.9)
    call_command("rebuild_summaries")
    assert capsys.readouterr().out == "The summaries of 1 patients are computed anew.\n"
    assert_all_true()


def test_every_trigger_is_there_after_all_migrations() -> None:
    """SQLite drops the triggers of a table that a migration makes anew: end such a migration with put_triggers."""
    names = {f"{table}_{event}_outdates" for table in TABLES for event in ROWS} - {"patients_patient_insert_outdates"}
    listing = {
        "sqlite": "SELECT name FROM sqlite_master WHERE type = 'trigger'",
        "postgresql": "SELECT tgname FROM pg_trigger",
    }
    with connection.cursor() as cursor:
        cursor.execute(listing[connection.vendor])
        assert names <= {name for (name,) in cursor.fetchall()}
