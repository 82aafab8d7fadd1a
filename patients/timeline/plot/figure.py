"""The timeline as a Plotly figure: rows on one date axis, as JSON; the browser draws it (static/js/timeline.js)."""

from collections.abc import Sequence
from datetime import date

from django.utils.translation import gettext as _
from plotly import graph_objects as go

from ml.serve.expressions import EXPRESSIONS
from patients.models import Event
from patients.timeline.baseline import Baseline
from patients.timeline.plot import axis, event_row, expression_rows, photo_row, self_report_row, valence_row
from patients.timeline.plot.cards import Labels, cards
from patients.timeline.plot.event_row import Placed
from patients.timeline.plot.frame import (
    BOTTOM,
    CLEAR,
    LEFT,
    RIGHT,
    TOP,
    UNCHECKED,
    Frame,
    Plain,
    Visits,
    small_multiples,
    stacked,
    token,
)
from patients.timeline.plot.self_report_row import Reports
from patients.timeline.points import VisitPoint

MOST_DOTS = 400  # photos in view; above it only means and intervals can still be read


def figure(
    points: Sequence[VisitPoint],
    baseline: Baseline | None,
    events: Sequence[Event] = (),
    reports: Reports | None = None,
    others: Sequence[VisitPoint] = (),
    labels: Labels | None = None,
) -> Plain:
    """Return the figure of at least one point, oldest first. `others` are visits without photos, which may have a self-report.

    ``data`` and ``layout`` are the whole figure with stacked expressions. ``smallMultiples`` holds what differs with seven strips:
    its own expression traces and its own layout. ``frame`` are the rows that the reader can hide. ``visits`` are the cards, one per
    point, with the photos' dots. ``ends`` are the first and the last visit of which anything is drawn. Two kinds of strings stand
    for something else: ``var(--token)`` for a colour, ``days(group)`` for the dates of a group in ``days``.
    """
    visits, said = Visits.of(points, others), reports or {}
    first, last = axis.ends(visits.all, events)
    placed, tracks = event_row.assign_tracks(events, first, last)
    rows = _Rows(visits, baseline, placed, tracks, said, (first, last))
    return {
        "data": _as_json(
            *valence_row.traces(visits, baseline),
            *valence_row.label_traces(sorted({*(labels or {}).values()}, key=EXPRESSIONS.index)),
            *self_report_row.traces(visits, said),
            *photo_row.traces(visits),
            *event_row.traces(placed),
            *expression_rows.stack_traces(visits),
        ),
        "layout": rows.layout_stacked(),
        "frame": rows.stacked.hideable,
        "smallMultiples": rows.seven_strips(),
        "days": visits.days(),
        "ends": _ends(visits, said),
        "visits": cards(visits, baseline, events, said, labels or {}),
        "until": event_row.until(placed, last),
        "ticks": axis.tick_choices(),
        "locale": axis.month_names(),
        "lanes": event_row.short_names(tracks),
        "mostDots": MOST_DOTS,
    }


def _as_json(*parts: go.Scatter | go.Bar | go.Layout) -> list[Plain]:
    return [part.to_plotly_json() for part in parts]


def _ends(visits: Visits, reports: Reports) -> list[str]:
    """Return where the first and the last visit lie that has photos or a self-report."""
    drawn = [visits.moments[point.visit_id] for point in visits.all if point.total or self_report_row.has_answered(point, reports)]
    return [drawn[0], drawn[-1]]


class _Rows:
    """Puts the rows together into a layout."""

    def __init__(
        self,
        visits: Visits,
        baseline: Baseline | None,
        placed: Sequence[Placed],
        tracks: Sequence[int],
        reports: Reports,
        ends: tuple[date, date],
    ) -> None:
        self.visits, self.baseline, self.placed, self.tracks, self.reports = visits, baseline, placed, tracks, reports
        self.first, self.last = ends
        said = {scale.name: scale.height_px for scale in self_report_row.rows(visits.all, reports)}
        self.stacked, self.small_multiples = stacked(sum(tracks), said), small_multiples(sum(tracks), said)

    def layout_stacked(self) -> Plain:
        """Return the layout with one row of expressions."""
        frame = self.stacked
        title = frame.title(frame.expressions[0], _("Expressions, share of each visit"), "title:expressions")
        return self._layout(frame, title, [], expression_rows.stack_axes(frame))

    def seven_strips(self) -> Plain:
        """Return what differs with seven strips."""
        data = _as_json(*expression_rows.strip_traces(self.visits))
        return {"data": data, "layout": self.layout_small_multiples(), "frame": self.small_multiples.hideable}

    def layout_small_multiples(self) -> Plain:
        """Return the layout with seven strips."""
        frame = self.small_multiples
        top = {"top": expression_rows.strip_top(self.visits.every)}
        title = frame.title(frame.expressions[0], _("Expressions, 0 to %(top)d%% each, 95%% interval") % top, "title:expressions")
        return self._layout(
            frame, title, expression_rows.strip_shapes(self.visits.every), expression_rows.strip_axes(self.visits.every, frame)
        )

    def _layout(
        self,
        frame: Frame,
        title: go.layout.Annotation,
        ground: list[go.layout.Shape],
        own_axes: dict[str, go.layout.YAxis],
    ) -> Plain:
        layout = go.Layout(
            height=frame.height,
            margin={"l": LEFT, "r": RIGHT, "t": TOP, "b": BOTTOM, "pad": 0},
            paper_bgcolor=CLEAR,
            plot_bgcolor=CLEAR,
            font={"family": token("font"), "size": 12, "color": token("ink-2")},
            barmode="stack",
            bargap=0,
            showlegend=False,
            dragmode="pan",
            hovermode=False,
            shapes=[
                *ground,
                *event_row.shapes(self.placed, frame, self.last),
                *valence_row.shapes(self.visits, self.baseline, frame),
            ],
            annotations=[
                *event_row.annotations(self.placed, frame),
                *valence_row.annotations(self.visits, self.baseline, frame),
                *self_report_row.annotations(self.visits.all, self.reports, frame),
                title,
                frame.title(frame.photos, _("Photos, used and missing (hatched)")),
            ],
            xaxis=axis.x_axis(self.first, self.last, "y4" if frame.events else "y3"),
            **valence_row.axes(frame),
            **self_report_row.axes(self.visits.all, self.reports, frame),
            **own_axes,
            **photo_row.axes(self.visits.every, frame),
            **event_row.axes(self.tracks, frame),
            **UNCHECKED,
        )
        return _as_json(layout)[0]
