"""The date axis of all rows: its ends and its ticks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.dates import MONTHS, MONTHS_3
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy
from plotly import graph_objects as go

from patients.models import Event
from patients.timeline.plot.frame import UNCHECKED, Plain, token
from patients.timeline.points import VisitPoint

DAY_MS = 86_400_000


@dataclass(frozen=True)
class Ticks:
    """Ticks for a view of at most `days` days, in Plotly's terms: their distance on a desktop and on a phone, and their format."""

    days: int
    desktop: str | int
    phone: str | int
    form: str | Promise


DAY_FORM = gettext_lazy("%-d %b\n%Y")  # as d3 writes dates: "20 Nov", and the year below
TICKS = (
    Ticks(24, 2 * DAY_MS, 7 * DAY_MS, DAY_FORM),
    Ticks(75, 7 * DAY_MS, 14 * DAY_MS, DAY_FORM),
    Ticks(230, "M1", "M1", "%b\n%Y"),
    Ticks(420, "M2", "M3", "%b\n%Y"),
    Ticks(800, "M2", "M6", "%b\n%Y"),
    Ticks(2200, "M6", "M12", "%b\n%Y"),
    Ticks(4500, "M12", "M24", "%Y"),
    Ticks(100_000, "M60", "M120", "%Y"),
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


def x_axis(first: date, last: date, anchor: str) -> go.layout.XAxis:
    """Return the date axis under the last row, whose axis is `anchor`."""
    ticks = ticks_for(first, last)
    return go.layout.XAxis(
        type="date",
        range=[first.isoformat(), last.isoformat()],
        anchor=anchor,
        showgrid=False,
        ticks="outside",
        ticklen=4,
        tickcolor=token("line-2"),
        tickfont={"size": 11, "color": token("ink-3")},
        showline=True,
        linecolor=token("line-2"),
        dtick=ticks.desktop,
        tick0=f"{first.year}-01-01",
        tickformat=str(ticks.form),
        ticklabeloverflow="hide past div",
        **UNCHECKED,
    )


def tick_choices() -> list[Plain]:
    """Return all ticks, for the browser to choose from when the view changes."""
    return [vars(ticks) | {"form": str(ticks.form)} for ticks in TICKS]


def month_names() -> Plain:
    """Return the names of the months in the reader's language, for Plotly."""
    return {
        "name": get_language() or "en",
        "months": [str(MONTHS[k]) for k in range(1, 13)],
        "shortMonths": [str(MONTHS_3[k]).capitalize() for k in range(1, 13)],
    }
