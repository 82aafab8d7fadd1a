"""What the page of a study shows, as far as the fields and the size of the group allow."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.models import GroupModel, Study
from patients.studies.cells import CellTable, age_table, suppress
from patients.studies.correlation import Correlation, correlations, pairs_with_valence
from patients.studies.group import MEASURES, Group
from patients.studies.mixed import why_not
from patients.studies.plot import Bar, Forest, Plot, interval_text, trajectory_plot
from patients.studies.quality import Quality, quality_of
from patients.studies.scatter import Scatter, scatter
from patients.studies.trajectory import LEAST_FOR_LINES, Trajectory, trajectories

NAMES: dict[str, str | Promise] = {
    "valence": gettext_lazy("Valence"),
    "phq9": "PHQ-9",
    "gad7": "GAD-7",
    "mood": gettext_lazy("Mood"),
}
RANGES: dict[str, str | Promise] = {
    "valence": gettext_lazy("drawn from −0.85 to 0.85"),
    "phq9": gettext_lazy("0 to 27"),
    "gad7": gettext_lazy("0 to 21"),
    "mood": gettext_lazy("0 to 10"),
}


@dataclass(frozen=True)
class CorrelationRow:
    """One line of the table of correlations."""

    name: str | Promise
    found: Correlation
    bar: Bar


@dataclass(frozen=True)
class TermRow:
    """One term of the mixed model."""

    name: str
    estimate: float
    low: float
    high: float
    people: int
    visits: int
    bar: Bar


class StudyPage:
    """Lazy parts of the page: a template asks for what it shows."""

    def __init__(self, group: Group, asked: Mapping[str, str]) -> None:
        self.group, self.study = group, group.study
        self.measures = [(each, NAMES[each]) for each in MEASURES if group.has(each)]
        known = [each for each, _name in self.measures]
        self.measure = asked.get("measure", "") if asked.get("measure") in known else next(iter(known), "valence")
        self.has_lines = len(group.people) >= LEAST_FOR_LINES
        self.shows_lines = self.has_lines and asked.get("each") != "0"

    @property
    def measure_name(self) -> str | Promise:
        """Return the name of the measure that is drawn."""
        return _("Valence index") if self.measure == "valence" else NAMES[self.measure]

    @property
    def measure_range(self) -> str | Promise:
        """Return the range of its axis in words."""
        return RANGES[self.measure]

    @cached_property
    def arm_counts(self) -> list[tuple[str, int | None]]:
        """Return the people of each arm; None where a small arm would show."""
        sizes = [len(self.group.in_arm(arm)) for arm in self.group.arms]
        return list(zip(self.group.arms, suppress([sizes], self.study.smallest_cell)[0][:-1], strict=True))

    @cached_property
    def trajectories(self) -> list[Trajectory]:
        """Return the means of each arm."""
        return trajectories(self.group, self.measure)

    @property
    def has_means(self) -> bool:
        """Whether any arm has a mean that is drawn."""
        return any(each.means for each in self.trajectories)

    @property
    def plots(self) -> list[Plot]:
        """Return the figure for a wide window and for a phone."""
        return [trajectory_plot(self.trajectories, self.measure, self.shows_lines, narrow) for narrow in (False, True)]

    @property
    def means(self) -> list[tuple[int, list[str]]]:
        """Return the numbers of the figure: each week with one text per arm."""
        weeks = sorted({mean.week for each in self.trajectories for mean in each.means})
        return [(week, [self._said(each, week) for each in self.trajectories]) for week in weeks]

    def _said(self, trajectory: Trajectory, week: int) -> str:
        mean = next((each for each in trajectory.means if each.week == week), None)
        if mean is None:
            return "–"
        said = interval_text(mean.mean, mean.low, mean.high, self.measure)
        return _("%(interval)s, %(n)d people") % {"interval": said, "n": mean.people}

    @cached_property
    def ages(self) -> CellTable | None:
        """Return people by age and arm; None if the study may not see ages, or none is known."""
        if not self.study.shows(Study.Field.AGE_BAND):
            return None
        table = age_table(self.group.people, self.group.arms, self.study.smallest_cell)
        return table if table.rows else None

    @cached_property
    def correlations(self) -> list[CorrelationRow]:
        """Return the correlations within people."""
        axis = Forest(-1, 1)
        found = correlations(self.group)
        return [CorrelationRow(NAMES[name], each, axis.bar(each.low, each.r, each.high)) for name, each in found.items()]

    @cached_property
    def scatter(self) -> Scatter | None:
        """Return the figure of the first correlation, from as many people on as lines of single people."""
        found = correlations(self.group)
        return scatter(pairs_with_valence(self.group, next(iter(found)))) if found and self.has_lines else None

    @cached_property
    def quality(self) -> Quality:
        """Return what is known of the photos."""
        return quality_of(self.group)


@dataclass(frozen=True)
class ModelCardPage:
    """The card of the mixed model: the stored result, and whether it still holds."""

    study: Study
    stored: GroupModel | None
    is_current: bool
    is_waiting: bool
    is_too_small: bool

    @property
    def result(self) -> dict[str, Any]:  # Any: as it was stored
        """Return the stored result; empty without one."""
        return self.stored.result if self.stored else {}

    @cached_property
    def axis(self) -> Forest:
        """Return the axis of all intervals."""
        return Forest.around([end for term in self.result.get("terms", ()) for end in (term["low"], term["high"])])

    @property
    def terms(self) -> list[TermRow]:
        """Return the lines of the table."""
        return [
            TermRow(
                self._name(term),
                term["estimate"],
                term["low"],
                term["high"],
                term["people"],
                term["visits"],
                self.axis.bar(term["low"], term["estimate"], term["high"]),
            )
            for term in self.result.get("terms", ())
        ]

    def _name(self, term: dict[str, Any]) -> str:  # Any: as it was stored
        names = {"arm": term["arm"], "reference": self._reference}
        if term["kind"] == "start":
            text = _("Start, %(arm)s minus %(reference)s") if term["is_difference"] else _("Start, %(arm)s")
        elif term["is_difference"]:
            text = _("Change per 4 weeks, %(arm)s minus %(reference)s")
        else:
            text = _("Change per 4 weeks, %(arm)s")
        return text % names

    @property
    def _reference(self) -> str:
        return str(next(term["arm"] for term in self.result["terms"] if not term["is_difference"]))


def model_card(group: Group, is_waiting: bool) -> ModelCardPage:
    """Return the card of the mixed model. A result with values of someone who is out of the group is not shown any more."""
    stored = GroupModel.objects.filter(study=group.study).first()
    if stored and not set(stored.result.get("participants", ())) <= {person.number for person in group.people}:
        stored = None
    is_current = stored is not None and stored.checksum == group.checksum()
    return ModelCardPage(group.study, stored, is_current, is_waiting, bool(why_not(group)))
