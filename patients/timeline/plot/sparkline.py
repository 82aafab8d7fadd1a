"""Small drawings of a patient and of a visit. Geometry only: templates draw the strokes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import NamedTuple

from patients.timeline.baseline import Baseline, Limits, Place
from patients.timeline.breaks import runs
from patients.timeline.points import VisitPoint

WIDTH, HEIGHT, EDGE = 208, 44, 4
LIMIT = 0.7  # of the valence index, top and bottom edge; a value beyond is drawn at the edge


@dataclass(frozen=True)
class Band:
    """A grey rectangle: the usual range."""

    at: float
    size: float


@dataclass(frozen=True)
class Dot:
    """One visit. `x`, `y` in pixels of the drawing."""

    x: float
    y: float
    is_sparse: bool = False
    is_outside: bool = False
    is_last: bool = False


@dataclass(frozen=True)
class Sparkline:
    """Twelve months of one patient, 208 × 44, the same scale for everyone. `paths` are SVG path data, one per unbroken stretch."""

    dots: tuple[Dot, ...]
    paths: tuple[str, ...]
    band: Band | None
    first_month: date
    last_month: date
    width: int = WIDTH
    height: int = HEIGHT

    @property
    def visits(self) -> int:
        """Return how many visits are drawn."""
        return len(self.dots)


class GlyphShape(NamedTuple):
    """What glyphs have in common that differ only in where their parts lie."""

    width: float
    has_band: bool
    has_interval: bool
    is_outside: bool
    is_sparse: bool

    @property
    def places(self) -> tuple[str, ...]:
        """Return the names of `IntervalGlyph.places` that there are."""
        return "x", *(("band_x", "band_width") if self.has_band else ()), *(("interval",) if self.has_interval else ())

    @property
    def drawn(self) -> dict[str, object]:
        """Return what the SVG says of all of them."""
        return {
            "view": f"0 0 {self.width} 20",
            "axis": f"M{EDGE} 10H{self.width - EDGE}",
            "zero": f"M{self.width / 2} 2v16",
            "dot": "h" if self.is_sparse else "p",
            "radius": "3.25" if self.is_sparse else "4",
            "is_outside": self.is_outside,
        }


@dataclass(frozen=True)
class IntervalGlyph:
    """One visit on the axis from -1 to 1: band, interval and dot, 20 high. Lengths in pixels of the drawing."""

    width: float
    dot: float
    start: float | None  # of the interval line; None below three photos
    end: float | None
    band: Band | None
    is_outside: bool
    is_sparse: bool

    @property
    def shape(self) -> GlyphShape:
        """What is drawn, wherever it lies."""
        return GlyphShape(self.width, self.band is not None, self.start is not None, self.is_outside, self.is_sparse)

    @property
    def places(self) -> dict[str, str]:
        """Return where the parts lie, with a decimal point in every language; empty for a part that is not there."""
        return {
            "band_x": str(self.band.at) if self.band else "",
            "band_width": str(self.band.size) if self.band else "",
            "interval": "" if self.start is None else f"M{self.start} 10H{self.end}",
            "x": str(self.dot),
        }

    @property
    def drawn(self) -> dict[str, object]:
        """Return all that the SVG says."""
        return self.shape.drawn | self.places


def twelve_months(today: date) -> tuple[date, date]:
    """Return the first day of the month eleven months before `today` and the last day of its own month."""
    next_month = (today.replace(day=1) + timedelta(days=32)).replace(day=1)
    return next_month.replace(year=next_month.year - 1), next_month - timedelta(days=1)


def sparkline(points: Sequence[VisitPoint], baseline: Limits | None, today: date) -> Sparkline:
    """Return the drawing of the visits in the twelve months up to `today`'s month."""
    first, last = twelve_months(today)
    shown = [point for point in points if point.valence is not None and first <= point.date <= last]
    scale = (WIDTH - 2 * EDGE) / (last - first).days

    def dot(point: VisitPoint) -> Dot:
        return Dot(
            x=round(EDGE + (point.date - first).days * scale, 1),
            y=_height(point.valence or 0.0),
            is_sparse=point.is_sparse,
            is_outside=baseline is not None and baseline.place(point) in (Place.BELOW, Place.ABOVE),
            is_last=point is shown[-1],
        )

    dots = {point.visit_id: dot(point) for point in shown}
    paths = [[dots[point.visit_id] for point in run] for run in runs(shown) if len(run) > 1]
    band = None
    if baseline is not None:
        top, bottom = _height(baseline.high), _height(baseline.low)
        band = Band(at=top, size=round(bottom - top, 1))
    return Sparkline(
        dots=tuple(dots.values()),
        paths=tuple("M" + "L".join(f"{each.x} {each.y}" for each in path) for path in paths),
        band=band,
        first_month=first,
        last_month=last,
    )


def interval_glyph(point: VisitPoint, baseline: Baseline | None, width: int = 132) -> IntervalGlyph | None:
    """Return the drawing of one visit, or None when no photo is used. 132 wide in tables, 278 in the visit's own card."""
    if point.valence is None:
        return None
    half = width / 2 - EDGE

    def along(value: float) -> float:
        return round(width / 2 + half * min(1.0, max(-1.0, value)), 1)

    band = Band(at=along(baseline.low), size=round(along(baseline.high) - along(baseline.low), 1)) if baseline else None
    return IntervalGlyph(
        width=width,
        dot=along(point.valence),
        start=along(point.interval.low) if point.interval else None,
        end=along(point.interval.high) if point.interval else None,
        band=band,
        is_outside=baseline is not None and baseline.place(point) in (Place.BELOW, Place.ABOVE),
        is_sparse=point.is_sparse,
    )


def _height(value: float) -> float:
    """Return the y of a valence index, 0 in the middle, clipped to the scale."""
    clipped = min(LIMIT, max(-LIMIT, value))
    return round(HEIGHT / 2 - clipped * (HEIGHT / 2 - EDGE) / LIMIT, 1)
