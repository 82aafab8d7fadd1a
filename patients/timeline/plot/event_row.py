"""Row four of the figure: what happened around the visits, in lanes, with thin lines through all rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from patients.models import Event
from patients.timeline.plot.frame import QUIET, Frame, Plain, plain, token, words, y_axis

LANES = (
    (Event.Kind.MEDICATION,),
    (Event.Kind.THERAPY, Event.Kind.ADMISSION),
    (Event.Kind.LIFE_EVENT,),
    (Event.Kind.NOTE,),
)
LETTER_PX, PLOT_PX, MARGIN_PX = 6.2, 1020, 72  # the margin is what lies to the right of the plot
HALF = 0.38  # of a lane: half the height of a bar


@dataclass(frozen=True)
class Placed:
    """An event in its lane, counted from the bottom."""

    event: Event
    lane: int


def place(events: Sequence[Event], first: date, last: date) -> tuple[list[Placed], list[int]]:
    """Return each event with its lane, and how many lanes each of the four groups takes (at least one); no lanes without events.

    Events whose bars or labels would cover each other on a desktop get lanes of their own. `first` to `last` is the axis.
    """
    if not events:
        return [], []
    day_px = PLOT_PX / max(1, (last - first).days)
    by_group: list[list[list[Event]]] = []
    for kinds in LANES:
        lanes: list[list[Event]] = []
        for event in sorted((each for each in events if each.kind in kinds), key=lambda each: each.starts_on):
            begins = _begins(event, last, day_px)
            free = next((lane for lane in lanes if _ends(lane[-1], last, day_px) <= begins), None)
            if free is None:
                lanes.append(free := [])
            free.append(event)
        by_group.append(lanes or [[]])
    total = sum(len(lanes) for lanes in by_group)
    numbered = enumerate(lane for lanes in by_group for lane in lanes)
    return [Placed(event, total - 1 - k) for k, lane in numbered for event in lane], [len(lanes) for lanes in by_group]


def traces(placed: Sequence[Placed]) -> list[Plain]:
    """Return a diamond for each event of one day."""
    days = [each for each in placed if not each.event.is_interval]
    trace = {
        "type": "scatter",
        "mode": "markers",
        "name": "event",
        "x": [each.event.starts_on.isoformat() for each in days],
        "y": [each.lane for each in days],
        "yaxis": "y4",
        "marker": {"size": 7, "symbol": "diamond", "color": token("ink-3")},
        **QUIET,
    }
    return [trace] if placed else []


def axes(lanes: Sequence[int], frame: Frame) -> Plain:
    """Return the axis with the names of the four groups at their first lane."""
    if frame.events is None:
        return {}
    total = sum(lanes)
    ticks = [total - 1 - sum(lanes[:k]) for k in range(len(lanes))]
    names = [_("Medication"), _("Care"), pgettext("short, beside a lane", "Life event"), _("Note")]
    return {"yaxis4": y_axis(frame.domain(frame.events), [-0.5, total - 0.5], ticks, names, anchor="x", showgrid=False)}


def until(placed: Sequence[Placed], last: date) -> list[str]:
    """Return the last day of each event, in the order of their labels: a label stays in view as long as its bar."""
    return [_last_day(each.event, last).isoformat() for each in placed]


def short_names() -> list[str]:
    """Return the names of the groups for a phone."""
    return [_("Med."), pgettext("short, beside a lane", "Care"), _("Life"), _("Note")]


def shapes(placed: Sequence[Placed], frame: Frame, last: date) -> list[Plain]:
    """Return bars with a start edge, and a dashed line through all rows for every start."""
    return [shape for each in placed for shape in (*_bar(each, last), _vertical(each, frame))]


def annotations(placed: Sequence[Placed], frame: Frame) -> list[Plain]:
    """Return the title and a label to the right of each start."""
    if frame.events is None:
        return []
    at = {"name": "event", "xref": "x", "yref": "y4", "xanchor": "left", "xshift": 8}
    labels = [words(plain(each.event.label), "ink-2", x=each.event.starts_on.isoformat(), y=each.lane, **at) for each in placed]
    return [frame.title(frame.events, _("Events")), *labels]


def _begins(event: Event, last: date, day_px: float) -> date:
    """Return the day to which its lane must be free: its first, or before it where the label has no room on the right.

    static/js/figure-view.js turns such labels to the left.
    """
    to_the_edge = (last - event.starts_on).days * day_px + MARGIN_PX
    is_turned = len(event.label) * LETTER_PX + 16 > to_the_edge
    return event.starts_on - _room(event, day_px) if is_turned else event.starts_on


def _ends(event: Event, last: date, day_px: float) -> date:
    """Return the day from which its lane is free again: after the bar and after the label."""
    return max(_last_day(event, last), event.starts_on + _room(event, day_px))


def _room(event: Event, day_px: float) -> timedelta:
    return timedelta(days=int((len(event.label) * LETTER_PX + 20) / day_px))


def _last_day(event: Event, last: date) -> date:
    return (last if event.goes_on else event.ends_on) or event.starts_on


def _bar(placed: Placed, last: date) -> list[Plain]:
    event, lane = placed.event, placed.lane
    if not event.is_interval:
        return []
    start, end = event.starts_on.isoformat(), _last_day(event, last).isoformat()
    common = {"name": "event", "xref": "x", "yref": "y4", "x0": start, "y0": lane - HALF, "y1": lane + HALF}
    return [
        {"type": "rect", **common, "x1": end, "fillcolor": token("band"), "line": {"width": 0}, "layer": "below"},
        {"type": "line", **common, "x1": start, "line": {"color": token("ink-3"), "width": 2}},
    ]


def _vertical(placed: Placed, frame: Frame) -> Plain:
    start = placed.event.starts_on.isoformat()
    line = {"color": token("line-2"), "width": 1, "dash": "2px,3px"}
    top = frame.up(frame.valence.top)
    across = {"xref": "x", "yref": "paper", "x0": start, "x1": start, "y0": 0, "y1": top}
    return {"type": "line", "name": "event", **across, "line": line, "layer": "below"}
