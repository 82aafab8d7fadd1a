"""The timeline on the patient's page: all that the template shows."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from django.urls import reverse
from django.utils.translation import gettext as _

from inference.dispatch import current_model_version
from ml.serve.expressions import EXPRESSIONS
from patients.models import Event, Patient, SelfReport
from patients.models.formats import day, hundredths, signed
from patients.photos.reanalyse import outdated_photos
from patients.timeline.baseline import Baseline, baseline_of, outside
from patients.timeline.plot.cards import Labels
from patients.timeline.plot.figure import figure
from patients.timeline.plot.frame import Plain
from patients.timeline.plot.self_report_row import Reports, Scale, ScaleChoice, choices, has_answered, rated
from patients.timeline.points import Probability, VisitPoint
from patients.timeline.sentence import Sentence, place_in_words, sentence, too_few_chosen
from patients.timeline.summaries import visits_by_patient

NUMBERS_AT_ONCE = 60
"""Up to so many visits, the table of all numbers is part of the page. Of 400 it would be nine tenths of it."""


@dataclass(frozen=True)
class NumberRow:
    """One visit in the table of all numbers, as text: means in whole percent with the ends of their intervals."""

    point: VisitPoint
    href: str
    counts: tuple[str, str]  # used, missing
    place: str
    valence: tuple[str, str, str]  # mean, low, high
    probabilities: list[tuple[str, str]]
    totals: list[str]  # of the self-report, one per scale with any answer
    models: str


@dataclass(frozen=True)
class Timeline:
    """The timeline of one patient. `visits` oldest first: `points` are those with photos, `others` those without."""

    patient: Patient
    points: list[VisitPoint]
    baseline: Baseline | None
    events: list[Event]
    reports: Reports
    others: list[VisitPoint]
    visits: list[VisitPoint]
    labels: Labels = field(default_factory=dict)
    chosen: Mapping[str, bool] = field(default_factory=dict)
    """Which rows the reader switched on or off; `labels` are the reader's own."""
    expressions: tuple[str, ...] = EXPRESSIONS
    asks_all: bool = False  # the reader asked for every number, however many visits there are

    @property
    def first(self) -> VisitPoint:
        """Return the first visit that has photos."""
        return self.points[0]

    @property
    def last(self) -> VisitPoint:
        """Return the last visit that has photos."""
        return self.points[-1]

    @cached_property
    def has_trend(self) -> bool:
        """Whether two visits can be compared."""
        return len(self.points) > 1

    @cached_property
    def sentence(self) -> Sentence:
        """Return the last visit in words."""
        since = [each.date for each in self.others if self.points and each.date > self.last.date]
        return sentence(self.points, self.baseline, since)

    @cached_property
    def figure(self) -> Plain:
        """Return the figure as JSON types."""
        return figure(self.points, self.baseline, self.events, self.reports, self.others, self.labels)

    @cached_property
    def outside(self) -> list[VisitPoint]:
        """Return the visits outside the baseline, newest first."""
        return outside(self.points, self.baseline)

    @cached_property
    def rows(self) -> list[NumberRow]:
        """Return the table of all numbers, newest first."""
        return [self._row(point) for point in reversed(self.drawn)]

    @property
    def lists_numbers(self) -> bool:
        """Return whether the page has the table of all numbers: with many visits only where it was asked for."""
        return self.asks_all or len(self.drawn) <= NUMBERS_AT_ONCE

    @cached_property
    def drawn(self) -> list[VisitPoint]:
        """Return the visits in the figure, oldest first: those with photos or with a self-report."""
        reported = [point for point in self.others if has_answered(point, self.reports)]
        return sorted([*self.points, *reported], key=lambda point: point.date)

    @property
    def ends(self) -> tuple[VisitPoint, VisitPoint]:
        """Return the first and the last visit in the figure."""
        return self.drawn[0], self.drawn[-1]

    @cached_property
    def scales(self) -> list[Scale]:
        """Return the self-report scales with any answer, at visits with and without photos."""
        return rated(self.drawn, self.reports)

    @property
    def choices(self) -> list[ScaleChoice]:
        """Return the same scales as the menu of rows offers them."""
        return choices(self.drawn, self.reports, self.chosen)

    @property
    def shows(self) -> dict[str, bool]:
        """Return which of the other rows are shown, and whether expressions are separate."""
        return {"photos": True, "labels": False, "event": True, "separate": False, **self.chosen}

    @cached_property
    def labelled(self) -> list[tuple[str, int]]:
        """Return how many photos that count have each own label, most frequent first."""
        names = (self.labels.get(key) for point in self.points for key in point.photo_keys)
        return Counter(name for name in names if name).most_common()

    @property
    def labelled_photos(self) -> int:
        """Return how many photos that count have an own label."""
        return sum(count for _name, count in self.labelled)

    @property
    def photos(self) -> int:
        """Return how many photos have a dot."""
        return sum(point.used for point in self.points)

    @cached_property
    def current_model(self) -> str:
        """Return the version of the model that reads new photos; empty when none is installed."""
        return current_model_version()

    @cached_property
    def outdated(self) -> int:
        """Return how many photos the current model can re-analyse because another one read them last. No query if none is used."""
        if all(point.model_versions in ((), (self.current_model,)) for point in self.points):
            return 0
        return outdated_photos(self.patient).count()

    @property
    def baseline_in_words(self) -> str:
        """Return which visits the baseline uses, with a warning when another model read the last visit."""
        if self.baseline is None:
            return too_few_chosen(self.points) or _("No usual range yet: it needs four visits with photos that count.")
        facts = {"n": self.baseline.n, "first": day(self.baseline.first), "last": day(self.baseline.last)}
        text = (
            _("Usual range from %(n)d chosen baseline visits, %(first)s to %(last)s.")
            if self.baseline.is_chosen
            else _("Usual range from the first %(n)d visits, %(first)s to %(last)s.")
        ) % facts
        if self.baseline.is_provisional:
            text += " " + _("Provisional: fewer than eight visits.")
        if self.last.used and self.last.model_versions != self.baseline.model_versions:
            text += " " + _("Read by model %(model)s.") % {"model": " + ".join(self.baseline.model_versions)}
        return text

    def _row(self, point: VisitPoint) -> NumberRow:
        interval = point.interval
        totals = [scale.value(self.reports, point.visit_id) for scale in self.scales]
        return NumberRow(
            point=point,
            href=reverse("patients:visit", args=[point.visit_id]),
            counts=(str(point.used), str(point.missing)) if point.total else ("–", "–"),
            place=place_in_words(point, self.baseline) if point.total else "–",
            valence=(signed(point.valence), signed(interval and interval.low), signed(interval and interval.high)),
            probabilities=[_percents(probability) for probability in point.probabilities] or [("–", "")] * len(EXPRESSIONS),
            totals=["–" if total is None else str(total) for total in totals],
            models=" + ".join(point.model_versions) or "–",
        )


def timeline(
    patient: Patient, labels: Labels | None = None, chosen: Mapping[str, bool] | None = None, asks_all: bool = False
) -> Timeline:
    """Return the timeline of `patient` with the reader's labels and chosen rows. Four queries, whatever the number of visits.

    More where something changed.
    """
    every = visits_by_patient([patient.pk])[patient.pk]
    known = [point for point in every if point.total]
    return Timeline(
        patient=patient,
        points=known,
        baseline=baseline_of(known),
        events=list(Event.objects.filter(patient=patient)),
        reports={report.visit_id: report for report in SelfReport.objects.filter(visit__patient=patient).select_related("visit")},
        others=[point for point in every if not point.total],
        visits=every,
        labels=labels or {},
        chosen=chosen or {},
        asks_all=asks_all,
    )


def _percents(probability: Probability) -> tuple[str, str]:
    """Return the mean and the ends of its interval in whole percent, as in "5" and "3–9"; no ends without an interval."""
    ends = probability.interval
    return str(hundredths(probability.mean)), f"{hundredths(ends.low)}–{hundredths(ends.high)}" if ends else ""
