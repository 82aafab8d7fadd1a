"""How numbers, days and signs are written on a page. The drawings themselves are templates."""

from django import template
from django.contrib.humanize.templatetags.humanize import apnumber, ordinal
from django.forms import BoundField
from django.utils.safestring import SafeString

from patients import formats
from patients.readings.help import ANSWERS
from patients.readings.model_card import written

register = template.Library()
register.filter("ordinal", ordinal)
register.filter("in_words", apnumber)
register.filter("signed", formats.signed)
register.filter("points", formats.points)
register.filter("percent", formats.percent)
register.filter("of_hundred", formats.of_hundred)
register.filter("day", formats.day)
register.filter("long_day", formats.long_day)
register.filter("short_day", formats.short_day)
register.filter("clock", formats.clock)
register.filter("ago", formats.ago)
register.filter("age", formats.age)
register.filter("written", written)


@register.inclusion_tag("_icon.html")
def icon(name: str, extra: str = "") -> dict[str, str]:
    """Return what the icon template needs. An icon never stands without words, except back, next, theme and more."""
    return {"name": name, "extra": extra}


@register.inclusion_tag("_mark.html")
def mark(expression: str) -> dict[str, str]:
    """Return what the mark of one expression needs: one shape and one colour each, everywhere."""
    return {"name": expression}


@register.inclusion_tag("_help.html")
def why(name: str) -> dict[str, object]:
    """Return what a small question mark with its answer needs. `name` is one of patients.readings.help.ANSWERS; once per page."""
    return {"name": name, "help": ANSWERS[name]}


@register.filter
def bar_width(share: float) -> str:
    """Return a share in [0, 1] as the width of its bar: never so thin that it vanishes."""
    return f"{max(share * 100, 0.8):.1f}%"


@register.filter
def along(share: float) -> str:
    """Return where a share in [0, 1] lies on the axis of a glyph 132 wide."""
    return f"{4 + 124 * share:.1f}"


@register.filter
def as_input(field: BoundField, large: bool = False) -> SafeString:
    """Return the field's widget drawn as one of our inputs."""
    drawn = field.as_widget(attrs={"class": "input input--l" if large else "input"})
    return drawn + field.as_hidden(attrs={"autocomplete": "off"}, only_initial=True) if field.field.show_hidden_initial else drawn
