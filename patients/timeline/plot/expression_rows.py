"""Row two of the figure: the mean probabilities of a visit stacked, or seven strips with an interval each."""

from collections.abc import Sequence
from math import ceil

from django.utils.translation import gettext as _
from plotly import graph_objects as go

from ml.serve.expressions import EXPRESSIONS
from patients.models.formats import in_percent
from patients.timeline.plot.frame import QUIET, Frame, Plain, Visits, days_of, shape, token, y_axis
from patients.timeline.points import Probability, VisitPoint

SYMBOLS = {
    "angry": "triangle-up",
    "disgust": "square",
    "fear": "diamond",
    "happy": "circle",
    "sad": "triangle-down",
    "surprise": "star",
    "neutral": "cross",
}
SYMBOL_PX, LINE_PX = 7, 1.25
FIRST_STRIP = 11  # the strips have the axes y11 to y17


def stack_traces(visits: Visits) -> list[go.Bar]:
    """Return seven stacked bars per visit in label order."""
    return [
        go.Bar(
            name=name,
            x=days_of("known"),
            y=[round(point.probabilities[k].mean, 3) for point in visits.known],
            yaxis="y2",
            marker={"color": token(f"e-{name}"), "line": {"color": token("surface"), "width": 1}},
            **QUIET,
        )
        for k, name in enumerate(EXPRESSIONS)
    ]


def stack_axes(frame: Frame) -> dict[str, go.layout.YAxis]:
    """Return the axis of the stacked row."""
    return {"yaxis2": y_axis(frame.domain(frame.expressions[0]), [0, 1], [0, 0.5, 1], ["0", "50", in_percent(100)], anchor="x")}


def strip_traces(visits: Visits) -> list[go.Scatter]:
    """Return line, means with interval and sparse visits for each of the seven strips."""
    return [trace for k in range(len(EXPRESSIONS)) for trace in _strip(visits, k)]


def strip_axes(points: Sequence[VisitPoint], frame: Frame) -> dict[str, go.layout.YAxis]:
    """Return seven axes with one scale."""
    foot, head = strip_range(points)
    middle = round((foot + head) / 2, 3)
    tick_font = {"size": 11, "color": token("ink-2")}
    return {
        f"yaxis{FIRST_STRIP + k}": y_axis(
            frame.domain(row), [foot, head], [middle], [_(name)], anchor="x", showgrid=False, tickfont=tick_font
        )
        for k, (name, row) in enumerate(zip(EXPRESSIONS, frame.expressions, strict=True))
    }


def strip_shapes(points: Sequence[VisitPoint]) -> list[go.layout.Shape]:
    """Return the ground of each strip."""
    foot, head = strip_range(points)
    return [
        shape(
            type="rect",
            xref="x domain",
            yref=f"y{FIRST_STRIP + k}",
            x0=0,
            x1=1,
            y0=foot,
            y1=head,
            fillcolor=token("strip"),
            line={"width": 0},
            layer="below",
        )
        for k in range(len(EXPRESSIONS))
    ]


def strip_top(points: Sequence[VisitPoint]) -> int:
    """Return the scale of all strips: the largest mean or interval end in percent, rounded up to 25."""
    ends = [each.interval.high if each.interval else each.mean for point in points for each in point.probabilities]
    return min(100, 25 * ceil(max(ends, default=1.0) * 4))


def strip_range(points: Sequence[VisitPoint]) -> tuple[float, float]:
    """Return the range of the strips' axes, with room for a symbol at zero and at the top."""
    top = strip_top(points) / 100
    return -0.08, round(top + 0.08, 3)


def _strip(visits: Visits, k: int) -> list[go.Scatter]:
    name = EXPRESSIONS[k]
    colour = token(f"e-{name}")
    common = {"name": name, "yaxis": f"y{FIRST_STRIP + k}", **QUIET}
    values = [point and round(point.probabilities[k].mean, 3) for point in visits.line]
    full = [point.probabilities[k] for point in visits.full]
    sparse = [point.probabilities[k] for point in visits.sparse]
    return [
        go.Scatter(mode="lines", x=days_of("line"), y=values, line={"color": colour, "width": 1.5}, **common),
        go.Scatter(error_y=_error_bars(full, colour), **_symbols("full", full, SYMBOLS[name], colour, 0), **common),
        go.Scatter(**_symbols("sparse", sparse, SYMBOLS[name] + "-open", colour, LINE_PX), **common),
    ]


def _symbols(group: str, probabilities: Sequence[Probability], symbol: str, colour: str, line_width: float) -> Plain:
    return {
        "mode": "markers",
        "x": days_of(group),
        "y": [round(each.mean, 3) for each in probabilities],
        # Half of the line lies outside `size`: a hollow symbol is as large as a filled one.
        "marker": {
            "size": SYMBOL_PX - line_width,
            "symbol": symbol,
            "color": colour,
            "line": {"width": line_width, "color": colour},
        },
        "cliponaxis": False,
    }


def _error_bars(probabilities: Sequence[Probability], colour: str) -> Plain:
    ends = [(each.interval.low, each.mean, each.interval.high) for each in probabilities if each.interval]
    return {
        "type": "data",
        "symmetric": False,
        "array": [round(high - mean, 3) for _low, mean, high in ends],
        "arrayminus": [round(mean - low, 3) for low, mean, _high in ends],
        "color": colour,
        "thickness": 1.25,
        "width": 0,
    }
