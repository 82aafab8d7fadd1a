"""Template tags and filters: numbers, dates, icons and marks."""

from collections.abc import Iterable
from functools import lru_cache
from urllib.parse import urlsplit

from django import template
from django.contrib.humanize.templatetags.humanize import apnumber
from django.forms import BoundField
from django.template.loader import render_to_string
from django.urls import Resolver404, resolve
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from patients.accounts.browsers import browser_and_system
from patients.models import Team, User, formats
from patients.models.names import by_name
from patients.readings.help import ANSWERS
from patients.readings.model_card import written

register = template.Library()
register.filter("in_words", apnumber)
register.filter("signed", formats.signed)
register.filter("points", formats.points)
register.filter("percent", formats.percent)
register.filter("of_hundred", formats.of_hundred)
register.filter("day", formats.day)
register.filter("long_day", formats.long_day)
register.filter("named_day", formats.named_day)
register.filter("short_day", formats.short_day)
register.filter("clock", formats.clock)
register.filter("ago", formats.ago)
register.filter("age", formats.age)
register.filter("written", written)


@register.filter
def in_order(carers: Iterable[User | Team]) -> list[User | Team]:
    """Return people or teams in the order of their names."""
    return by_name(carers, lambda carer: carer.display_name if isinstance(carer, User) else carer.name)


@register.simple_tag
@lru_cache(maxsize=500)  # a page of hundreds of rows has hundreds
def icon(name: str, extra: str = "") -> SafeString:
    """Return an icon. Icons have a text beside them, except back, next, theme and more."""
    return render_to_string("_icon.html", {"name": name, "extra": extra})


@register.simple_tag
@lru_cache(maxsize=20)
def mark(expression: str) -> SafeString:
    """Return an expression's mark. Each has one shape and one colour on all pages."""
    return render_to_string("_mark.html", {"name": expression})


@register.inclusion_tag("_help.html")
def why(name: str) -> dict[str, object]:
    """Return the context of a question mark and its answer. `name` is a key of patients.readings.help.ANSWERS; once per page."""
    return {"name": name, "help": ANSWERS[name]}


@register.filter
def purpose_of_page(address: str) -> str:
    """Return what the page at `address` is for, as the question for the password names it; empty where that needs no words."""
    try:
        name = resolve(urlsplit(address).path).url_name or ""
    except Resolver404:
        return ""
    return "two-factor" if name.startswith("mfa_") else "emergency" if name == "emergency" else ""


@register.filter
def browser_in_words(user_agent: str) -> str:
    """Return "Firefox on Windows" and the like."""
    browser, system = browser_and_system(user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")


@register.filter
def bar_width(share: float) -> str:
    """Return the width of the bar of a share in [0, 1]; small ones stay visible."""
    return f"{max(share * 100, 0.8):.1f}%"


@register.filter
def along(share: float) -> str:
    """Return the x of a share in [0, 1] in a glyph 132 wide."""
    return f"{4 + 124 * share:.1f}"


@register.filter
def as_input(field: BoundField, large: bool = False) -> SafeString:
    """Return the field's widget with our input class, and without a placeholder: the label says it, and stays."""
    field.field.widget.attrs.pop("placeholder", None)
    return field.as_widget(attrs={"class": "input input--l" if large else "input"})


@register.simple_block_tag
def wide_table(content: SafeString, label: str) -> SafeString:
    """Return a table in a region that scrolls sideways, also by keyboard. `label` names it for a screen reader."""
    return render_to_string("_wide_table.html", {"content": content, "label": label})
