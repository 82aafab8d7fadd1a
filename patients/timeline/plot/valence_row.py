"""Row one of the figure: the valence index with interval, photos, usual range, gaps and model changes."""

from collections.abc import Sequence
from math import sqrt

from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from plotly import graph_objects as go

from patients.models.formats import signed
from patients.timeline.baseline import Baseline, outside
from patients.timeline.breaks import Gap, ModelChange, gaps, model_changes
from patients.timeline.plot.expression_rows import SYMBOLS
from patients.timeline.plot.frame import CLEAR, QUIET, Frame, Plain, Visits, annotation, days_of, shape, token, y_axis
from patients.timeline.points import VisitPoint

NARROW = 0.34  # of the index: a band lower than this has no room for a text between its limits
# The marks in pixels, from the strongest data to the weakest: means from 10 to 14 (mean_px), one or two photos, one photo.
HOLLOW_PX, HOLLOW_LINE_PX, PHOTO_PX, LABEL_PX = 9, 2, 4, 8
RING_PX = 3.8  # from the edge of a mark to its ring
PLOT_PX = 1020  # width of the plot on a desktop


def traces(visits: Visits, baseline: Baseline | None) -> list[go.Scatter]:
    """Return photos, line, means, sparse visits and rings. The dots of photos are filled in by the browser."""
    ringed = outside(visits.every, baseline)
    return [
        _dots("photos", [], [], {"size": PHOTO_PX, "color": token("dot")}),
        _line(visits),
        _dots("visits", days_of("full"), visits.full, _marker(visits.full), error_y=_error_bars(visits.full)),
        _dots("sparse", days_of("sparse"), visits.sparse, _hollow()),
        _dots("outside", [visits.moments[point.visit_id] for point in ringed], ringed, _rings(ringed)),
    ]


def label_traces(expressions: Sequence[str]) -> list[go.Scatter]:
    """Return one trace for the own labels of each expression, named "own:sad". The browser fills in the photos."""
    edge = {"width": 1, "color": token("surface")}
    marks = {name: {"size": LABEL_PX, "symbol": SYMBOLS[name], "color": token(f"e-{name}"), "line": edge} for name in expressions}
    return [_dots(f"own:{name}", [], [], mark) for name, mark in marks.items()]


def axes(frame: Frame) -> dict[str, go.layout.YAxis]:
    """Return the fixed axis from -1 to 1."""
    domain = frame.domain(frame.valence)
    values = [-1, -0.5, 0, 0.5, 1]
    zero = {"zeroline": True, "zerolinecolor": token("zero"), "zerolinewidth": 1}
    return {"yaxis": y_axis(domain, [-1, 1], values, [signed(value, 0 if value in (-1, 0, 1) else 1) for value in values], **zero)}


def shapes(visits: Visits, baseline: Baseline | None, frame: Frame) -> list[go.layout.Shape]:
    """Return the band, its edges and the lines at a change of the model."""
    bottom, top = frame.domain(frame.valence)
    changes = [visits.halfway(change.before, change.after) for change in model_changes(visits.every)]
    line = {"color": token("zero"), "width": 1}
    across: Plain = {"type": "line", "name": "model", "xref": "x", "yref": "paper", "y0": bottom, "y1": top, "line": line}
    return [*(_band(baseline) if baseline else []), *(shape(x0=moment, x1=moment, **across) for moment in changes)]


def annotations(visits: Visits, baseline: Baseline | None, frame: Frame) -> list[go.layout.Annotation]:
    """Return the title and all text inside the row."""
    points = visits.every
    days = max(1, (points[-1].date - points[0].date).days) if points else 1
    foot = max(-1.0, baseline.low) if baseline else -1.0
    gap_words = [_gap_words(gap, foot, gap.days / days * PLOT_PX) for gap in gaps(visits.all)]
    return [
        frame.title(frame.valence, _("Valence index")),
        *(each for each in gap_words if each),
        *(text for change in model_changes(points) for text in _versions(change, visits.halfway(change.before, change.after))),
        *(_limits(baseline) if baseline else []),
    ]


def short_versions(*groups: Sequence[str]) -> list[str]:
    """Return names of models without a last ".0" unless that would make two of them equal."""
    names = {name for group in groups for name in group}
    short = {name: name.removesuffix(".0") if name.count(".") == 2 else name for name in names}
    if len(set(short.values())) < len(names):
        short = {name: name for name in names}
    return [" + ".join(short[name] for name in group) for group in groups]


def _dots(name: str, x: str | list[str], points: Sequence[VisitPoint], marker: Plain, error_y: Plain | None = None) -> go.Scatter:
    values = [round(point.valence or 0.0, 3) for point in points]
    # Not clipped where a value lies at the edge: a visit near 1 keeps its whole ring.
    edge = {"cliponaxis": False}
    return go.Scatter(mode="markers", name=name, x=x, y=values, marker=marker, error_y=error_y, **edge, **QUIET)


def _line(visits: Visits) -> go.Scatter:
    """Return the line through the means, with a hole where it breaks."""
    return go.Scatter(
        mode="lines",
        name="mean",
        x=days_of("line"),
        y=[point and round(point.valence or 0.0, 3) for point in visits.line],
        line={"color": token("accent"), "width": 2},
        connectgaps=False,
        **QUIET,
    )


def _hollow() -> Plain:
    """Return a hollow marker. Half of its line lies outside `size`."""
    return {
        "size": HOLLOW_PX - HOLLOW_LINE_PX,
        "color": token("surface"),
        "line": {"color": token("accent"), "width": HOLLOW_LINE_PX},
    }


def _rings(points: Sequence[VisitPoint]) -> Plain:
    sizes = [(mean_px(point) if point.interval else HOLLOW_PX) + 2 * RING_PX for point in points]
    return {"size": [round(size, 1) for size in sizes], "color": CLEAR, "line": {"color": token("ink"), "width": 1.25}}


def mean_px(point: VisitPoint) -> float:
    """Return the diameter of the mean of a visit: it grows with the number of photos, from 10 to 14 pixels."""
    return round(min(14.0, max(10.0, 8 + 1.3 * sqrt(point.used))), 1)


def _marker(points: Sequence[VisitPoint]) -> Plain:
    return {"size": [mean_px(point) for point in points], "color": token("accent"), "line": {"width": 0}}


def _error_bars(points: Sequence[VisitPoint]) -> Plain:
    ends = [(point.interval.low, point.valence or 0.0, point.interval.high) for point in points if point.interval]
    return {
        "type": "data",
        "symmetric": False,
        "array": [round(high - mean, 3) for _low, mean, high in ends],
        "arrayminus": [round(mean - low, 3) for low, mean, _high in ends],
        "color": token("accent"),
        "thickness": 1.5,
        "width": 3,
    }


def _band(baseline: Baseline) -> list[go.layout.Shape]:
    low, high = baseline.on_scale
    across = {"xref": "x domain", "yref": "y", "x0": 0, "x1": 1, "layer": "below"}
    edge = {"color": token("control"), "width": 1, "dash": "1px,3px"}
    return [
        shape(type="rect", **across, y0=low, y1=high, fillcolor=token("band"), line={"width": 0}),
        shape(type="line", **across, y0=low, y1=low, line=edge),
        shape(type="line", **across, y0=high, y1=high, line=edge),
    ]


def _limits(baseline: Baseline) -> list[go.layout.Annotation]:
    """Return both limits and their name in the right margin."""
    low, high = baseline.on_scale
    name = _("usual<br>range")
    side: Plain = {"name": "side", "xref": "paper", "yref": "y", "x": 1, "xanchor": "left", "xshift": 6, "align": "left"}
    if high - low < NARROW:
        return [
            annotation(f"{name}<br>{signed(high)}", "ink-2", y=high, yanchor="bottom", **side),
            annotation(signed(low), "ink-2", y=low, yanchor="top", **side),
        ]
    return [
        annotation(signed(high), "ink-2", y=high, **side),
        annotation(signed(low), "ink-2", y=low, **side),
        annotation(name, y=round((low + high) / 2, 3), **side),
    ]


def _gap_words(gap: Gap, foot: float, width_px: float) -> go.layout.Annotation | None:
    """Return the text in a gap: shorter in a narrow one, None if there is no room."""
    count = {"n": gap.months}
    text = ngettext("%(n)d month", "%(n)d months", gap.months) % count
    if width_px >= 130:
        no_visit = ngettext("no visits for %(n)d month", "no visits for %(n)d months", gap.months)
        no_photo = ngettext("no photo counts for %(n)d month", "no photo counts for %(n)d months", gap.months)
        text = (no_photo if gap.has_visits else no_visit) % count
    elif width_px < 60:
        return None
    return annotation(text, name="gap", xref="x", yref="y", x=gap.middle.isoformat(), y=round(foot, 3), yanchor="bottom", yshift=2)


def _versions(change: ModelChange, x: str) -> list[go.layout.Annotation]:
    """Return the names of both models at the foot of the line between them."""
    old, new = short_versions(change.before.model_versions, change.after.model_versions)
    at: Plain = {"xref": "x", "yref": "y", "x": x, "y": -1, "yanchor": "bottom"}
    return [
        annotation(old, name="gap", xanchor="right", xshift=-5, **at),
        annotation(_("model %(version)s") % {"version": new}, name="version", xanchor="left", xshift=5, **at),
    ]
