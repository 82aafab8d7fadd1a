"""The group of a study as JSON: as much as its page shows, and nothing below its smallest cell."""

from dataclasses import asdict
from typing import Any

from patients.models import Study
from patients.studies.cells import CellTable
from patients.studies.correlation import correlations
from patients.studies.group import Group
from patients.studies.page import StudyPage, model_card
from patients.studies.trajectory import trajectories

Json = dict[str, Any]  # Any: JSON


def group_json(group: Group, is_waiting: bool) -> Json:
    """Return the group. Below the smallest cell there is nothing but the number of people."""
    shown: Json = {"people": len(group.people), "is_small": group.is_small}
    if group.is_small:
        return shown
    page = StudyPage(group, {})
    model = model_card(group, is_waiting)
    return shown | {
        "visits": len(group.visits),
        "photos": {"total": group.photos, "used": group.used},
        "arms": [{"name": name, "people": people} for name, people in page.arm_counts],
        "means": {measure: _means(group, measure) for measure, _name in page.measures},
        "ages": _ages(page.ages, group.arms) if page.ages else None,
        "correlations": {name: asdict(each) for name, each in correlations(group).items()},
        "unusable_photos": page.quality.unusable if group.study.shows(Study.Field.QUALITY) else None,
        "model": {"result": model.result or None, "is_current": model.is_current, "is_waiting": model.is_waiting},
    }


def _means(group: Group, measure: str) -> list[Json]:
    """Return the mean of each arm and week since the first visit that has enough people, with its 95% t interval."""
    return [{"arm": each.arm, **asdict(mean)} for each in trajectories(group, measure) for mean in each.means]


def _ages(table: CellTable, arms: list[str]) -> list[Json]:
    """Return people by age band and arm; None where a cell is hidden."""
    return [{"from": row.band[0], "to": row.band[1], **dict(zip(arms, row.cells, strict=True))} for row in table.rows]
