"""What the page of a report says, with the numbers of the timeline. Templates set it; drawings.py draws it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from inference.models import Prediction
from ml.serve.expressions import EXPRESSIONS
from patients.models import Event, Patient, Photo, User
from patients.models.formats import clock, day, long_day, percent, signed
from patients.readings.wording import refusal
from patients.reports.paper.axis import Axis
from patients.reports.paper.drawings import bar_drawing, expression_drawing, scale_drawing, valence_drawing
from patients.reports.paper.options import ReportOptions
from patients.reports.paper.shapes import Drawing
from patients.timeline.baseline import Place
from patients.timeline.interval import Interval
from patients.timeline.page import Timeline, timeline
from patients.timeline.points import VisitPoint
from patients.timeline.sentence import in_words, photos_in_words, range_in_words
from patients.timeline.summaries import point_of

LAST_VISITS = 6
LANES = 4
LANE_PX = 15
SCALES_PX = 106
HEIGHTS = {"a4": (156, 22), "letter": (98, 18)}
"""Of the valence scale with four rows of events and a self-report, and of the tallest row of expressions, by paper."""
LEAST_HEIGHT = 64
LEAD_LETTERS, LEAD_LINES, LEAD_PX = 88, 3, 20
HOW_LETTERS, HOW_PX = 112, 15
"""How many letters fit into a line of the lead and of “how to read”, and its height. The figure gives way to further lines."""


@dataclass(frozen=True)
class Line:
    """One visit in the table."""

    day: str
    used: str
    valence: str
    interval: str
    place: str
    top: list[tuple[str, str]]  # expression and share, the largest first
    shares: list[str]
    totals: list[str]


@dataclass(frozen=True)
class Telling:
    """How days are told: as dates, or counted from the first visit where no date may be told."""

    day_zero: date | None = None

    def long(self, when: date) -> str:
        """Return a day in a sentence."""
        return self.numbered(when) if self.day_zero else long_day(when)

    def short(self, when: date) -> str:
        """Return a day in a table."""
        return self.numbered(when) if self.day_zero else day(when)

    def numbered(self, when: date) -> str:
        """Return "day 14"."""
        return _("day %(n)d") % {"n": (when - (self.day_zero or when)).days}

    def retold(self, text: str, days: Iterable[date]) -> str:
        """Return a text of the timeline with the dates of `days` as they are told here."""
        if self.day_zero is None:
            return text
        # The longest first: "2 May 2026" is part of "12 May 2026".
        for tell in (long_day, day):
            for when in sorted(set(days), key=lambda each: -len(tell(each))):
                text = text.replace(tell(when), self.numbered(when))
        return text


def report_context(patient: Patient, options: ReportOptions, by: User) -> dict[str, object]:
    """Return all that the template of the record shows."""
    whole = timeline(patient)
    since = options.since()
    points = [point for point in whole.points if since is None or point.date >= since]
    told = Telling(whole.drawn[0].date if options.number and whole.drawn else None)
    shown = [point for point in whole.drawn if since is None or point.date >= since]
    events = [event for event in whole.events if _touches(event, shown)]
    lines = [_line(whole, point, told) for point in reversed(shown)]
    lead = _lead_for_patient(whole, points, told) if options.reader == "patient" else _lead(whole, points, told)
    reports = _reports_in_words(whole, shown)
    how = _how(whole, options, told)
    further = LEAD_PX * (-(-len(" ".join((*lead, reports))) // LEAD_LETTERS) - LEAD_LINES)
    further += HOW_PX * (sum(-(-len(text) // HOW_LETTERS) for text in how) - len(how))
    return _frame(patient, options, by, points) | {
        "options": options,
        "title": _("Your face in photos over time") if options.reader == "patient" else _("Facial expression over time"),
        "facts": _facts(shown, points, told),
        "lead": lead,
        "reports": reports,
        "how": how,
        **_drawings(whole, shown, points, events, options, told, further),
        "lines": lines[:LAST_VISITS],
        "all_lines": lines,
        "has_more": len(lines) > LAST_VISITS,
        "names": EXPRESSIONS,
        "scale_names": [scale.title for scale in whole.scales],
        "told_events": [] if options.number else [(event, told.short(event.starts_on), _until(event, told)) for event in events],
        "unused": _unused(patient, shown),
        "baseline": whole.baseline,
    }


def visit_context(patient: Patient, options: ReportOptions, by: User) -> dict[str, object]:
    """Return all that the template of one visit shows."""
    whole = timeline(patient)
    visit = patient.visits.get(pk=options.visit)
    point = point_of(visit)
    told = Telling(whole.drawn[0].date if options.number and whole.drawn else None)
    before = next((each for each in reversed(whole.points) if each.date < visit.date and each.valence is not None), None)
    events = [event for event in whole.events if event.covers(visit.date)]
    return _frame(patient, options, by, [point]) | {
        "options": options,
        "title": _("Visit of %(day)s") % {"day": told.long(visit.date)},
        "facts": _("%(photos)s used") % {"photos": photos_in_words(point)},
        "lead": _visit_lead(point, whole),
        "before": _before(before, told) if before else "",
        "line": _line(whole, point, told),
        "shares": [
            (each.expression, percent(each.mean), _percents(each.interval), bar_drawing(each))
            for each in sorted(point.probabilities, key=lambda each: -each.mean)
        ],
        "totals": [(scale.title, scale.value(whole.reports, visit.pk), scale.most) for scale in whole.scales],
        "told_events": [] if options.number else [(event, told.short(event.starts_on), _until(event, told)) for event in events],
        "unused": _unused(patient, [point]),
        "baseline": whole.baseline,
    }


def _frame(patient: Patient, options: ReportOptions, by: User, points: Sequence[VisitPoint]) -> dict[str, object]:
    """Return what stands in head and foot of every page."""
    versions = list(dict.fromkeys(version for point in points for version in point.model_versions))
    now = timezone.now()
    printed = _("Printed %(day)s, %(time)s, by %(name)s")
    return {
        "who": options.number or patient.name,
        "born": "" if options.number else long_day(patient.birth_date),
        "record": "" if options.number else patient.record_number,
        "models": versions,
        # Who treats the patient, and a day near the last visit, would tell more than the number. The access log has both.
        "printed": ""
        if options.number
        else printed % {"day": long_day(timezone.localtime(now)), "time": clock(now), "name": by.display_name},
    }


def _facts(shown: Sequence[VisitPoint], points: Sequence[VisitPoint], told: Telling) -> str:
    """Return the period and the counts."""
    if not shown:
        return _("No visits in this period")
    first, last = told.long(shown[0].date), told.long(shown[-1].date)
    days = first if first == last else _("%(first)s to %(last)s") % {"first": first, "last": last}
    visits = ngettext("%(n)d visit", "%(n)d visits", len(shown)) % {"n": len(shown)}
    photos = _("%(used)d of %(total)d photos used") % {"used": sum(p.used for p in points), "total": sum(p.total for p in points)}
    return f"{days} · {visits} · {photos}"


def _lead(whole: Timeline, points: Sequence[VisitPoint], told: Telling) -> tuple[str, str]:
    """Return the sentence of the timeline, its dates as they are told here."""
    if not points:
        return _("No visit in this period has photos."), ""
    days = [each.date for each in (*whole.points, *whole.others)]
    return told.retold(whole.sentence.first, days), told.retold(whole.sentence.rest, days)


def _lead_for_patient(whole: Timeline, points: Sequence[VisitPoint], told: Telling) -> tuple[str, str]:
    """Return the last visit in everyday words."""
    after = _("This is about what the photos look like. It does not say how you felt. Ask us whatever is not clear.")
    if not points:
        return _("There are no photos in this period."), after
    last = points[-1]
    facts = {"day": told.long(last.date), "used": last.used, "total": last.total}
    if last.valence is None:
        return _("At your last visit, %(day)s, none of the photos could be used.") % facts, after
    place = whole.baseline.place(last) if whole.baseline else None
    texts = {
        Place.ABOVE: _("At your last visit, %(day)s, you looked happier in the photos than is usual for you."),
        Place.INSIDE: _("At your last visit, %(day)s, you looked in the photos as is usual for you."),
        Place.BELOW: _("At your last visit, %(day)s, you looked less happy in the photos than is usual for you."),
        None: _("At your last visit, %(day)s, we used %(used)d of %(total)d photos. More visits will show what is usual for you."),
    }
    return texts[place] % facts, after


def _visit_lead(point: VisitPoint, whole: Timeline) -> str:
    if point.valence is None:
        return _("None of the photos of this visit counts.")
    facts = {"value": signed(point.valence), "interval": in_words(point.interval)}
    first = (
        _("The valence index was %(value)s, with a 95%% interval of %(interval)s.")
        if point.interval
        else _("The valence index was %(value)s; fewer than three photos count, so there is no interval.")
    ) % facts
    if whole.baseline is None:
        return f"{first} {_('There is no usual range yet.')}"
    facts = {"range": range_in_words(whole.baseline)}
    texts = {
        Place.ABOVE: _("That is above this patient’s usual range of %(range)s."),
        Place.INSIDE: _("That is inside this patient’s usual range of %(range)s."),
        Place.BELOW: _("That is below this patient’s usual range of %(range)s."),
    }
    place = whole.baseline.place(point)
    return f"{first} {texts[place] % facts}" if place else first


def _before(point: VisitPoint, told: Telling) -> str:
    return _("At the visit before, %(day)s, it was %(value)s.") % {"day": told.long(point.date), "value": signed(point.valence)}


def _how(whole: Timeline, options: ReportOptions, told: Telling) -> list[str]:
    """Return how to read the page, a paragraph each."""
    if options.reader == "patient":
        return [
            _(
                "Each dot is a visit. Higher means that the face in the photos looked happier, lower that it looked sadder, more "
                "afraid or angrier. The grey band is what is usual for you."
            ),
            _(
                "A computer program looked at the photos. It can be wrong, and light, tiredness or medication change a face too. "
                "It knows nothing about how you feel."
            ),
        ]
    usual = _("No usual range yet: it needs four visits with photos that count.")
    if whole.baseline:
        words = told.retold(whole.baseline_in_words, [point.date for point in whole.points])
        usual = f"{words} {_('A ring means “outside that range”, not “better” or “worse”.')}"
    return [
        _("The valence index is happy minus angry, disgust, fear and sad, from −1 to 1, averaged over the photos of a visit."),
        usual,
        _(
            "The model estimates what people would see in a face, not what someone feels. "
            "Light, medication and dental work change faces too."
        ),
    ]


def _reports_in_words(whole: Timeline, shown: Sequence[VisitPoint]) -> str:
    """Return how PHQ-9 and GAD-7 went from the first answer to the last."""
    parts = []
    for scale in whole.scales:
        values = [value for point in shown if (value := scale.value(whole.reports, point.visit_id)) is not None]
        if scale.name != "mood" and len(values) > 1:
            facts = {"scale": scale.title, "first": values[0], "last": values[-1]}
            is_same = values[0] == values[-1]
            words = _("%(scale)s is %(last)d, as at first.") if is_same else _("%(scale)s went from %(first)d to %(last)d.")
            parts.append(words % facts)
    return " ".join(parts)


def _drawings(
    whole: Timeline,
    shown: Sequence[VisitPoint],
    points: Sequence[VisitPoint],
    events: Sequence[Event],
    options: ReportOptions,
    told: Telling,
    further: int,
) -> dict[str, object]:
    """Return the drawings; empty where there is nothing to draw. What a missing row leaves goes to the valence index."""
    scales = [scale for scale in whole.scales if any(scale.value(whole.reports, p.visit_id) is not None for p in shown)]
    drawings: dict[str, object] = {"valence": None, "expressions": None, "scales": []}
    if not shown:
        return drawings
    height, tall = HEIGHTS[options.paper]
    lanes = len({event.lane for event in events})
    height += LANE_PX * (LANES - lanes) + (0 if lanes else 20) + (0 if scales else SCALES_PX) - further
    axis = Axis.over([point.date for point in shown], told.day_zero)
    ends: tuple[str, str] = (told.short(shown[0].date), told.short(shown[-1].date))
    made: list[Drawing] = [scale_drawing(scale, shown, whole.reports, axis, ends) for scale in scales]
    drawings["scales"] = made
    if any(point.used for point in points):
        drawings["valence"] = valence_drawing(
            points, whole.baseline, events, axis, max(height, LEAST_HEIGHT), names_events=not options.number
        )
        drawings["expressions"] = expression_drawing(points, axis, tall)
    return drawings


def _line(whole: Timeline, point: VisitPoint, told: Telling) -> Line:
    totals = [scale.value(whole.reports, point.visit_id) for scale in whole.scales]
    return Line(
        day=told.short(point.date),
        used=_("%(used)d of %(total)d") % {"used": point.used, "total": point.total} if point.total else "–",
        valence=signed(point.valence),
        interval=in_words(point.interval) if point.interval else "–",
        place=_place(whole, point),
        top=[(each.expression, percent(each.mean)) for each in point.top],
        shares=[percent(each.mean) for each in point.probabilities] or ["–"] * 7,
        totals=["–" if total is None else str(total) for total in totals],
    )


def _place(whole: Timeline, point: VisitPoint) -> str:
    """Return where the visit lies, in one word; a dash without a usual range or a mean."""
    place = whole.baseline.place(point) if whole.baseline else None
    words = {Place.BELOW: _("below"), Place.INSIDE: _("inside"), Place.ABOVE: _("above")}
    return words[place] if place else "–"


def _unused(patient: Patient, shown: Sequence[VisitPoint]) -> list[tuple[str, int]]:
    """Return why photos of these visits do not count, most frequent first."""
    words: Counter[str] = Counter()
    photos = Photo.objects.filter(visit__in=[point.visit_id for point in shown], visit__patient=patient).with_predictions()
    for photo in photos:
        if not photo.is_used:
            words[_why_unused(photo)] += 1
    return words.most_common()


def _why_unused(photo: Photo) -> str:
    """Return why a photo does not count."""
    read = photo.prediction
    if photo.excluded_at is not None:
        return _("excluded by a clinician")
    if read is None or not read.is_final:
        return _("not analysed yet")
    if read.state == Prediction.State.CHOOSE_FACE:
        return _("several faces, none chosen")
    if read.state == Prediction.State.DONE:
        return _("too close to call")
    return str(refusal(read.reason or read.state).title)


def _touches(event: Event, shown: Sequence[VisitPoint]) -> bool:
    """Whether the event touches the days from the first to the last visit."""
    if not shown:
        return False
    end = event.ends_on or (date.max if event.goes_on else event.starts_on)
    return event.starts_on <= shown[-1].date and end >= shown[0].date


def _until(event: Event, told: Telling) -> str:
    if event.goes_on:
        return _("goes on")
    return told.short(event.ends_on) if event.ends_on else ""


def _percents(interval: Interval | None) -> str:
    if interval is None:
        return "–"
    return _("%(low)s to %(high)s") % {"low": percent(interval.low), "high": percent(interval.high)}


CONTEXTS: dict[bool, Callable[[Patient, ReportOptions, User], dict[str, object]]] = {False: report_context, True: visit_context}
"""What is shown of the record (False) and of one visit (True)."""
