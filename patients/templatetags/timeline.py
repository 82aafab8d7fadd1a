"""Filters for changes and intervals of probabilities, and the rows of the table of visits."""

from collections.abc import Iterable
from functools import lru_cache
from html import escape

from django import template
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from patients.models.formats import MINUS, hundredths, percent, rounded, signed
from patients.timeline.interval import Interval
from patients.timeline.visit_rows import Shape, VisitRow

register = template.Library()
EDGE = "\x1f"
"""Stands before and after the name of a text in an empty row: no text that we show has it."""
TEXTS = ("href", "day", "name", "used", "of_total", "valence", "basis", "mean", "mood")


@register.simple_tag
def visit_row(row: VisitRow) -> SafeString:
    """Return a row of the table of visits. Rows of one shape are rendered once and then filled: in a third of the time."""
    texts = row.texts | (row.glyph.places if row.glyph else {})
    pieces = _empty_row(row.shape, get_language())
    filled = [escape(texts[piece]) if place % 2 else piece for place, piece in enumerate(pieces)]
    return mark_safe("".join(filled))  # nosec B308 B703  # what is not the template's own is escaped


@lru_cache(maxsize=1000)
def _empty_row(shape: Shape, _language: str | None) -> list[str]:
    """Return the row without its texts: at odd places stands the name of what comes there."""
    context = {
        "row": _names(TEXTS),
        "shape": shape,
        "glyph": shape.glyph and {"drawn": shape.glyph.drawn | _names(shape.glyph.places)},
    }
    return render_to_string("patients/_visit_row.html", context).split(EDGE)


def _names(names: Iterable[str]) -> dict[str, str]:
    return {name: f"{EDGE}{name}{EDGE}" for name in names}


@register.filter
def in_points(change: float) -> str:
    """Return a change in whole percentage points with its sign: "+12", "−3", "0"."""
    whole = hundredths(change)
    if whole == 0:
        return "0"
    return f"{MINUS if whole < 0 else '+'}{abs(whole)}"


@register.filter
def in_index(change: float) -> str:
    """Return a change of the valence index with its sign: "+0.30", "−0.03", "0.00"."""
    return f"+{signed(change)}" if rounded(change) > 0 else signed(change)


@register.filter
def percents(interval: Interval) -> str:
    """Return an interval as "3% to 97%", or "<1%" if both ends are."""
    low, high = percent(interval.low), percent(interval.high)
    return high if hundredths(interval.high) < 1 else _("%(low)s to %(high)s") % {"low": low, "high": high}
