"""The position of each row of the figure, in pixels from the top, and the properties that all rows share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby, pairwise
from typing import Any
from uuid import UUID

from plotly import graph_objects as go

from patients.timeline.breaks import line, runs
from patients.timeline.points import VisitPoint

Plain = dict[str, Any]  # Any: JSON

LEFT, RIGHT, TOP, BOTTOM = 76, 72, 4, 42
TRACK = 16
STRIP, PITCH = 42, 46
GAP = 38  # above a row that can be hidden: the room for its title
# How much of each row stays in a low window, so that the events are seen without scrolling.
LEAST_VALENCE, LEAST_SAID, LEAST_STACK, LEAST_STRIPS, LEAST_PHOTOS, LEAST_TRACK, LEAST_GAP = 0.58, 0.5, 0.6, 0.29, 0.5, 0.9, 0.76
# Plotly would refuse a token in the place of a colour and a group's name in the place of dates: only the browser fills them in.
# tests/patients/timeline/plot/test_figure.py fills them in too, and has Plotly validate the whole figure.
UNCHECKED: Plain = {"_validate": False}
QUIET: Plain = {"hoverinfo": "skip", "showlegend": False} | UNCHECKED
CLEAR = "rgba(0,0,0,0)"


def moments(points: Sequence[VisitPoint]) -> dict[UUID, str]:
    """Return the position of each visit on the date axis, by its id: at its day, or spread over the day if there are several.

    At the same moment, their bars would be stacked, and no pointer could reach the second visit.
    """
    found = {}
    for day, group in groupby(points, key=lambda point: point.date):
        same = list(group)
        for k, point in enumerate(same):
            hours, minutes = divmod(24 * 60 * k // len(same), 60)
            found[point.visit_id] = f"{day.isoformat()}T{hours:02}:{minutes:02}:00Z" if k else day.isoformat()
    return found


@dataclass(frozen=True)
class Visits:
    """The visits as the rows need them.

    `all` are in order, also those without photos; `every` has photos, `known` a mean, `full` an interval, `sparse` none, and
    `line` is the line through them.
    """

    moments: Mapping[UUID, str]
    all: Sequence[VisitPoint]
    every: Sequence[VisitPoint]
    known: Sequence[VisitPoint]
    full: Sequence[VisitPoint]
    sparse: Sequence[VisitPoint]
    line: Sequence[VisitPoint | None]

    @classmethod
    def of(cls, points: Sequence[VisitPoint], others: Sequence[VisitPoint] = ()) -> "Visits":
        """Return `points` sorted into what the rows need; `others` have no photos."""
        together = sorted([*points, *others], key=lambda point: point.date)
        known = [point for point in points if point.used]
        full, sparse = [point for point in known if point.interval], [point for point in known if point.is_sparse]
        return cls(moments(together), together, points, known, full, sparse, line(runs(known)))

    def halfway(self, before: VisitPoint, after: VisitPoint) -> str:
        """Return the moment halfway between two visits on the date axis, which may be of one day."""
        start, end = (datetime.fromisoformat(self.moments[each.visit_id]).replace(tzinfo=UTC) for each in (before, after))
        return f"{start + (end - start) / 2:%Y-%m-%dT%H:%M:%SZ}"

    def days(self) -> Plain:
        """Return the dates of each group, which many traces share."""
        groups = {"every": self.every, "known": self.known, "full": self.full, "sparse": self.sparse, "line": self.line}
        return {name: [point and self.moments[point.visit_id] for point in group] for name, group in groups.items()}


def days_of(group: str) -> str:
    """Return a placeholder for the dates of a group; the browser replaces it."""
    return f"days({group})"


def token(name: str) -> str:
    """Return a placeholder for a colour of the stylesheet; the browser replaces it with the colour of the theme."""
    return f"var(--{name})"


@dataclass(frozen=True)
class Row:
    """A row between two heights, in pixels from the top."""

    top: int
    bottom: int


VALENCE = Row(24, 272)


@dataclass(frozen=True)
class Frame:
    """All rows of one view. Expressions are one row when stacked and seven as small multiples.

    `said` are the rows of the self-report by the name of their scale.
    """

    valence: Row
    said: Mapping[str, Row]
    expressions: tuple[Row, ...]
    photos: Row
    events: Row | None  # None without events

    @property
    def bottom(self) -> int:
        """Return where the last row ends."""
        return (self.events or self.photos).bottom

    @property
    def height(self) -> int:
        """Return the height of the whole figure with its margins."""
        return self.bottom + TOP + BOTTOM

    def up(self, px: float) -> float:
        """Return a height in pixels from the top as Plotly's fraction from the bottom."""
        return round(1 - px / self.bottom, 4)

    def domain(self, row: Row) -> list[float]:
        """Return the row as Plotly's domain."""
        return [self.up(row.bottom), self.up(row.top)]

    @property
    def hideable(self) -> Plain:
        """Return the rows that the reader can hide, from their title to their end, what can be lower, and the height of all rows.

        In pixels. Each part that can be lower has its ends and the share of it that stays where the window has no room for more.
        """
        rows = {name: [row.top - GAP, row.bottom] for name, row in self.said.items()}
        events = {"event": [self.photos.bottom, self.events.bottom]} if self.events else {}
        return {"rows": rows | events, "parts": self._parts, "bottom": self.bottom}

    @property
    def _parts(self) -> list[list[float]]:
        strips = Row(self.expressions[0].top, self.expressions[-1].bottom)
        least = LEAST_STACK if len(self.expressions) == 1 else LEAST_STRIPS
        rows = [(self.valence, LEAST_VALENCE), *((row, LEAST_SAID) for row in self.said.values()), (strips, least)]
        rows += [(self.photos, LEAST_PHOTOS), *([(self.events, LEAST_TRACK)] if self.events else [])]
        gaps = [[one.bottom, other.top, LEAST_GAP] for (one, _), (other, _) in pairwise(rows)]
        return [*([row.top, row.bottom, share] for row, share in rows), *gaps]

    def title(self, row: Row, text: str, name: str = "title") -> go.layout.Annotation:
        """Return the name of a row, at the far left above it. "title:event" goes when the row "event" is hidden."""
        return go.layout.Annotation(
            name=name,
            xref="paper",
            yref="paper",
            x=0,
            xshift=-LEFT,
            xanchor="left",
            y=self.up(row.top),
            yshift=8,
            yanchor="bottom",
            showarrow=False,
            text=text,
            font={"size": 12, "color": token("ink"), "weight": 600},
            **UNCHECKED,
        )


def stacked(tracks: int, said: Mapping[str, int]) -> Frame:
    """Return the frame with the expressions in one stacked row. `said` are the heights of the self-report's rows."""
    rows, top = _said(said)
    return _frame(rows, (Row(top + 38, top + 156),), top + 190, tracks)


def small_multiples(tracks: int, said: Mapping[str, int]) -> Frame:
    """Return the frame with the expressions in seven strips. `said` are the heights of the self-report's rows."""
    rows, top = _said(said)
    strips = tuple(Row(top + 36 + PITCH * k, top + 36 + PITCH * k + STRIP) for k in range(7))
    return _frame(rows, strips, top + 386, tracks)


def _said(heights: Mapping[str, int]) -> tuple[dict[str, Row], int]:
    """Return the rows of the self-report under the valence row, and where the last of them ends."""
    rows, bottom = {}, VALENCE.bottom
    for name, height in heights.items():
        rows[name] = Row(bottom + GAP, bottom + GAP + height)
        bottom = rows[name].bottom
    return rows, bottom


def _frame(said: Mapping[str, Row], expressions: tuple[Row, ...], photos_top: int, tracks: int) -> Frame:
    top = photos_top + 68
    events = Row(top, top + TRACK * tracks) if tracks else None
    return Frame(VALENCE, said, expressions, Row(photos_top, photos_top + 36), events)


def y_axis(
    domain: list[float],
    value_range: list[float],
    ticks: Sequence[float],
    texts: Sequence[str],
    **more: Any,  # Any: properties of the axis
) -> go.layout.YAxis:
    """Return a y axis that can be neither dragged nor zoomed."""
    properties = {
        "domain": domain,
        "range": value_range,
        "tickvals": list(ticks),
        "ticktext": list(texts),
        "gridcolor": token("grid"),
        "zeroline": False,
        "fixedrange": True,
        "ticks": "",
        "ticksuffix": " ",
        "tickfont": {"size": 11, "color": token("ink-3")},
    }
    return go.layout.YAxis(properties | more, **UNCHECKED)


def annotation(text: str, colour: str = "ink-3", **more: Any) -> go.layout.Annotation:  # Any: properties of the annotation
    """Return a small text in the figure. Plotly reads tags in it: hand user input through `escaped` first."""
    return go.layout.Annotation(text=text, showarrow=False, font={"size": 11, "color": token(colour)}, **more, **UNCHECKED)


def shape(**properties: Any) -> go.layout.Shape:  # Any: properties of the shape
    """Return a line or a rectangle."""
    return go.layout.Shape(**properties, **UNCHECKED)


def escaped(text: str) -> str:
    """Return text that a person typed, with every character escaped that Plotly would read as part of a tag."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
