"""Characters that are invisible or look alike on screen."""

import unicodedata

INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u180b\u180c\u180d\u180f")
"""Invisible letters and marks: joiners, fillers, the blank Braille cell, Mongolian variation selectors."""
TURNS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks that turn the direction of writing, of what follows them too."""
DASHES = frozenset("\u02d7\u2043\u2212\u2500\u2501\u2796\u23af\u2052")
"""Minus signs, bullets and lines that are typed for a hyphen, beside those that Unicode calls dashes."""
APOSTROPHES = frozenset("'`´‘’‚‛′‵＇ʹʻʼʽʾʿˈˊˋ՚׳ꞌ\"“”„‟″«»‹›״")


def is_ignorable(letter: str) -> bool:
    """Whether the character cannot be seen and is no space: zero-width, byte-order and bidi marks, soft hyphens, controls."""
    if letter.isspace():
        return False
    if unicodedata.category(letter) in {"Cf", "Cc", "Cs"} or letter in INVISIBLE:
        return True
    return "\ufe00" <= letter <= "\ufe0f" or "\U000e0100" <= letter <= "\U000e01ef"  # variation selectors


def is_dash(letter: str) -> bool:
    """Whether the character is a hyphen, a dash of any length, or a minus sign."""
    return unicodedata.category(letter) == "Pd" or letter in DASHES


def trimmed(text: str) -> str:
    """Return the text without spaces and invisible characters at its ends."""
    first = next((at for at, letter in enumerate(text) if _is_drawn(letter)), len(text))
    last = next((at for at in range(len(text), first, -1) if _is_drawn(text[at - 1])), first)
    return text[first:last]


def without_turns(text: str) -> str:
    """Return the text without control characters and marks that turn its direction: it cannot upset what stands beside it."""
    return "".join(letter for letter in text if letter not in TURNS and unicodedata.category(letter) != "Cc")


def _is_drawn(letter: str) -> bool:
    return not letter.isspace() and not is_ignorable(letter)
