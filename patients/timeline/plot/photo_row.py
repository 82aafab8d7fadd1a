"""Row three of the figure: how many photos count, and how many are missing."""

from collections.abc import Sequence

from patients.timeline.plot.frame import QUIET, Frame, Plain, Visits, days_of, token, y_axis
from patients.timeline.points import VisitPoint

TICKS = (100, 50, 20, 10, 5, 2, 1)


def traces(visits: Visits) -> list[Plain]:
    """Return used photos with the missing ones hatched on top."""
    common = {"type": "bar", "x": days_of("every"), "yaxis": "y3", **QUIET}
    hatch = {"shape": "/", "fgcolor": token("missing"), "bgcolor": token("surface"), "size": 5, "solidity": 0.25}
    missing = {"color": token("surface"), "line": {"color": token("missing"), "width": 1}, "pattern": hatch}
    return [
        common
        | {
            "name": "used",
            "y": [point.used for point in visits.every],
            "marker": {"color": token("control"), "line": {"width": 0}},
        },
        common | {"name": "missing", "y": [point.missing for point in visits.every], "marker": missing},
    ]


def axes(points: Sequence[VisitPoint], frame: Frame) -> Plain:
    """Return the axis with one round tick."""
    most = max((point.total for point in points), default=1)
    tick = next(each for each in TICKS if each <= most)
    return {"yaxis3": y_axis(frame.domain(frame.photos), [0, most + max(1, most // 15)], [0, tick], ["0", str(tick)], anchor="x")}
