"""Names: stored as they were typed, searched and sorted by what can be typed on a plain keyboard."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

from encryption.fields import EncryptedTextField
from patients.models.characters import APOSTROPHES, is_dash, is_ignorable, without_turns
from patients.models.identifiers import canonical_number

Thing = TypeVar("Thing")

# Each pair: a letter that Unicode does not take apart, and the one that stands for it.
_LATIN = "łl øo đd ðd ıi ħh ŧt ƶz ɨi ʉu ƀb ɗd ɖd ɓb ƙk ɣg ǥg ɲn ŋn ɛe ǝe əa ɔo ȼc ɇe ɉj ɍr ɏy ƒf ƴy ĸk ȷj"
_CYRILLIC = "ґг"
_HEBREW = "ךכ םמ ןנ ףפ ץצ"  # at the end of a word
_ARABIC = "ٱا یي ىي ېي کك ةه ہه ھه ەه"  # Persian and Urdu keyboards write other letters for the same ones
LETTERS = str.maketrans(
    {
        **{pair[0]: pair[1] for pair in f"{_LATIN} {_CYRILLIC} {_HEBREW} {_ARABIC}".split()},
        **{chr(code): chr(code - 0x60) for code in range(ord("ァ"), ord("ヷ"))},  # katakana to hiragana
        "æ": "ae",
        "œ": "oe",
        "þ": "th",
        "ـ": "",
    }
)
SPELT_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ø": "oe", "å": "aa", "ə": "e"})
"""How names are written where a keyboard lacks the letter."""


def folded(text: str) -> str:
    """Return what two spellings of a name have in common: "Siobhán O’Brien-Łoś" gives "siobhan obrien los".

    Without case, accents, points, apostrophes, quotes and invisible characters; a dash is a space; letters that do not decompose
    become plain ones. The folded form of a folded form is itself.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKD", _bare(text)).casefold()
        text = unicodedata.normalize("NFKD", text).translate(LETTERS)
        text = "".join(letter for letter in text if not unicodedata.combining(letter))
    return " ".join(_bare(text).casefold().split())


def by_name(things: Iterable[Thing], name_of: Callable[[Thing], str]) -> list[Thing]:
    """Return the things sorted by name, as people look names up: Élodie beside Elodie and not after Zoë."""
    return sorted(things, key=lambda thing: (folded(name_of(thing)), name_of(thing)))


class Spelt(NamedTuple):
    """A name and a record number as searches and lists compare them. The first of `names` is the folded name."""

    names: list[str]
    number: str

    @classmethod
    def of(cls, name: str, record_number: str) -> Spelt:
        """Return the spellings of both."""
        return cls(_spellings(name), canonical_number(record_number))


class Search:
    """Words that someone typed to find a patient: each is a part of the name or of the record number, in any order."""

    def __init__(self, words: str) -> None:
        pieces = [(_spellings(word), canonical_number(word)) for word in words.split()]
        self.pieces = [(spellings, number) for spellings, number in pieces if any(letter.isalnum() for letter in number)]

    def finds(self, name: str, record_number: str) -> bool:
        """Whether every word is in the name or the record number. Without words everyone is found."""
        return not self.pieces or self.finds_in(Spelt.of(name, record_number))

    def finds_in(self, spelt: Spelt) -> bool:
        """Whether every word is in these spellings. Without words all are found."""
        return all(piece in spelt.number or _is_in(spellings, spelt.names) for spellings, piece in self.pieces)


class NameField(EncryptedTextField):
    """An encrypted name. What turns the direction of writing is left out when it is read: it could upset the page around it."""

    def from_plain(self, content: bytes) -> str:
        """Return the name as it is shown."""
        return without_turns(content.decode())


def _bare(text: str) -> str:
    """Return the text without apostrophes and what cannot be seen, with a space for every dash."""
    if text.isascii():
        return text.replace("'", "").replace("`", "").replace('"', "").replace("-", " ")
    kept = (" " if is_dash(letter) else letter for letter in text if letter not in APOSTROPHES and not is_ignorable(letter))
    return "".join(kept)


def _spellings(name: str) -> list[str]:
    """Return the folded forms of a name: as it is, with ä as ae, and with what a dash joins as one word."""
    plain = folded(name)
    composed = unicodedata.normalize("NFKC", name).casefold()
    others = [composed.translate(SPELT_OUT), "".join(letter for letter in composed if not is_dash(letter))]
    return list(dict.fromkeys([plain, *map(folded, others)]))


def _is_in(typed: list[str], names: list[str]) -> bool:
    """Whether one spelling of a typed word has all its parts in one spelling of the name."""
    return any(all(part in name for part in each.split()) for each in typed for name in names)
