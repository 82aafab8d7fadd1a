"""The summary above the figure: one sentence, then its qualifications. It says what photos resemble, not what a person feels."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from patients.models.formats import day, long_day, rounded, signed
from patients.timeline.baseline import LEAST_VISITS, Baseline, Place, chosen_that_count
from patients.timeline.breaks import runs
from patients.timeline.interval import Interval
from patients.timeline.points import VisitPoint

LEAST_RUN = 3
LEAST_NAMED = 0.1  # a second expression with a smaller share is not named
_OPENINGS = {
    None: gettext_lazy("At the last visit, %(day)s, the valence index was %(value)s (%(basis)s)."),
    Place.BELOW: gettext_lazy(
        "At the last visit, %(day)s, the valence index was %(value)s (%(basis)s), below this patient’s usual range of %(range)s."
    ),
    Place.INSIDE: gettext_lazy(
        "At the last visit, %(day)s, the valence index was %(value)s (%(basis)s), inside this patient’s usual range of %(range)s."
    ),
    Place.ABOVE: gettext_lazy(
        "At the last visit, %(day)s, the valence index was %(value)s (%(basis)s), above this patient’s usual range of %(range)s."
    ),
}


_PLACES = {
    Place.BELOW: gettext_lazy("below usual range"),
    Place.INSIDE: gettext_lazy("in usual range"),
    Place.ABOVE: gettext_lazy("above usual range"),
}


@dataclass(frozen=True)
class Sentence:
    """The summary. `first` is complete by itself and set in bold; `rest` qualifies it and may be empty."""

    first: str
    rest: str

    def __str__(self) -> str:
        return f"{self.first} {self.rest}".strip()


def sentence(points: Sequence[VisitPoint], baseline: Baseline | None, since: Sequence[date] = ()) -> Sentence:
    """Summarise the last visit with photos: index, interval, photos, position relative to the baseline, expression, direction.

    `since` are the days of later visits, none of which has photos.
    """
    if not points:
        return Sentence(_("No visit has photos yet."), "")
    last = points[-1]
    if last.valence is None:
        return _without_value(points, since)
    rest = [_since(since), too_few_chosen(points) or _reach(last, baseline), _expression(last), _direction(points)]
    return Sentence(_opening(last, baseline), " ".join(part for part in rest if part))


def in_words(interval: Interval | None) -> str:
    """Return "−0.77 to −0.06", or "no interval"."""
    if interval is None:
        return _("no interval")
    return _("%(low)s to %(high)s") % {"low": signed(interval.low), "high": signed(interval.high)}


def range_in_words(baseline: Baseline) -> str:
    """Return the limits of the baseline, as in "−0.34 to 0.27"."""
    return in_words(Interval(*baseline.on_scale))


def place_in_words(point: VisitPoint, baseline: Baseline | None) -> str:
    """Return "below usual range" and the like; "no usual range yet" without a baseline, empty for a visit without a mean."""
    place = baseline.place(point) if baseline else None
    if place is None:
        return _("no usual range yet") if baseline is None else ""
    return str(_PLACES[place])


def too_few_chosen(points: Sequence[VisitPoint]) -> str:
    """Return a sentence when a clinician chose baseline visits and too few of them count; otherwise empty."""
    count = chosen_that_count(points)
    if count is None or count >= LEAST_VISITS:
        return ""
    text = (
        ngettext(
            "Only %(n)d of the chosen baseline visits still has photos that count; a usual range needs %(least)s.",
            "Only %(n)d of the chosen baseline visits still have photos that count; a usual range needs %(least)s.",
            count,
        )
        if count
        else _("None of the chosen baseline visits has photos that count any more; a usual range needs %(least)s.")
    )
    return text % {"n": count, "least": count_in_words(LEAST_VISITS)}


def photos_in_words(point: VisitPoint) -> str:
    """Return how many photos count, as in "7 of 15 photos"."""
    return ngettext("%(used)d of %(total)d photo", "%(used)d of %(total)d photos", point.total) % {
        "used": point.used,
        "total": point.total,
    }


def _opening(last: VisitPoint, baseline: Baseline | None) -> str:
    facts = {
        "day": long_day(last.date),
        "value": signed(last.valence),
        "basis": _basis(last),
        "range": range_in_words(baseline) if baseline else "",
    }
    return _OPENINGS[baseline.place(last) if baseline else None] % facts


def _since(days: Sequence[date]) -> str:
    """Return a sentence about the later visits without photos; empty when there are none."""
    if not days:
        return ""
    text = ngettext(
        "The later visit on %(day)s has no photos.", "%(n)d later visits have no photos, the last on %(day)s.", len(days)
    )
    return text % {"n": len(days), "day": day(max(days))}


def _basis(point: VisitPoint) -> str:
    """Return what the index is based on, as in "95% interval −0.77 to −0.06; 7 of 15 photos used so far"."""
    counts = {"photos": photos_in_words(point)}
    used = (_("%(photos)s used so far") if point.unfinished else _("%(photos)s used")) % counts
    if point.interval is None:
        return _("no interval with fewer than three photos; %(used)s") % {"used": used}
    return _("95%% interval %(interval)s; %(used)s") % {"interval": in_words(point.interval), "used": used}


def _reach(point: VisitPoint, baseline: Baseline | None) -> str:
    """Return how the interval and the number of baseline visits qualify the statement; may be empty."""
    if baseline is None:
        return _("A usual range needs %(n)s visits with photos that count.") % {"n": count_in_words(LEAST_VISITS)}
    parts = []
    place = baseline.place(point)
    if place is not Place.INSIDE and point.interval:
        if baseline.is_reached_by(point.interval):
            parts.append(_("The interval still reaches into that range."))
        else:
            parts.append(_("The interval lies above it too.") if place is Place.ABOVE else _("The interval lies below it too."))
    if baseline.is_provisional:
        parts.append(_("The range is provisional, based on %(n)s visits.") % {"n": count_in_words(baseline.n)})
    return " ".join(parts)


def _expression(point: VisitPoint) -> str:
    first, second = point.top
    names = {"first": _(first.expression), "second": _(second.expression)}
    if rounded(second.mean) < LEAST_NAMED:
        return _("On average the photos most resembled %(first)s.") % names
    return _("On average the photos most resembled %(first)s, then %(second)s.") % names


def _direction(points: Sequence[VisitPoint]) -> str:
    """Return how many visits in a row went the same way, by one model and without a long gap; empty below three."""
    values = [rounded(point.valence) for point in runs(points)[-1] if point.valence is not None]
    steps = [after - before for before, after in pairwise(values)]
    falling, rising = _last_streak([step < 0 for step in steps]), _last_streak([step > 0 for step in steps])
    count = {"n": count_in_words(max(falling, rising))}
    if falling >= LEAST_RUN:
        return _("The index was lower at each of the last %(n)s visits than at the one before.") % count
    if rising >= LEAST_RUN:
        return _("The index was higher at each of the last %(n)s visits than at the one before.") % count
    return ""


def _last_streak(facts: Sequence[bool]) -> int:
    """Return how many facts at the end are true without a break."""
    length = 0
    for fact in reversed(facts):
        if not fact:
            break
        length += 1
    return length


def count_in_words(number: int) -> str:
    """Return a number from 2 to 10 as a word, any other in figures."""
    numerals = {
        2: _("two"),
        3: _("three"),
        4: _("four"),
        5: _("five"),
        6: _("six"),
        7: _("seven"),
        8: _("eight"),
        9: _("nine"),
        10: _("ten"),
    }
    return numerals.get(number, str(number))


def _without_value(points: Sequence[VisitPoint], since: Sequence[date]) -> Sentence:
    """Summarise a last visit of which no photo counts, with the later visits and the last one before it that has a mean."""
    last = points[-1]
    facts = {"day": long_day(last.date), "total": last.total}
    text = ngettext(
        "At the last visit, %(day)s, %(total)d photo was taken and none counts yet.",
        "At the last visit, %(day)s, %(total)d photos were taken and none counts yet.",
        last.total,
    )
    before = next((point for point in reversed(points) if point.valence is not None), None)
    rest = [_since(since)]
    if before:
        earlier = _("The last visit before it with photos that count was %(day)s: valence index %(value)s.")
        rest.append(earlier % {"day": long_day(before.date), "value": signed(before.valence)})
    return Sentence(text % facts, " ".join(part for part in rest if part))
