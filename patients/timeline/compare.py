"""Two visits or two periods side by side: means, intervals and the difference with its own interval."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property

from ml.serve.expressions import EXPRESSIONS
from patients.formats import rounded
from patients.timeline.baseline import SETTLED_VISITS
from patients.timeline.interval import LEAST, Interval, bootstrap, bootstrap_difference
from patients.timeline.points import VisitPoint, version_order

VALENCE = "valence"
NAMES = (*EXPRESSIONS, VALENCE)
PLOT_WIDTH, PLOT_EDGE = 320, 8


@dataclass(frozen=True)
class Side:
    """One side of a comparison: the visits in a period, without those of which no photo counts.

    With three visits or more, visits are resampled, because photos of one visit resemble each other. With fewer, photos are.
    """

    first: date
    last: date
    points: tuple[VisitPoint, ...]

    @property
    def is_day(self) -> bool:
        """Whether it is a single day."""
        return self.first == self.last

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
    """One mean with its interval on a plot, in pixels."""

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
        """Return the x of zero on the plot, in pixels."""
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
        """Return the x of a value, in pixels: the scale runs from -1 to 1 for the index, from 0 to 1 for a probability."""
        fraction = (value + 1) / 2 if self.is_valence else value
        return round(PLOT_EDGE + fraction * (PLOT_WIDTH - 2 * PLOT_EDGE), 1)


def side(points: Sequence[VisitPoint], first: date, last: date) -> Side:
    """Return the side of the days from `first` to `last`, both included."""
    return Side(first, last, tuple(point for point in points if point.used and first <= point.date <= last))


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
