"""What the page of a study says about its export."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from patients.models import Study
from patients.reports.study.columns import TABLES
from patients.reports.study.forms import available_forms
from patients.studies.group import Group

NAMES: dict[str, tuple[str | Promise, str | Promise]] = {
    "participants": (_("participants"), _("arm, age band, last day")),
    "visits": (_("visits"), _("valence with interval, shares, photos used")),
    "photos": (_("photos"), _("seven shares, quality, model version")),
    "self_reports": (_("self-reports"), _("PHQ-9 and GAD-7 totals, mood")),
    "events": (_("events"), _("kind and days; no free text")),
    "labels": (_("clinicians’ labels"), _("what clinicians chose; no remarks")),
}
"""How the page names each table, and what it holds."""


@dataclass(frozen=True)
class TableRow:
    """One table in the list. `count` is None where counting it would take as long as the export."""

    key: str
    name: str | Promise
    holds: str | Promise
    count: int | None

    @property
    def is_always_there(self) -> bool:
        """Whether it cannot be left out: the others refer to it."""
        return self.key == "participants"


@dataclass(frozen=True)
class ExportPanel:
    """The tables and formats to choose from, and whether the reader may export."""

    study: Study
    tables: Sequence[TableRow]
    may_export: bool  # in this study and in this installation

    @property
    def forms(self) -> list[tuple[str, str]]:
        """Return the formats."""
        return list(available_forms().items())

    @property
    def is_open(self) -> bool:
        """Whether anything can be exported at all."""
        return bool(self.study.ethics_reference)


def export_panel(group: Group, may_export: bool) -> ExportPanel:
    """Return the panel."""
    counts = {
        "participants": len(group.people),
        "visits": len(group.visits),
        "photos": group.photos,
        "self_reports": sum(any(value is not None for value in visit.scales.values()) for visit in group.visits),
    }
    seen = [table.name for table in TABLES if table.seen_by(group.study)]
    return ExportPanel(group.study, [TableRow(key, *NAMES[key], counts.get(key)) for key in seen], may_export)
