"""How numbers and texts stand in the cells of CSV files, which people open in spreadsheets."""

import re
from functools import cache
from math import floor

EXPORTED_PLACES = 4  # decimals of a number in the CSV files
TOLERANCE = 1e-6  # a half that a binary fraction misses by less than this is a half: 0.285 is 0.28499999999999998
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
"""The characters that start a formula in a spreadsheet, full-width ones included."""


@cache
def _after_a_separator(separator: str) -> re.Pattern[str]:
    """Return what finds the start of a formula where a spreadsheet of another language begins a new cell.

    It splits cells at its own separator, whatever our quotes say.
    """
    foreign = ",;".replace(separator, "")
    return re.compile(rf'([{foreign}\t\r\n][\s"]*)([=+\-@＝＋－＠])')


def safe_text(text: str, separator: str = ",") -> str:
    """Return text for a cell: what a spreadsheet would run as a formula gets an apostrophe before it."""
    text = _after_a_separator(separator).sub(r"\1'\2", text)
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def decimal_text(value: float) -> str:
    """Return the number with four decimals and a point; halves go away from zero, and there is no negative zero."""
    steps = floor(abs(value) * 10**EXPORTED_PLACES + 0.5 + TOLERANCE)
    return f"{'-' if value < 0 < steps else ''}{steps / 10**EXPORTED_PLACES:.{EXPORTED_PLACES}f}"
