"""Filters for changes and intervals of probabilities."""

from django import template
from django.utils.translation import gettext as _

from patients.models.formats import MINUS, hundredths, percent, rounded, signed
from patients.timeline.interval import Interval

register = template.Library()


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
