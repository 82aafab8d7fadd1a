"""The visit table: the means, intervals and usual range that the timeline shows, and the patient's own report."""

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ml.serve.expressions import EXPRESSIONS
from patients.models import Patient, SelfReport, Visit
from patients.reports.columns import Cell, Column, lazily, probability
from patients.reports.scope import Scope
from patients.timeline.baseline import Baseline, baseline_of
from patients.timeline.interval import Interval
from patients.timeline.points import VisitPoint
from patients.timeline.summaries import visits_by_patient

VISITS_AT_ONCE = 300


class VisitRow(NamedTuple):
    """One visit of one patient, with the usual range of all their visits. A visit without photos has a point without counts."""

    record_number: str
    visit: UUID
    date: date
    point: VisitPoint
    baseline: Baseline | None
    report: SelfReport | None

    @property
    def usual(self) -> tuple[float, float] | None:
        """The usual range as the timeline prints it; None without one."""
        return self.baseline.on_scale if self.baseline else None


Value = Callable[[VisitRow], Cell]


def visit_rows(scope: Scope) -> Iterator[VisitRow]:
    """Yield one row per visit, by patient and day. The usual range comes from all visits of a patient.

    Two queries for each portion and one for each hundred patients; more where something changed.
    """
    for patients in _portions(scope):
        known = visits_by_patient([patient.pk for patient in patients], with_photos=False)
        said = SelfReport.objects.filter(visit__in=scope.visits_of(*patients)).select_related("visit")
        reports = {report.visit_id: report for report in said}
        for patient in patients:
            yield from _rows_of(patient, known[patient.pk], reports, scope)


def _portions(scope: Scope) -> Iterator[list[Patient]]:
    """Yield the patients, as many at once as have some VISITS_AT_ONCE visits together: memory does not grow with their number."""
    for patients in scope.portions():
        if len(patients) == 1:
            yield patients
            continue
        found = Visit.objects.filter(patient__in=patients).values_list("patient").annotate(n=Count("pk")).order_by()
        counts, some, size = dict(found), list[Patient](), 0
        for patient in patients:
            some.append(patient)
            size += counts.get(patient.pk, 0)
            if size >= VISITS_AT_ONCE:
                yield some
                some, size = [], 0
        yield some


def _rows_of(patient: Patient, known: list[VisitPoint], reports: Mapping[UUID, SelfReport], scope: Scope) -> Iterator[VisitRow]:
    baseline = baseline_of([point for point in known if point.total])
    number = patient.record_number
    for point in known:
        if scope.holds(point.date) and (scope.visit is None or scope.visit.pk == point.visit_id):
            yield VisitRow(number, point.visit_id, point.date, point, baseline, reports.get(point.visit_id))


def _end(interval: Interval | None, is_high: bool) -> Cell:
    if interval is None:
        return None
    return interval.high if is_high else interval.low


def _expression_columns(name: str) -> Iterator[Column[VisitRow]]:
    """Yield mean, low and high of one expression."""
    place = EXPRESSIONS.index(name)

    def mean(row: VisitRow) -> Cell:
        return row.point.mean_probabilities[place] if row.point.mean_probabilities else None

    def end(is_high: bool) -> Value:
        return lambda row: _end(row.point.probabilities[place].interval, is_high) if row.point.used else None

    def interval_of() -> str:
        return gettext("An end of the 95%% interval of mean %(name)s; empty below three used photos.") % {"name": gettext(name)}

    def mean_of() -> str:
        return gettext("Mean over the used photos. %(meaning)s") % {"meaning": probability(name)}

    yield Column(name, "number, 0 to 1", lazily(mean_of), mean)
    yield Column(f"{name}_low", "number, 0 to 1", lazily(interval_of), end(is_high=False))
    yield Column(f"{name}_high", "number, 0 to 1", lazily(interval_of), end(is_high=True))


def _top(place: int) -> Value:
    return lambda row: row.point.top[place].expression if row.point.used else None


def _place(row: VisitRow) -> Cell:
    place = row.baseline.place(row.point) if row.baseline else None
    return place.value if place else None


def _reported(scale: str) -> Value:
    return lambda row: getattr(row.report, scale) if row.report else None


_LOW_OR_HIGH = _("An end of the 95% interval of the mean valence index; empty below three used photos.")
_USUAL = _("An end of the patient’s usual range; empty while fewer than four baseline visits have a mean.")
VISIT_COLUMNS: tuple[Column[VisitRow], ...] = (
    Column("record_number", "text", _("The patient's record number."), lambda row: row.record_number),
    Column("visit_date", "date", _("Day of the visit in the clinic's time zone."), lambda row: row.date),
    Column("visit", "id", _("The visit."), lambda row: str(row.visit)),
    Column("photos", "number", _("Number of photos."), lambda row: row.point.total),
    Column("photos_used", "number", _("Number of photos that count in the means."), lambda row: row.point.used),
    Column("photos_excluded", "number", _("Number of photos that a clinician excluded."), lambda row: row.point.excluded),
    Column("photos_too_close", "number", _("Number of photos that are too close to call."), lambda row: row.point.too_close),
    Column("photos_unusable", "number", _("Number of photos without a face, or not good enough."), lambda row: row.point.failed),
    Column(
        "photos_to_choose", "number", _("Number of photos with several faces and none chosen."), lambda row: row.point.to_choose
    ),
    Column("photos_waiting", "number", _("Number of photos that are not analysed yet."), lambda row: row.point.unfinished),
    Column(
        "valence_index",
        "number, -1 to 1",
        _("Mean valence index of the used photos: happy - (angry + disgust + fear + sad)."),
        lambda row: row.point.valence,
    ),
    Column("valence_low", "number, -1 to 1", _LOW_OR_HIGH, lambda row: _end(row.point.interval, is_high=False)),
    Column("valence_high", "number, -1 to 1", _LOW_OR_HIGH, lambda row: _end(row.point.interval, is_high=True)),
    Column("usual_low", "number, -1 to 1", _USUAL, lambda row: row.usual[0] if row.usual else None),
    Column("usual_high", "number, -1 to 1", _USUAL, lambda row: row.usual[1] if row.usual else None),
    Column(
        "usual_visits",
        "number",
        _("Number of baseline visits behind the usual range; below eight it is provisional."),
        lambda row: row.baseline.n if row.baseline else None,
    ),
    Column("place", "word", _("below, inside or above the usual range, compared as printed with two decimals."), _place),
    Column(
        "is_baseline",
        "yes or no",
        _("Whether the visit is one of the baseline visits."),
        lambda row: row.baseline is not None and row.visit in row.baseline.visit_ids,
    ),
    *(column for name in EXPRESSIONS for column in _expression_columns(name)),
    Column("expression", "word", _("The expression with the highest mean."), _top(0)),
    Column("runner_up", "word", _("The expression with the second highest mean."), _top(1)),
    Column("mood", "number", _("The patient’s own rating of mood, 0 to 10; high is good."), _reported("mood")),
    Column("phq9", "number", _("PHQ-9 total, 0 to 27; high is severe."), _reported("phq9")),
    Column("gad7", "number", _("GAD-7 total, 0 to 21; high is severe."), _reported("gad7")),
    Column(
        "model_version",
        "text",
        _("Version of the model that read the used photos; several joined by a plus sign."),
        lambda row: " + ".join(row.point.model_versions),
    ),
)
