"""Self-reports over the valence index: mood, PHQ-9 and GAD-7, each on its own scale at the right."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from plotly import graph_objects as go

from patients.models import SelfReport
from patients.models.self_report import MOST
from patients.timeline.breaks import LONG
from patients.timeline.plot.frame import QUIET, Frame, Plain, Visits, token, y_axis
from patients.timeline.points import VisitPoint

Reports = Mapping[UUID, SelfReport]
"""The self-report of each visit, by the visit's id."""


@dataclass(frozen=True)
class Scale:
    """One scale of a self-report: its names, its symbol and dash, and its axis in the figure."""

    name: str
    title: str | Promise
    legend: str | Promise
    ticks: tuple[int, ...]
    axis: str
    symbol: str
    dash: str

    @property
    def most(self) -> int:
        """Return the highest total."""
        return MOST[self.name]

    def value(self, reports: Reports, visit_id: UUID) -> int | None:
        """Return the total at the visit, None if the scale was not answered."""
        report = reports.get(visit_id)
        total: int | None = getattr(report, self.name) if report else None
        return total


SCALES = (
    Scale("mood", _("Mood, self-rated"), _("mood, 0–10"), (0, 5, 10), "y5", "diamond", "dot"),
    Scale("phq9", _("PHQ-9"), _("PHQ-9, 0–27"), (0, 9, 18, 27), "y6", "square", "dash"),
    Scale("gad7", _("GAD-7"), _("GAD-7, 0–21"), (0, 7, 14, 21), "y7", "triangle-up", "dashdot"),
)


def rated(points: Sequence[VisitPoint], reports: Reports) -> list[Scale]:
    """Return the scales that were answered at one of these visits."""
    return [scale for scale in SCALES if any(scale.value(reports, point.visit_id) is not None for point in points)]


def has_answered(point: VisitPoint, reports: Reports) -> bool:
    """Whether the patient answered any scale at the visit."""
    return any(scale.value(reports, point.visit_id) is not None for scale in SCALES)


def traces(visits: Visits, reports: Reports) -> list[go.Scatter]:
    """Return one line per scale, hidden at first, with a hole at every long gap."""
    return [_trace(scale, visits, reports) for scale in rated(visits.all, reports)]


def axes(points: Sequence[VisitPoint], reports: Reports, frame: Frame) -> dict[str, go.layout.YAxis]:
    """Return an axis per scale, over the valence index and written in the right margin; the browser moves them apart."""
    domain = frame.domain(frame.valence)
    right = {"overlaying": "y", "side": "right", "visible": False, "showgrid": False, "ticksuffix": ""}
    return {
        f"yaxis{scale.axis[1:]}": y_axis(domain, [0, scale.most], scale.ticks, [str(tick) for tick in scale.ticks], **right)
        for scale in rated(points, reports)
    }


def choices(points: Sequence[VisitPoint], reports: Reports) -> list[Plain]:
    """Return the name and axis of each scale, for the browser to show and hide."""
    return [{"name": scale.name, "axis": f"yaxis{scale.axis[1:]}"} for scale in rated(points, reports)]


def _trace(scale: Scale, visits: Visits, reports: Reports) -> go.Scatter:
    said: list[VisitPoint | None] = []
    for point in visits.all:
        if scale.value(reports, point.visit_id) is not None:
            before = said[-1] if said else None
            said += [None, point] if before and point.date - before.date > LONG else [point]
    return go.Scatter(
        mode="lines+markers",
        name=scale.name,
        visible=False,
        x=[point and visits.moments[point.visit_id] for point in said],
        y=[point and scale.value(reports, point.visit_id) for point in said],
        yaxis=scale.axis,
        line={"color": token("ink-3"), "width": 1.5, "dash": scale.dash},
        marker={"size": 6, "symbol": scale.symbol, "color": token("ink-3")},
        cliponaxis=False,
        **QUIET,
    )
