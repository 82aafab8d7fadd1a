"""The figures of a study as geometry in pixels; templates draw the strokes, so that dark and paper need no second figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from django.utils.translation import gettext as _

from patients.models.formats import signed
from patients.studies.trajectory import HALF_WINDOW_WEEKS, WEEKS, Trajectory

STYLES = 4
"""How many arms have strokes of their own; further ones begin again."""
LABEL_PX = 32  # height of an arm's label beside the figure
FOREST_PX = 168
FOREST_EDGE_PX = 5


@dataclass(frozen=True)
class Scale:
    """The fixed axis of a measure."""

    low: float
    high: float
    ticks: tuple[float, ...]
    places: int = 0


SCALES = {
    "valence": Scale(-0.85, 0.85, (0.8, 0.4, 0.0, -0.4, -0.8), 1),
    "phq9": Scale(0, 27, (27, 18, 9, 0)),
    "gad7": Scale(0, 21, (21, 14, 7, 0)),
    "mood": Scale(0, 10, (10, 5, 0)),
}


@dataclass(frozen=True)
class Tick:
    """A mark on an axis."""

    at: float
    label: str
    is_zero: bool = False


@dataclass(frozen=True)
class ArmPlot:
    """One arm. `line` and `band` are attributes of polylines and paths; `label_at` is the height of its name."""

    name: str
    line: str
    band: str
    dots: tuple[tuple[float, float], ...]
    faint: tuple[str, ...]
    counts: tuple[tuple[float, str], ...]  # x, and how many people
    style: int = 0
    label_at: float = 0
    row_at: float = 0  # height of the counts
    last: str = ""  # the last mean with its interval


@dataclass(frozen=True)
class Plot:
    """One figure of `width` × `height` pixels."""

    width: int
    height: int
    left: int
    right: int
    bottom: float
    ys: tuple[Tick, ...]
    xs: tuple[Tick, ...]
    arms: tuple[ArmPlot, ...]
    counts_at: float
    is_narrow: bool


@dataclass(frozen=True)
class Frame:
    """Where the axes lie, in pixels."""

    scale: Scale
    width: int
    left: int
    right: int
    top: float
    bottom: float
    row: int  # from one arm's counts to the next
    nudge: int  # between the marks of two arms, so that they do not cover each other

    @classmethod
    def of(cls, measure: str, is_narrow: bool) -> Frame:
        """Return the frame of a wide window or of a phone, where the name of an arm stands above its counts."""
        scale = SCALES[measure]
        return cls(scale, 326, 32, 320, 24, 268, 36, 0) if is_narrow else cls(scale, 832, 40, 706, 30, 342, 18, 6)

    def x(self, week: float) -> float:
        """Return where a week lies."""
        start = self.left + 14
        return round(start + (self.right - start) * week / (WEEKS[-1] + HALF_WINDOW_WEEKS), 1)

    def y(self, value: float) -> float:
        """Return where a value lies; one beyond the axis at its end."""
        inside = max(self.scale.low, min(self.scale.high, value))
        return round(self.bottom - (self.bottom - self.top) * (inside - self.scale.low) / (self.scale.high - self.scale.low), 1)


def trajectory_plot(found: Sequence[Trajectory], measure: str, with_lines: bool, is_narrow: bool = False) -> Plot:
    """Return the figure: fixed axes, a band and a line per arm, and below how many people each mean has."""
    frame = Frame.of(measure, is_narrow)
    heights = _apart([frame.y(each.last.mean) if each.last else frame.bottom for each in found])
    counts_at = frame.bottom + (60 if is_narrow else 44)
    arms = []
    for k, each in enumerate(found):
        nudge = (k - (len(found) - 1) / 2) * frame.nudge
        arm = _arm_plot(each, frame, nudge, with_lines)
        last = interval_text(each.last.mean, each.last.low, each.last.high, measure) if each.last else ""
        arms.append(replace(arm, style=k % STYLES, label_at=heights[k], row_at=counts_at + 18 + k * frame.row, last=last))
    return Plot(
        width=frame.width,
        height=round(counts_at + 18 + (len(found) - 1) * frame.row + (22 if is_narrow else 8)),
        left=frame.left,
        right=frame.right,
        bottom=frame.bottom,
        ys=tuple(
            Tick(frame.y(value), signed(value, frame.scale.places), value == 0 and frame.scale.low < 0)
            for value in frame.scale.ticks
        ),
        xs=tuple(Tick(frame.x(week), str(week)) for week in WEEKS),
        arms=tuple(arms),
        counts_at=counts_at,
        is_narrow=is_narrow,
    )


def _arm_plot(each: Trajectory, frame: Frame, nudge: float, with_lines: bool) -> ArmPlot:
    """Return the strokes of one arm; its style, label and place among the counts are still to be set."""
    points = [(frame.x(mean.week) + nudge, frame.y(mean.mean)) for mean in each.means]
    lower = [(frame.x(mean.week) + nudge, frame.y(mean.low)) for mean in each.means]
    upper = [(frame.x(mean.week) + nudge, frame.y(mean.high)) for mean in each.means]
    lines = each.lines if with_lines else ()
    return ArmPlot(
        name=each.arm,
        line=_points(points),
        band=_points([*upper, *reversed(lower)]),
        dots=tuple(points),
        faint=tuple(_points([(frame.x(week), frame.y(value)) for week, value in line]) for line in lines),
        counts=tuple((frame.x(week), "·" if n is None else str(n)) for week, n in zip(WEEKS, each.counts, strict=True)),
    )


def interval_text(mean: float, low: float, high: float, measure: str = "valence") -> str:
    """Return "0.13 (−0.02 to 0.27)" with the decimals of the measure."""
    places = 2 if measure == "valence" else 1
    numbers = {"mean": signed(mean, places), "low": signed(low, places), "high": signed(high, places)}
    return _("%(mean)s (%(low)s to %(high)s)") % numbers


@dataclass(frozen=True)
class Bar:
    """An interval with its dot, in pixels of a drawing FOREST_PX wide."""

    start: float
    end: float
    dot: float


@dataclass(frozen=True)
class Forest:
    """The common axis of several intervals, from `low` to `high`."""

    low: float
    high: float

    @classmethod
    def around(cls, ends: Sequence[float]) -> Forest:
        """Return an axis in tenths that holds all `ends` and zero."""
        low, high = min(0.0, *ends), max(0.0, *ends)
        return cls(_outward(low), _outward(high) or 0.1)

    @property
    def zero(self) -> float:
        """Return where zero lies."""
        return self.at(0)

    def at(self, value: float) -> float:
        """Return where a value lies; one beyond the axis at its end."""
        inside = max(self.low, min(self.high, value))
        return round(FOREST_EDGE_PX + (FOREST_PX - 2 * FOREST_EDGE_PX) * (inside - self.low) / (self.high - self.low), 1)

    def bar(self, low: float, value: float, high: float) -> Bar:
        """Return one interval."""
        return Bar(self.at(low), self.at(high), self.at(value))


def _outward(value: float) -> float:
    """Return the next tenth away from zero."""
    tenths = int(abs(value) * 10 + 0.999999)
    return tenths / 10 if value >= 0 else -tenths / 10


def _points(pairs: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in pairs)


def _apart(heights: list[float]) -> list[float]:
    """Return the heights of the labels, moved down where two would overlap."""
    order = sorted(range(len(heights)), key=heights.__getitem__)
    moved = list(heights)
    for above, below in pairwise(order):
        moved[below] = max(moved[below], moved[above] + LABEL_PX)
    return moved
