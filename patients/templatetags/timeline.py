"""How a change is written."""

from django import template

from patients.templatetags.look import MINUS

register = template.Library()


@register.filter
def in_points(change: float) -> str:
    """Return a change of a share in whole percentage points with its sign: "+12", "−3", "0"."""
    whole = round(abs(change) * 100)
    if whole == 0:
        return "0"
    return f"{MINUS if change < 0 else '+'}{whole}"
