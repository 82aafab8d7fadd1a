"""The drawings of a report, from the same points as the timeline: valence with events, expressions, and self-report."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import sqrt

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from ml.serve.expressions import EXPRESSIONS
from patients.models import Event
from patients.models.event import Lane
from patients.models.formats import percent, signed
from patients.reports.paper.axis import LEFT, RIGHT, Axis
from patients.reports.paper.shapes import Drawing, px
from patients.timeline.baseline import Baseline, Place
from patients.timeline.breaks import runs
from patients.timeline.plot.self_report_row import Reports, Scale
from patients.timeline.points import Probability, VisitPoint

WIDTH = 688
TOP = 26
LANE = 15
LETTER_WIDTH = 5.3  # of text at 10 px, on average
MARKS = {"phq9": "square", "gad7": "triangle", "mood": "diamond"}
LABEL_LETTERS = 10  # of a lane, left of the axis
GAP = 4  # px between the marks of two photos


def valence_drawing(
    points: Sequence[VisitPoint], baseline: Baseline | None, events: Sequence[Event], axis: Axis, height: int, names_events: bool
) -> Drawing:
    """Return the means with intervals, photos, usual range and events. `height` is that of the scale from −1 to 1 in px."""
    lanes = [lane for lane in Lane if any(event.lane == lane for event in events)]
    foot = TOP + height + (32 + LANE * len(lanes) if lanes else 12)
    drawing = Drawing(WIDTH, round(foot + 33), _label(points))
    _scale(drawing, baseline, height)
    for event in events:
        drawing.line("ev", axis.x(event.starts_on), TOP, axis.x(event.starts_on), foot)
    for point in points:
        _photos(drawing, point, axis, height)
    for run in runs(points):
        told = [(axis.x(point.date), _y(point.valence, height)) for point in run if point.valence is not None]
        if len(told) > 1:
            drawing.path("ln", "M" + "L".join(f"{px(x)} {px(y)}" for x, y in told))
    for point in points:
        _mean(drawing, point, baseline, axis, height)
    _events(drawing, lanes, events, axis, TOP + height + 24, names_events)
    axis.draw(drawing, foot)
    return drawing


def _label(points: Sequence[VisitPoint]) -> str:
    values = [point.valence for point in points if point.valence is not None]
    text = ngettext("Valence index at %(n)d visit", "Valence index at %(n)d visits", len(values)) % {"n": len(values)}
    if not values:
        return text
    return _("%(what)s, from %(low)s to %(high)s") % {"what": text, "low": signed(min(values)), "high": signed(max(values))}


def _y(value: float, height: int) -> float:
    return TOP + (1 - value) / 2 * height


def _scale(drawing: Drawing, baseline: Baseline | None, height: int) -> None:
    drawing.text("ti", 0, 11, _("Valence index"))
    if baseline:
        low, high = baseline.on_scale
        top, bottom = _y(high, height), _y(low, height)
        drawing.box("ba", LEFT, top, RIGHT - LEFT, bottom - top)
        for y, limit in ((top, high), (bottom, low)):
            drawing.line("be", LEFT, y, RIGHT, y)
            drawing.text("tk", RIGHT + 7, y + 3.6, signed(limit))
    for tick in (1.0, 0.5, 0.0, -0.5, -1.0):
        y = _y(tick, height)
        drawing.line("gr" if tick else "ze", LEFT, y, RIGHT, y)
        drawing.text("tk e", LEFT - 8, y + 3.6, signed(tick, 1 if tick % 1 else 0))


def _photos(drawing: Drawing, point: VisitPoint, axis: Axis, height: int) -> None:
    """Draw a dot for each photo, beside the mean and its interval, alternately left and right and further out where they touch."""
    last_y: dict[tuple[int, int], float] = {}
    for number, value in enumerate(sorted(point.photo_valences, reverse=True)):
        side, y, step = (-1 if number % 2 else 1), _y(value, height), 0
        while y - last_y.get((side, step), -99.0) < GAP:
            step += 1
        last_y[side, step] = y
        drawing.circle("ph", axis.x(point.date) + side * (14 + GAP * step), y, 1.7)


def _mean(drawing: Drawing, point: VisitPoint, baseline: Baseline | None, axis: Axis, height: int) -> None:
    if point.valence is None:
        return
    x, y = axis.x(point.date), _y(point.valence, height)
    if point.interval:
        high, low = px(_y(point.interval.high, height)), px(_y(point.interval.low, height))
        drawing.path("wh", f"M{px(x)} {high}V{low}M{px(x - 3)} {high}h6M{px(x - 3)} {low}h6")
    radius = 4.0 if point.is_sparse else min(max(8 + 1.3 * sqrt(point.used), 10), 14) / 2
    if baseline and baseline.place(point) not in (Place.INSIDE, None):
        drawing.circle("ri", x, y, radius + 3.8)
    drawing.circle("ho" if point.is_sparse else "me", x, y, radius)


def _events(drawing: Drawing, lanes: Sequence[Lane], events: Sequence[Event], axis: Axis, top: float, names_events: bool) -> None:
    if lanes:
        drawing.text("ti", 0, top, _("Events"))
    for row, lane in enumerate(lanes):
        y = top + 8 + LANE * row
        name = str(lane.label)
        drawing.text("tk e la", LEFT - 8, y + 9.1, name if len(name) <= LABEL_LETTERS else str(lane.short_name))
        inside = sorted((event for event in events if event.lane == lane), key=lambda event: event.starts_on)
        for event, after in zip(inside, [*inside[1:], None], strict=True):
            x = axis.x(event.starts_on)
            end = axis.x(event.ends_on or (date.max if event.goes_on else event.starts_on))
            if event.is_interval:
                drawing.box("evb", x, y, max(end - x, 2), 11)
                drawing.box("bs", x - 1, y, 2, 11)
            else:
                drawing.path("di", f"M{px(x)} {px(y + 1.5)}l4 4-4 4-4-4z")
            room = (axis.x(after.starts_on) if after else WIDTH) - x - 12
            if names_events:
                drawing.text("el", x + 9, y + 9.1, _fitted(event.label, room))


def _fitted(text: str, room: float) -> str:
    """Return as much of the text as fits into `room` px."""
    most = int(room / LETTER_WIDTH)
    return text if len(text) <= most else f"{text[: most - 1].rstrip()}…" if most > 3 else ""


def expression_drawing(points: Sequence[VisitPoint], axis: Axis, tall: int) -> Drawing:
    """Return seven rows of bars in fixed order and on one scale; a rare expression gets a lower row. `tall` in px."""
    known = [point for point in points if point.mean_probabilities]
    columns = zip(*(point.mean_probabilities or () for point in known), strict=True)
    most = dict.fromkeys(EXPRESSIONS, 0.0) | {name: max(column) for name, column in zip(EXPRESSIONS, columns, strict=False)}
    scale = tall / max(0.5, *most.values())
    drawing = Drawing(WIDTH, 0, _("Share of each expression; the numbers are in the table"))
    drawing.text("ti", 0, 11, _("Expressions"), _("share of each visit; the same scale in every row"))
    drawing.text("tk e", WIDTH, 11, _("last visit"))
    width = min(14.0, 0.7 * (RIGHT - LEFT) / max(len(known), 1))
    base = 14.0
    for k, name in enumerate(EXPRESSIONS):
        base += max(15.0, most[name] * scale + 10)
        drawing.line("ax", LEFT, base, RIGHT, base)
        drawing.mark(name, 0, base - 9)
        drawing.text("tk", 13, base - 1.5, _(name))
        for point in known:
            share = (point.mean_probabilities or ())[k]
            size = max(share * scale, 0.4)
            drawing.box(f"st {name}", axis.x(point.date) - width / 2, base - size, width, size)
        if known:
            drawing.text("va e", WIDTH, base - 1.5, percent((known[-1].mean_probabilities or ())[k]))
    drawing.height = round(base + 4)
    return drawing


def scale_drawing(scale: Scale, points: Sequence[VisitPoint], reports: Reports, axis: Axis, names: tuple[str, str]) -> Drawing:
    """Return the totals of one scale over the visits, on the whole of its axis. `names` of the first and the last day."""
    told = [(point.date, scale.value(reports, point.visit_id)) for point in points]
    known = [(day, value) for day, value in told if value is not None]
    drawing = Drawing(210, 106, _("%(scale)s at %(n)d visits") % {"scale": scale.title, "n": len(known)})
    drawing.text("ti", 0, 11, str(scale.title), str(scale.direction) % {"most": scale.most})
    top, height, left, right = 24.0, 58.0, 24.0, 176.0

    def y(value: float) -> float:
        return top + (1 - value / scale.most) * height

    for tick in scale.ticks:
        drawing.line("gr", left, y(tick), right, y(tick))
        drawing.text("tk e", left - 6, y(tick) + 3.6, str(tick))
    small = Axis(axis.first, axis.last, left + 4, right - 4)
    places = [(small.x(day) if axis.first != axis.last else (left + right) / 2, y(value)) for day, value in known]
    if len(places) > 1:
        drawing.path("sl", "M" + "L".join(f"{px(x)} {px(v)}" for x, v in places))
    for x, v in places:
        drawing.path("sp", _symbol(MARKS[scale.name], x, v))
    if places:
        drawing.text("va", right + 8, places[-1][1] + 3.6, str(known[-1][1]))
    drawing.text("tk", left, top + height + 20, names[0])
    drawing.text("tk e", right, top + height + 20, names[1])
    return drawing


def _symbol(kind: str, x: float, y: float) -> str:
    if kind == "square":
        return f"M{px(x - 3)} {px(y - 3)}h6v6h-6z"
    if kind == "triangle":
        return f"M{px(x)} {px(y - 3.6)}l3.8 6.6h-7.6z"
    return f"M{px(x)} {px(y - 4)}l4 4-4 4-4-4z"


def bar_drawing(shown: Probability) -> Drawing:
    """Return one share as a bar with its interval, for the table of a visit."""
    drawing = Drawing(260, 12, f"{_(shown.expression)} {percent(shown.mean)}")
    drawing.box("trk", 0, 2, 260, 8)
    drawing.box(f"st {shown.expression}", 0, 2, max(shown.mean * 260, 0.4), 8)
    if shown.interval:
        low, high = px(shown.interval.low * 260), px(shown.interval.high * 260)
        drawing.path("wi", f"M{low} 6H{high}M{low} 3v6M{high} 3v6")
    return drawing
