"""How a CSV file is written: for spreadsheets of a language, or for programs."""

from dataclasses import dataclass

from django.utils.formats import get_format
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True)
class Dialect:
    """Separator and decimal sign of a file. With a byte-order mark, spreadsheets read it as UTF-8 without asking."""

    name: str
    separator: str
    decimal: str
    words: str | Promise
    has_bom: bool = True


PROGRAMS = Dialect("plain", ",", ".", "", has_bom=False)
"""For programs: always the same, whatever language someone reads."""
COMMA = Dialect("comma", ",", ".", _("commas, 0.5"))
SEMICOLON = Dialect("semicolon", ";", ",", _("semicolons, 0,5"))


def spreadsheet_dialects() -> tuple[Dialect, Dialect]:
    """Return the dialect of the reader's language, and the other one. Where 0.5 is written 0,5 cells stand between semicolons."""
    return (SEMICOLON, COMMA) if get_format("DECIMAL_SEPARATOR") == "," else (COMMA, SEMICOLON)


def dialect(name: str) -> Dialect:
    """Return the dialect of that name, else that of the reader's language."""
    own, other = spreadsheet_dialects()
    return other if name == other.name else own
