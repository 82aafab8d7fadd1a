"""The date axis that all rows share: its ends, its ticks and the room that a visit has on it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from itertools import pairwise

from django.utils.dates import MONTHS, MONTHS_3
from django.utils.translation import get_language

from patients.models import Event
from patients.timeline.frame import Plain, token
from patients.timeline.points import VisitPoint

DAY_MS = 86_400_000
SHARE_OF_PLOT = 0.018  # width of a bar at most: 12 days of 22 months
SHARE_OF_GAP = 0.6


@dataclass(frozen=True)
class Ticks:
    """Ticks for a view of at most `days` days, in Plotly's words."""

    days: int
    dtick: str | int
    tickformat: str


TICKS = (
    Ticks(24, 2 * DAY_MS, "%-d %b\n%Y"),
    Ticks(75, 7 * DAY_MS, "%-d %b\n%Y"),
    Ticks(230, "M1", "%b\n%Y"),
    Ticks(800, "M2", "%b\n%Y"),
    Ticks(2200, "M6", "%b\n%Y"),
    Ticks(4500, "M12", "%Y"),
    Ticks(100_000, "M60", "%Y"),
)


def ends(points: Sequence[VisitPoint], events: Sequence[Event]) -> tuple[date, date]:
    """Return the first and last day of the axis: all visits and events with a little room on both sides."""
    days = [point.date for point in points] + [event.starts_on for event in events]
    days += [event.ends_on for event in events if event.ends_on]
    first, last = min(days), max(days)
    room = timedelta(days=max(10, round((last - first).days * 0.032)))
    return first - room, last + room


def ticks_for(first: date, last: date) -> Ticks:
    """Return the ticks for a view of these days on a desktop."""
    return next(ticks for ticks in TICKS if (last - first).days <= ticks.days)


def x_axis(first: date, last: date) -> Plain:
    """Return the date axis under the last row."""
    ticks = ticks_for(first, last)
    return {
        "type": "date",
        "range": [first.isoformat(), last.isoformat()],
        "anchor": "y4",
        "showgrid": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": token("line-2"),
        "tickfont": {"size": 11, "color": token("ink-3")},
        "showline": True,
        "linecolor": token("line-2"),
        "dtick": ticks.dtick,
        "tick0": f"{first.year}-01-01",
        "tickformat": ticks.tickformat,
        "ticklabeloverflow": "hide past div",
    }


def rooms(points: Sequence[VisitPoint]) -> list[int]:
    """Return how wide a bar of each visit may be so that neighbours stay apart, in milliseconds."""
    days = [point.date for point in points]
    steps = [max(0.25, (after - before).days) for before, after in pairwise(days)]
    gaps = [min(pair) for pair in zip([float("inf"), *steps], [*steps, float("inf")], strict=True)] if points else []
    return [round(SHARE_OF_GAP * DAY_MS * min(gap, 3650)) for gap in gaps]


def widths(points: Sequence[VisitPoint], first: date, last: date) -> list[int]:
    """Return the width of each visit's bar when the whole axis is shown, in milliseconds."""
    most = round(SHARE_OF_PLOT * (last - first).days * DAY_MS)
    return [min(room, most) for room in rooms(points)]


def tick_choices() -> list[Plain]:
    """Return all ticks, for the browser to choose from when the view changes."""
    return [asdict(ticks) for ticks in TICKS]


def month_names() -> Plain:
    """Return the names of the months in the reader's language, for Plotly."""
    return {
        "name": get_language() or "en",
        "months": [str(MONTHS[k]) for k in range(1, 13)],
        "shortMonths": [str(MONTHS_3[k]).capitalize() for k in range(1, 13)],
    }
