"""Record numbers: stored as they were typed, compared in one canonical form."""

import unicodedata

from patients.models.characters import is_dash, is_ignorable

ALIKE = str.maketrans({"⁄": "/", "∕": "/", "’": "'", "‘": "'", "ʼ": "'", "′": "'", "。": ".", "、": ","})
"""Characters that keyboards write for one another, and that NFKC keeps apart."""
LONG_VOWEL = "ー"
"""The mark of a long vowel in kana. Japanese keyboards also write it for a hyphen; after kana it is part of a word."""


def canonical_number(text: str) -> str:
    """Return the form in which two record numbers are the same: "ｒ‐12 34" and "R-1234" are "r-1234".

    Without spaces and characters that cannot be seen; every dash a hyphen, every decimal digit ASCII, case folded. Empty where
    nothing can be seen. The canonical form of a canonical form is itself.
    """
    seen = unicodedata.normalize("NFKC", "".join(letter for letter in text if not is_ignorable(letter)))
    plain = "".join(_plain(letter, before) for before, letter in zip(" " + seen, seen, strict=False))
    # Upper case first: it makes one letter of "ı" and "i". A dot stays over "İ" when it is folded.
    folded = plain.upper().casefold().replace("i\u0307", "i")
    return unicodedata.normalize("NFKC", folded).translate(ALIKE)


def canonical_address(text: str) -> str:
    """Return the form in which two email addresses are the same: small letters, and nothing that cannot be seen."""
    return unicodedata.normalize("NFKC", "".join(letter for letter in text if not is_ignorable(letter))).lower()


def is_number(text: str) -> bool:
    """Whether `text` can be a record number: it has a letter or a digit."""
    return any(letter.isalnum() for letter in canonical_number(text))


def _plain(letter: str, before: str) -> str:
    """Return the letter as a plain keyboard writes it; nothing for a space."""
    if letter.isspace() or is_ignorable(letter):
        return ""
    if is_dash(letter) or (letter == LONG_VOWEL and not _is_kana(before)):
        return "-"
    return str(unicodedata.decimal(letter, letter))


def _is_kana(letter: str) -> bool:
    return unicodedata.category(letter) == "Lo" and unicodedata.name(letter, "").startswith(("KATAKANA", "HIRAGANA"))
