"""Two visits or two periods side by side: means, intervals and the difference with its own interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from django.utils.translation import gettext as _

from ml.serve.expressions import EXPRESSIONS
from patients.models.formats import day, rounded
from patients.timeline.baseline import SETTLED_VISITS, Baseline
from patients.timeline.interval import LEAST, Interval, bootstrap, bootstrap_difference
from patients.timeline.points import VisitPoint, version_order

VALENCE = "valence"
NAMES = (*EXPRESSIONS, VALENCE)


@dataclass(frozen=True)
class Side:
    """One side of a comparison: the visits in a period, without those of which no photo counts.

    With three visits or more, visits are resampled, because photos of one visit resemble each other. With fewer, photos are.
    """

    first: date
    last: date
    points: tuple[VisitPoint, ...]
    title: str = ""

    @property
    def name(self) -> str:
        """Return its title; without one its day, or its first and last day."""
        if self.title or self.first == self.last:
            return self.title or day(self.first)
        return _("%(first)s to %(last)s") % {"first": day(self.first), "last": day(self.last)}

    @property
    def visits(self) -> int:
        """Return the number of visits."""
        return len(self.points)

    @property
    def photos(self) -> int:
        """Return the number of photos that count."""
        return sum(point.used for point in self.points)

    @property
    def is_by_visit(self) -> bool:
        """Whether intervals are computed over visits and not over photos."""
        return self.visits >= LEAST

    @property
    def model_versions(self) -> tuple[str, ...]:
        """Return the models that read its photos."""
        return tuple(sorted({name for point in self.points for name in point.model_versions}, key=version_order))

    @cached_property
    def rows(self) -> list[tuple[float, ...]]:
        """Return the values to average, one row per visit or per photo: seven probabilities, then the valence index."""
        if self.is_by_visit:
            means = [(point.mean_probabilities, point.valence) for point in self.points]
            return [(*probabilities, value) for probabilities, value in means if probabilities and value is not None]
        return [
            (*probabilities, value)
            for point in self.points
            for probabilities, value in zip(point.photo_probabilities, point.photo_valences, strict=True)
        ]

    @cached_property
    def means(self) -> tuple[float, ...]:
        """Return eight means in the order of NAMES; empty without photos that count."""
        return tuple(sum(column) / len(self.rows) for column in zip(*self.rows, strict=True))

    @cached_property
    def intervals(self) -> tuple[Interval | None, ...]:
        """Return eight intervals in the order of NAMES, each None below three rows."""
        return bootstrap(self.rows) if len(self.rows) >= LEAST else (None,) * len(NAMES)


@dataclass(frozen=True)
class Mark:
    """One mean with its interval on a plot, in percent of its width."""

    x: float
    start: float | None
    end: float | None


@dataclass(frozen=True)
class ComparisonRow:
    """One row of the comparison. `sampled` is the interval of the difference before it is rounded."""

    name: str
    first: float
    second: float
    first_interval: Interval | None
    second_interval: Interval | None
    sampled: Interval | None
    visits: int = 0
    """The number of visits on the side with fewer."""

    @property
    def is_valence(self) -> bool:
        """Whether it is the valence index and not a probability."""
        return self.name == VALENCE

    @property
    def difference(self) -> float:
        """Return the second mean minus the first, both as printed: the page agrees with its own numbers."""
        return rounded(rounded(self.second) - rounded(self.first))

    @property
    def difference_interval(self) -> Interval | None:
        """Return the interval of the difference as printed; rounding never leaves the difference itself outside."""
        if self.sampled is None:
            return None
        return Interval(min(rounded(self.sampled.low), self.difference), max(rounded(self.sampled.high), self.difference))

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval of the difference lies on one side of zero, as printed."""
        interval = self.difference_interval
        return interval is not None and (interval.low > 0 or interval.high < 0)

    @property
    def stands_out(self) -> bool:
        """Whether the difference is larger than chance explains. Always False with fewer than eight visits on a side.

        Days differ more than the photos of one day. Without any change, an interval over photos excludes zero far too often, and so
        does one over few visits: tests/patients/timeline/test_compare.py measures how often.
        """
        return self.visits >= SETTLED_VISITS and self.excludes_zero

    @property
    def zero(self) -> float:
        """Return the x of zero on the plot, in percent."""
        return self._along(0.0)

    @property
    def first_mark(self) -> Mark:
        """Return the first mean on the plot."""
        return self._mark(self.first, self.first_interval)

    @property
    def second_mark(self) -> Mark:
        """Return the second mean on the plot."""
        return self._mark(self.second, self.second_interval)

    def _mark(self, mean: float, interval: Interval | None) -> Mark:
        start, end = (self._along(interval.low), self._along(interval.high)) if interval else (None, None)
        return Mark(self._along(mean), start, end)

    def _along(self, value: float) -> float:
        """Return the x of a value, in percent: the scale runs from -1 to 1 for the index, from 0 to 1 for a probability."""
        return along_index(value) if self.is_valence else round(100 * value, 2)


@dataclass(frozen=True)
class Comparison:
    """Two sides with everything that the page shows of them. `rows` start with the valence index; empty if a side has no photo."""

    first: Side
    second: Side
    rows: tuple[ComparisonRow, ...]
    baseline: Baseline | None

    @property
    def valence(self) -> ComparisonRow:
        """Return the row of the valence index."""
        return self.rows[0]

    @property
    def expressions(self) -> tuple[ComparisonRow, ...]:
        """Return the rows of the seven expressions."""
        return self.rows[1:]

    @property
    def band(self) -> tuple[float, float] | None:
        """Return where the usual range begins on the plot of the index, and how wide it is, in percent; None without one."""
        if self.baseline is None:
            return None
        low, high = map(along_index, self.baseline.on_scale)
        return low, round(high - low, 2)

    @property
    def is_settled(self) -> bool:
        """Whether both sides have enough visits to tell a change from chance."""
        return min(self.first.visits, self.second.visits) >= SETTLED_VISITS

    @property
    def has_bold(self) -> bool:
        """Whether any difference stands out."""
        return any(row.stands_out for row in self.rows)

    @property
    def has_two_models(self) -> bool:
        """Whether different models read the two sides."""
        return self.first.model_versions != self.second.model_versions


def along_index(value: float) -> float:
    """Return the x of a valence index on an axis from -1 to 1, in percent."""
    return round(50 * (value + 1), 2)


def side(points: Sequence[VisitPoint], first: date, last: date) -> Side:
    """Return the side of the days from `first` to `last`, both included."""
    return Side(first, last, tuple(point for point in points if point.used and first <= point.date <= last))


def side_of(points: Sequence[VisitPoint], title: str = "") -> Side:
    """Return the side of exactly these visits, oldest first. Raises IndexError for none."""
    return Side(points[0].date, points[-1].date, tuple(points), title)


def compare(first: Side, second: Side) -> list[ComparisonRow]:
    """Return eight rows, the valence index first; an empty list when no photo counts on one side."""
    if not first.rows or not second.rows:
        return []
    has_both = min(len(first.rows), len(second.rows)) >= LEAST
    differences = bootstrap_difference(first.rows, second.rows) if has_both else (None,) * len(NAMES)
    fewer = min(first.visits, second.visits)
    rows = zip(NAMES, first.means, second.means, first.intervals, second.intervals, differences, strict=True)
    *probabilities, valence = [
        ComparisonRow(name, one, other, near, far, between, fewer) for name, one, other, near, far, between in rows
    ]
    return [valence, *probabilities]
