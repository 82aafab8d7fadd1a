"""Row three of the figure: how many photos count, and how many are missing."""

from collections.abc import Sequence

from plotly import graph_objects as go

from patients.timeline.plot.frame import QUIET, Frame, Visits, days_of, token, y_axis
from patients.timeline.points import VisitPoint

TICKS = (100, 50, 20, 10, 5, 2, 1)


def traces(visits: Visits) -> list[go.Bar]:
    """Return used photos with the missing ones hatched on top."""
    common = {"x": days_of("every"), "yaxis": "y3", **QUIET}
    hatch = {"shape": "/", "fgcolor": token("missing"), "bgcolor": token("surface"), "size": 5, "solidity": 0.25}
    missing = {"color": token("surface"), "line": {"color": token("missing"), "width": 1}, "pattern": hatch}
    used = {"color": token("control"), "line": {"width": 0}}
    return [
        go.Bar(name="used", y=[point.used for point in visits.every], marker=used, **common),
        go.Bar(name="missing", y=[point.missing for point in visits.every], marker=missing, **common),
    ]


def axes(points: Sequence[VisitPoint], frame: Frame) -> dict[str, go.layout.YAxis]:
    """Return the axis with one round tick."""
    most = max((point.total for point in points), default=1)
    tick = next(each for each in TICKS if each <= most)
    return {"yaxis3": y_axis(frame.domain(frame.photos), [0, most + max(1, most // 15)], [0, tick], ["0", str(tick)], anchor="x")}
