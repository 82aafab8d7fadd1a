"""The card over the figure for each visit, as text that is ready to show."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import islice
from uuid import UUID

from django.urls import reverse
from django.utils.translation import gettext as _

from patients.models import Event, SelfReport
from patients.models.formats import day, percent, rounded_all, signed
from patients.timeline.baseline import Baseline
from patients.timeline.plot.frame import Plain, Visits
from patients.timeline.plot.self_report_row import Reports
from patients.timeline.points import VisitPoint
from patients.timeline.sentence import in_words, photos_in_words, place_in_words

NO_ID = UUID(int=0)
Labels = Mapping[str, str]
"""The reader's own label of each photo, by the photo's id as 32 digits: one of the seven expressions."""


def cards(visits: Visits, baseline: Baseline | None, events: Sequence[Event], reports: Reports, labels: Labels) -> list[Plain]:
    """Return one card per visit that has photos, oldest first, with the valence index and the own label of each of its photos."""
    found = []
    since = date.max
    href = reverse("patients:visit", args=[NO_ID])  # once: it takes as long as half a card
    dots = iter(rounded_all([value for point in visits.every for value in point.photo_valences]))
    for point in visits.every:
        around = [event.label for event in events if event.covers(point.date) or since < event.starts_on <= point.date]
        found.append(
            _card(point, visits.moments[point.visit_id], baseline, around, href)
            | {"y": [*islice(dots, len(point.photo_valences))]}
            | {"said": self_report_in_words(reports.get(point.visit_id))}
            | _labelled([labels.get(key, "") for key in point.photo_keys])
        )
        since = point.date
    return found


def self_report_in_words(report: SelfReport | None) -> str:
    """Return "mood 3 of 10, PHQ-9 17" with the scales that were answered; empty for none."""
    if report is None:
        return ""
    said = {
        _("mood %(total)s of 10"): report.mood,
        _("PHQ-9 %(total)s"): report.phq9,
        _("GAD-7 %(total)s"): report.gad7,
    }
    return ", ".join(text % {"total": total} for text, total in said.items() if total is not None)


def _labelled(labels: Sequence[str]) -> Plain:
    """Return the labels in the order of the photos, empty for a photo without one, and all of them in words."""
    counts = Counter(label for label in labels if label).most_common()
    words = ", ".join(f"{count} {_(label)}" for label, count in counts)
    return {"labels": labels if counts else [], "own": _("Your labels: %(labels)s") % {"labels": words} if words else ""}


def _card(point: VisitPoint, moment: str, baseline: Baseline | None, events: Sequence[str], href: str) -> Plain:
    """Return one card; `events` are those that last on the day and those that began since the visit before.

    `href` is the address of the visit NO_ID.
    """
    return {
        "x": moment,
        "href": href.replace(str(NO_ID), str(point.visit_id)),
        "date": day(point.date),
        "n": photos_in_words(point),
        "valence": signed(point.valence),
        "interval": in_words(point.interval) if point.used else _("no photo counts"),
        "where": place_in_words(point, baseline),
        "top": [{"expression": each.expression, "probability": percent(each.mean)} for each in point.top],
        "events": ", ".join(events),
        "model": " + ".join(point.model_versions) or "–",
    }
