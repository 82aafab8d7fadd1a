"""Days as people type them where the browser has no date field: read in one way only, or asked back."""

import re
from collections.abc import Iterator
from datetime import date
from functools import lru_cache
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.dates import MONTHS, MONTHS_3, MONTHS_AP
from django.utils.formats import get_format
from django.utils.translation import get_language, override
from django.utils.translation import gettext_lazy as _

from patients.forms.widgets import DateInput
from patients.models.formats import day
from patients.models.identifiers import canonical_number
from patients.models.names import folded

MOST_LETTERS = 60
OF = re.compile(r"\bde\b")  # Spanish: 4 de marzo de 1980
EXAMPLE = date(1980, 3, 4)
YEAR_FIRST = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
YEAR_LAST = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4})")
DAY_AND_NAME = re.compile(r"(\d{1,2})(?:st|nd|rd|th|er|\.)?([^\W\d]+)[.,]*(\d{4})")
NAME_AND_DAY = re.compile(r"([^\W\d]+)\.?(\d{1,2})(?:st|nd|rd|th)?,?(\d{4})")


class DayField(forms.DateField):
    """A day as browsers send it ("1980-03-04"), as pages write it ("4 Mar 1980"), or in figures that mean one day only.

    Where the language writes "04.03.1980" for 4 March, that is what it means. "03/04/1980" in English may be either of two days:
    the form comes back and asks.
    """

    widget = DateInput

    def to_python(self, value: Any) -> date | None:  # Any: Django's own signature
        """Return the day, None for an empty field. Raises ValidationError for what is none, or one of two."""
        if not isinstance(value, str) or not value.strip():
            return super().to_python(value)
        days = sorted(set(_days_in(value))) if len(value) <= MOST_LETTERS else []
        if len(days) == 2:
            one, other = map(day, days)
            raise ValidationError(
                _("Is this %(one)s or %(other)s? Write the month as a word.") % {"one": one, "other": other}, code="two_days"
            )
        if not days:
            examples = {"day": day(EXAMPLE), "iso": EXAMPLE.isoformat()}
            raise ValidationError(_("Enter the date like this: %(day)s or %(iso)s.") % examples, code="invalid")
        return days[0]


def _days_in(text: str) -> Iterator[date]:
    """Yield each day that the text can mean."""
    typed = canonical_number(OF.sub("", text.lower()))  # no spaces, plain digits and hyphens, small letters
    for year, month, number in _readings(typed):
        try:
            yield date(int(year), int(month), int(number))
        except ValueError:  # there is no such day
            continue


def _readings(typed: str) -> Iterator[tuple[str | int, str | int, str]]:
    """Yield year, month and day of each way to read the text."""
    if found := YEAR_FIRST.fullmatch(typed):
        yield found[1], found[3], found[4]
    elif found := YEAR_LAST.fullmatch(typed):
        first, sign, second, year = found.groups()
        yield year, second, first
        if f"%d{sign}%m{sign}%Y" not in get_format("DATE_INPUT_FORMATS"):
            yield year, first, second
    elif found := DAY_AND_NAME.fullmatch(typed):
        yield found[3], _month(found[2]), found[1]
    elif found := NAME_AND_DAY.fullmatch(typed):
        yield found[3], _month(found[1]), found[2]


def _month(name: str) -> int:
    """Return the number of the month with this name in the page's language or in English; 0 for none."""
    return _month_names(get_language() or "en").get(folded(name), _month_names("en").get(folded(name), 0))


@lru_cache
def _month_names(language: str) -> dict[str, int]:
    """Return the numbers of the months by their names, long and short."""
    with override(language):
        names = [(str(name), number) for names in (MONTHS, MONTHS_3, MONTHS_AP) for number, name in names.items()]
    return {folded(name).replace(".", ""): number for name, number in names}
