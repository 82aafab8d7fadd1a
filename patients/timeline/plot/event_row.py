"""Row four of the figure: events in lanes, each with a thin line through all rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.utils.translation import gettext as _
from plotly import graph_objects as go

from patients.models.event import Event, Lane
from patients.timeline.plot.frame import QUIET, Frame, annotation, escaped, shape, token, y_axis

# LETTER_PX is an average, as in static/js/figure-view.js; MARGIN_PX lies to the right of the plot.
LETTER_PX, PLOT_PX, MARGIN_PX = 6.2, 1020, 72
HALF = 0.38  # of a track: half the height of a bar


@dataclass(frozen=True)
class Placed:
    """An event in its track. Tracks are counted from the bottom."""

    event: Event
    track: int


def assign_tracks(events: Sequence[Event], first: date, last: date) -> tuple[list[Placed], list[int]]:
    """Return each event with its track, and how many tracks each lane has; a lane without events has none.

    Events whose bars or labels would cover each other on a desktop get tracks of their own. `first` to `last` is the axis.
    """
    day_px = PLOT_PX / max(1, (last - first).days)
    by_lane = [_tracks([event for event in events if event.lane is lane], last, day_px) for lane in Lane]
    total = sum(len(tracks) for tracks in by_lane)
    numbered = enumerate(track for tracks in by_lane for track in tracks)
    return [Placed(event, total - 1 - k) for k, track in numbered for event in track], [len(tracks) for tracks in by_lane]


def _tracks(events: Sequence[Event], last: date, day_px: float) -> list[list[Event]]:
    """Return the events of one lane in as few tracks as they need to stay clear of each other."""
    tracks: list[list[Event]] = []
    for event in sorted(events, key=lambda each: each.starts_on):
        begins = _begins(event, last, day_px)
        free = next((track for track in tracks if _ends(track[-1], last, day_px) <= begins), None)
        if free is None:
            tracks.append(free := [])
        free.append(event)
    return tracks


def traces(placed: Sequence[Placed]) -> list[go.Scatter]:
    """Return a diamond for each event of one day."""
    days = [each for each in placed if not each.event.is_interval]
    trace = go.Scatter(
        mode="markers",
        name="event",
        x=[each.event.starts_on.isoformat() for each in days],
        y=[each.track for each in days],
        yaxis="y4",
        marker={"size": 7, "symbol": "diamond", "color": token("ink-3")},
        **QUIET,
    )
    return [trace] if placed else []


def axes(tracks: Sequence[int], frame: Frame) -> dict[str, go.layout.YAxis]:
    """Return the axis with the name of each lane at its first track. `tracks` says how many each lane has."""
    if frame.events is None:
        return {}
    total = sum(tracks)
    ticks = [total - 1 - sum(tracks[:k]) for k, count in enumerate(tracks) if count]
    names = [str(lane.label) for lane, count in zip(Lane, tracks, strict=True) if count]
    return {"yaxis4": y_axis(frame.domain(frame.events), [-0.5, total - 0.5], ticks, names, anchor="x", showgrid=False)}


def until(placed: Sequence[Placed], last: date) -> list[str]:
    """Return the last day of each event in the order of the labels: the browser keeps a label in view as long as its bar."""
    return [_last_day(each.event, last).isoformat() for each in placed]


def short_names(tracks: Sequence[int]) -> list[str]:
    """Return the names of the lanes that have events, for a phone."""
    return [str(lane.short_name) for lane, count in zip(Lane, tracks, strict=True) if count]


def shapes(placed: Sequence[Placed], frame: Frame, last: date) -> list[go.layout.Shape]:
    """Return bars with a start edge, and a dashed line through all rows for every start."""
    return [drawn for each in placed for drawn in (*_bar(each, last), _vertical(each, frame))]


def annotations(placed: Sequence[Placed], frame: Frame) -> list[go.layout.Annotation]:
    """Return the title and a label to the right of each start."""
    if frame.events is None:
        return []
    at = {"name": "event", "xref": "x", "yref": "y4", "xanchor": "left", "xshift": 8}
    labels = [
        annotation(escaped(each.event.label), "ink-2", x=each.event.starts_on.isoformat(), y=each.track, **at) for each in placed
    ]
    return [frame.title(frame.events, _("Events"), "title:event"), *labels]


def _begins(event: Event, last: date, day_px: float) -> date:
    """Return the day to which its track must be free: its first, or before it where the label has no room on the right.

    static/js/figure-view.js turns such labels to the left.
    """
    to_the_edge = (last - event.starts_on).days * day_px + MARGIN_PX
    is_turned = len(event.label) * LETTER_PX + 16 > to_the_edge
    return event.starts_on - _room(event, day_px) if is_turned else event.starts_on


def _ends(event: Event, last: date, day_px: float) -> date:
    """Return the day from which its track is free again: after the bar and after the label."""
    return max(_last_day(event, last), event.starts_on + _room(event, day_px))


def _room(event: Event, day_px: float) -> timedelta:
    return timedelta(days=int((len(event.label) * LETTER_PX + 20) / day_px))


def _last_day(event: Event, last: date) -> date:
    return (last if event.goes_on else event.ends_on) or event.starts_on


def _bar(placed: Placed, last: date) -> list[go.layout.Shape]:
    event, track = placed.event, placed.track
    if not event.is_interval:
        return []
    start, end = event.starts_on.isoformat(), _last_day(event, last).isoformat()
    common = {"name": "event", "xref": "x", "yref": "y4", "x0": start, "y0": track - HALF, "y1": track + HALF}
    return [
        shape(type="rect", **common, x1=end, fillcolor=token("band"), line={"width": 0}, layer="below"),
        shape(type="line", **common, x1=start, line={"color": token("ink-3"), "width": 2}),
    ]


def _vertical(placed: Placed, frame: Frame) -> go.layout.Shape:
    start = placed.event.starts_on.isoformat()
    line = {"color": token("line-2"), "width": 1, "dash": "2px,3px"}
    top = frame.up(frame.valence.top)
    across = {"xref": "x", "yref": "paper", "x0": start, "x1": start, "y0": 0, "y1": top}
    return shape(type="line", name="event", **across, line=line, layer="below")
