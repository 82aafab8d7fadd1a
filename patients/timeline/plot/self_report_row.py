"""Self-reports under the valence index: PHQ-9, GAD-7 and mood, each in a row of its own with the whole of its scale."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from plotly import graph_objects as go

from patients.models import SelfReport
from patients.models.self_report import MOST
from patients.timeline.breaks import LONG
from patients.timeline.plot.frame import QUIET, UNCHECKED, Frame, Visits, annotation, token, y_axis
from patients.timeline.points import VisitPoint

Reports = Mapping[UUID, SelfReport]
"""The self-report of each visit, by the visit's id."""


@dataclass(frozen=True)
class Scale:
    """One scale of a self-report: its names, what it says, its symbol and its row in the figure."""

    name: str
    title: str | Promise
    heading: str | Promise
    direction: str | Promise
    ticks: tuple[int, ...]
    axis: str
    symbol: str
    height_px: int

    @property
    def most(self) -> int:
        """Return the highest total."""
        return MOST[self.name]

    def value(self, reports: Reports, visit_id: UUID) -> int | None:
        """Return the total at the visit, None if the scale was not answered."""
        report = reports.get(visit_id)
        total: int | None = getattr(report, self.name) if report else None
        return total


MORE = _("0 to %(most)d, higher: more symptoms")
SCALES = (
    Scale("mood", _("Mood"), _("Mood, self-rated"), _("0 to %(most)d, higher: better"), (0, 5, 10), "y5", "diamond", 56),
    Scale("phq9", _("PHQ-9"), _("PHQ-9, self-rated"), MORE, (0, 9, 18, 27), "y6", "square", 72),
    Scale("gad7", _("GAD-7"), _("GAD-7, self-rated"), MORE, (0, 7, 14, 21), "y7", "triangle-up", 72),
)


@dataclass(frozen=True)
class ScaleChoice:
    """A scale in the menu of rows: at how many visits it was answered, and whether its row is shown at first."""

    scale: Scale
    visits: int
    is_shown: bool


def rated(points: Sequence[VisitPoint], reports: Reports) -> list[Scale]:
    """Return the scales that were answered at one of these visits."""
    return [scale for scale in SCALES if any(scale.value(reports, point.visit_id) is not None for point in points)]


def rows(points: Sequence[VisitPoint], reports: Reports) -> list[Scale]:
    """Return the same scales from top to bottom: symptoms, then mood."""
    return sorted(rated(points, reports), key=lambda scale: scale.name == "mood")


def choices(points: Sequence[VisitPoint], reports: Reports, chosen: Mapping[str, bool]) -> list[ScaleChoice]:
    """Return the scales that were answered, shown as `chosen` says. At first GAD-7 is hidden where there is PHQ-9."""
    scales = rows(points, reports)
    has_phq9 = any(scale.name == "phq9" for scale in scales)
    return [
        ScaleChoice(
            scale,
            sum(scale.value(reports, point.visit_id) is not None for point in points),
            chosen.get(scale.name, not (scale.name == "gad7" and has_phq9)),
        )
        for scale in scales
    ]


def has_answered(point: VisitPoint, reports: Reports) -> bool:
    """Whether the patient answered any scale at the visit."""
    return any(scale.value(reports, point.visit_id) is not None for scale in SCALES)


def traces(visits: Visits, reports: Reports) -> list[go.Scatter]:
    """Return one line per scale, with a hole at every long gap."""
    return [_trace(scale, visits, reports) for scale in rated(visits.all, reports)]


def axes(points: Sequence[VisitPoint], reports: Reports, frame: Frame) -> dict[str, go.layout.YAxis]:
    """Return an axis per scale that shows the whole of it."""
    return {
        f"yaxis{scale.axis[1:]}": y_axis(
            frame.domain(frame.said[scale.name]), [0, scale.most], scale.ticks, [str(tick) for tick in scale.ticks], anchor="x"
        )
        for scale in rated(points, reports)
    }


def annotations(points: Sequence[VisitPoint], reports: Reports, frame: Frame) -> list[go.layout.Annotation]:
    """Return for each scale its title, what it says beside it, and the last value in the right margin: the browser places both."""
    return [note for scale in rated(points, reports) for note in _notes(scale, frame)]


def _notes(scale: Scale, frame: Frame) -> list[go.layout.Annotation]:
    row = frame.said[scale.name]
    hint = annotation(
        str(scale.direction) % {"most": scale.most},
        name=f"hint:{scale.name}",
        xref="paper",
        yref="paper",
        x=0,
        xanchor="left",
        y=frame.up(row.top),
        yshift=8,
        yanchor="bottom",
    )
    last = go.layout.Annotation(
        name=f"last:{scale.name}",
        xref="paper",
        yref=scale.axis,
        x=1,
        xanchor="left",
        xshift=7,
        y=0,
        showarrow=False,
        text="",
        font={"size": 12, "color": token("ink"), "weight": 600},
        **UNCHECKED,
    )
    return [frame.title(row, str(scale.heading), f"title:{scale.name}"), hint, last]


def _trace(scale: Scale, visits: Visits, reports: Reports) -> go.Scatter:
    said: list[VisitPoint | None] = []
    for point in visits.all:
        if scale.value(reports, point.visit_id) is not None:
            before = said[-1] if said else None
            said += [None, point] if before and point.date - before.date > LONG else [point]
    return go.Scatter(
        mode="lines+markers",
        name=scale.name,
        x=[point and visits.moments[point.visit_id] for point in said],
        y=[point and scale.value(reports, point.visit_id) for point in said],
        yaxis=scale.axis,
        line={"color": token("ink-3"), "width": 1.5, "dash": "4px,3px"},
        marker={"size": 6, "symbol": scale.symbol, "color": token("ink-2"), "line": {"color": token("surface"), "width": 1}},
        cliponaxis=False,
        **QUIET,
    )
