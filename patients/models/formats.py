"""How numbers, days and times are written, and what day it is where the clinic is.

Visits, consents and births have their days in the zone of the clinic; clock times are told in the zone of the reader.
"""

from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from math import floor

import numpy as np
from django.utils import timezone
from django.utils.formats import date_format, get_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from ml.cells import EXPORTED_PLACES, TOLERANCE

MINUS = "\u2212"


def clinic_today() -> date:
    """Return the day in the clinic's zone. A reader who set another zone sees clock times in theirs, but days do not move."""
    return timezone.localdate(timezone=timezone.get_default_timezone())


def rounded(value: float, places: int = 2) -> float:
    """Return the number as it is printed everywhere; halves go away from zero.

    It is first rounded as the CSV files hold it, so that a reader who rounds their numbers finds those of the pages. Differences
    are taken of rounded numbers.
    """
    first = max(places, EXPORTED_PLACES)
    step = 10 ** (first - places)
    exported = floor(abs(value) * 10**first + 0.5 + TOLERANCE)
    size: float = (exported + step // 2) // step / 10**places
    return -size if value < 0 < size else size


def rounded_all(values: Sequence[float]) -> list[float]:
    """Return what `rounded` returns for each of thousands of numbers, with two decimals, in a fifth of the time."""
    exported = np.floor(np.abs(np.asarray(values, dtype=np.float64)) * 10**EXPORTED_PLACES + 0.5 + TOLERANCE)
    step = 10 ** (EXPORTED_PLACES - 2)
    size = (exported + step // 2) // step / 100
    found: list[float] = np.where(np.less(values, 0) & (size > 0), -size, size).tolist()
    return found


def hundredths(share: float) -> int:
    """Return a share or a difference of shares in whole percent."""
    return round(rounded(share) * 100)


def signed(value: object, places: int = 2) -> str:
    """Return the number with a true minus sign and without a negative zero; a dash for anything else."""
    if not isinstance(value, int | float):
        return "–"
    number = rounded(value, places)
    return f"{MINUS if number < 0 else ''}{decimal(abs(number), places)}"


def decimal(value: float, places: int) -> str:
    """Return the number with the reader's decimal separator."""
    return f"{rounded(value, places):.{places}f}".replace(".", get_format("DECIMAL_SEPARATOR"))


def points(share: float) -> str:
    """Return a difference of shares as "12 points", in hundredths."""
    whole = hundredths(share)
    return ngettext("%(n)s point", "%(n)s points", whole) % {"n": whole}


def percent(share: float | None) -> str:
    """Return a share in [0, 1] as "71%", "<1%" for less than half a percent, a dash for None."""
    if share is None:
        return "–"
    whole = hundredths(share)
    return _("<1%") if whole < 1 else in_percent(whole)


def of_hundred(share: float) -> str:
    """Return a share of things that were counted: 0 of 12 is "0%"."""
    return in_percent(hundredths(share))


def in_percent(number: object) -> str:
    """Return a number with the percent sign as the reader's language sets it: "71%", in German "71 %"."""
    return _("%(number)s%%") % {"number": number}


def with_unit(number: str, unit: str) -> str:
    """Return a number with its unit: "%" as the language sets it, any other as it is."""
    return in_percent(number) if unit == "%" else f"{number}{unit}"


def day(value: date | None) -> str:
    """Return "20 Nov 2026" in the reader's zone, empty for None."""
    return _written(value, "SHORT_DATE_FORMAT")


def long_day(value: date | None) -> str:
    """Return "20 November 2026" in the reader's zone, empty for None."""
    return _written(value, "DATE_FORMAT")


def named_day(value: date) -> str:
    """Return "Today, 20 November 2026" or "Friday, 20 November 2026"."""
    name = _("Today") if value == timezone.localdate() else date_format(value, "l")
    return f"{name}, {long_day(value)}"


def short_day(value: date | None) -> str:
    """Return "20 Nov" in the reader's zone, empty for None."""
    return _written(value, "MONTH_DAY_FORMAT")


def clock(value: datetime | None) -> str:
    """Return "09:44" in the reader's zone, empty for None."""
    return _written(value, "TIME_FORMAT")


def ago(value: date) -> str:
    """Return how long ago a day was: "today", "yesterday", "3 days ago", "2 weeks ago"."""
    days = (clinic_today() - value).days
    if days <= 0:
        return _("today") if days == 0 else _("to come")
    if days == 1:
        return _("yesterday")
    return _long_ago(days)


def age(born: date) -> int:
    """Return the age in whole years today."""
    today = clinic_today()
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def _written(value: date | None, form: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, datetime):
        return _day_written(value, form, get_language())
    if timezone.is_aware(value):  # a clock without a zone is told as it is
        value = timezone.localtime(value)
    return date_format(value, form)


@lru_cache(maxsize=10_000)  # a page of hundreds of visits has each day several times
def _day_written(value: date, form: str, _language: str | None) -> str:
    """Return the day in the language that is active, which `_language` names."""
    return date_format(value, form)


def _long_ago(days: int) -> str:
    for size, form in ((365, _("%(n)d years ago")), (30, _("%(n)d months ago")), (7, _("%(n)d weeks ago"))):
        if days >= 2 * size:
            return form % {"n": days // size}
    return _("%(n)d days ago") % {"n": days}
