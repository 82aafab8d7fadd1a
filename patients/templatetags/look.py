"""How numbers, days and signs are written on a page. The drawings themselves are templates."""

from datetime import date, datetime

from django import template
from django.contrib.humanize.templatetags.humanize import apnumber, ordinal
from django.forms import BoundField
from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.help import ANSWERS
from patients.today import clinic_today

register = template.Library()
register.filter("ordinal", ordinal)
register.filter("in_words", apnumber)

MINUS = "\u2212"


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
    """Return what a small question mark with its answer needs. `name` is one of patients.help.ANSWERS; once per page."""
    return {"name": name, "help": ANSWERS[name]}


@register.filter
def signed(value: object, places: int = 2) -> str:
    """Return the number with a true minus sign and without a negative zero; a dash for anything else."""
    if not isinstance(value, int | float):
        return "–"
    text = f"{abs(value):.{places}f}"
    written = decimal(abs(value), places)
    return MINUS + written if value < 0 and float(text) else written


def decimal(value: float, places: int) -> str:
    """Return the number with the reader's decimal separator."""
    return f"{value:.{places}f}".replace(".", get_format("DECIMAL_SEPARATOR"))


@register.filter
def points(share: float) -> str:
    """Return a difference of shares as "12 points", in hundredths."""
    whole = round(share * 100)
    return ngettext("%(n)s point", "%(n)s points", whole) % {"n": whole}


@register.filter
def percent(share: float | None) -> str:
    """Return a share in [0, 1] as "71 %", "under 1 %" for less than half a percent, a dash for None."""
    if share is None:
        return "–"
    whole = round(share * 100)
    return _("under 1 %") if whole < 1 else f"{whole} %"


@register.filter
def of_hundred(share: float) -> str:
    """Return a share of things that were counted: 0 of 12 is "0 %"."""
    return f"{round(share * 100)} %"


@register.filter
def bar_width(share: float) -> str:
    """Return a share in [0, 1] as the width of its bar: never so thin that it vanishes."""
    return f"{max(share * 100, 0.8):.1f}%"


@register.filter
def along(share: float) -> str:
    """Return where a share in [0, 1] lies on the axis of a glyph 132 wide."""
    return f"{4 + 124 * share:.1f}"


@register.filter
def day(value: date | None) -> str:
    """Return "20 Nov 2026" in the reader's zone, empty for None."""
    return _written(value, "SHORT_DATE_FORMAT")


@register.filter
def long_day(value: date | None) -> str:
    """Return "20 November 2026" in the reader's zone, empty for None."""
    return _written(value, "DATE_FORMAT")


@register.filter
def short_day(value: date | None) -> str:
    """Return "20 Nov" in the reader's zone, empty for None."""
    return _written(value, "MONTH_DAY_FORMAT")


@register.filter
def clock(value: datetime | None) -> str:
    """Return "09:44" in the reader's zone, empty for None."""
    return _written(value, "TIME_FORMAT")


@register.filter
def ago(value: date) -> str:
    """Return how long ago a day was: "today", "yesterday", "3 days ago", "2 weeks ago"."""
    days = (clinic_today() - value).days
    if days <= 0:
        return _("today") if days == 0 else _("to come")
    if days == 1:
        return _("yesterday")
    return _long_ago(days)


@register.filter
def age(born: date) -> int:
    """Return the age in whole years today."""
    today = clinic_today()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


@register.filter
def as_input(field: BoundField, large: bool = False) -> SafeString:
    """Return the field's widget drawn as one of our inputs."""
    drawn = field.as_widget(attrs={"class": "input input--l" if large else "input"})
    return drawn + field.as_hidden(attrs={"autocomplete": "off"}, only_initial=True) if field.field.show_hidden_initial else drawn


def _written(value: date | None, form: str) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime) and timezone.is_aware(value):  # a clock without a zone is told as it is
        value = timezone.localtime(value)
    return date_format(value, form)


def _long_ago(days: int) -> str:
    for size, form in ((365, _("%(n)d years ago")), (30, _("%(n)d months ago")), (7, _("%(n)d weeks ago"))):
        if days >= 2 * size:
            return form % {"n": days // size}
    return _("%(n)d days ago") % {"n": days}
