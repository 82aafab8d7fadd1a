"""A figure as the browser sees it: dates and colours in the place of what stands for them."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from patients.models import Event
from patients.timeline.baseline import Baseline
from patients.timeline.plot.figure import figure
from patients.timeline.points import VisitPoint

Json = Any  # what a figure holds


def drawn(
    points: Sequence[VisitPoint], baseline: Baseline | None = None, events: Sequence[Event] = (), **more: Json
) -> dict[str, Json]:
    """Return the figure with every `days(...)` filled in and every `var(...)` a plain colour or font."""
    made = figure(points, baseline, events, **more)
    filled: dict[str, Json] = _fill(made, made["days"])
    return filled


def trace(made: dict[str, Json], name: str, axis: str | None = None) -> dict[str, Json]:
    """Return the only trace of this name, on this axis if given."""
    (found,) = (each for each in made["data"] if each["name"] == name and (axis is None or each.get("yaxis") == axis))
    return dict(found)


def texts(layout: dict[str, Json], name: str) -> list[str]:
    """Return the words of all annotations with this name."""
    return [note["text"] for note in layout["annotations"] if note.get("name") == name]


def shapes(layout: dict[str, Json], name: str | None) -> list[dict[str, Json]]:
    """Return the shapes with this name."""
    return [shape for shape in layout["shapes"] if shape.get("name") == name]


def iso(*days: date) -> list[str]:
    """Return days as the figure writes them."""
    return [day.isoformat() for day in days]


def _fill(value: Json, days: dict[str, Json]) -> Json:
    if isinstance(value, str):
        if found := re.fullmatch(r"days\((\w+)\)", value):
            return days[found[1]]
        return {"var(--font)": "Arial"}.get(value, re.sub(r"^var\(--[\w-]+\)$", "#123456", value))
    if isinstance(value, list):
        return [_fill(each, days) for each in value]
    return {key: _fill(each, days) for key, each in value.items()} if isinstance(value, dict) else value
