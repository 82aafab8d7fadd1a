"""Record numbers and addresses: one form for all the ways in which keyboards, documents and scanners write them."""

import pytest

from patients.models.identifiers import canonical_address, canonical_number, is_number

SAME = {
    "zero-width space": "R-12\u200b34",
    "byte-order mark": "\ufeffR-1234",
    "soft hyphen": "R-12\u00ad34",
    "word joiner": "R-\u20601234",
    "bidi marks": "\u202eR-1234\u202c",
    "variation selector": "R-1\ufe0f234",
    "filler": "R-12\u316434",
    "control characters": "R-12\x0034\t",
    "full width": "Ｒ－１２３４",
    "Arabic digits": "R-١٢٣٤",
    "Devanagari digits": "R-१२३४",
    "mathematical digits": "R-𝟏𝟐𝟑𝟒",
    "small letters": "r-1234",
    "spaces": " R - 12\u00a034\u3000",
    "thin spaces": "R\u2009-\u202f1234",
    **{f"dash {ord(dash):04x}": f"R{dash}1234" for dash in "‐‑‒–—―−﹣－ー⁃─"},
}


@pytest.mark.parametrize("typed", SAME.values(), ids=SAME)
def test_spellings_of_a_number_are_the_same_number(typed: str) -> None:
    assert canonical_number(typed) == canonical_number("R-1234") == "r-1234"


@pytest.mark.parametrize("other", ["R1234", "R-1235", "R-12345", "R/1234", "É-1234"])
def test_another_number_is_another_number(other: str) -> None:
    assert canonical_number(other) != canonical_number("R-1234")


def test_letters_with_two_codes_and_two_capitals_are_one() -> None:
    assert canonical_number("E\u0301-1") == canonical_number("é-1")
    assert canonical_number("STRASSE-1") == canonical_number("straße-1")
    assert canonical_number("I1") == canonical_number("ı1") == canonical_number("İ1") == canonical_number("i1")


def test_long_vowel_stays_a_letter_in_a_word_and_is_a_hyphen_beside_digits() -> None:
    assert canonical_number("メモリー12") == "メモリー12"
    assert canonical_number("12ー34") == "12-34"


def test_canonical_form_of_a_canonical_form_is_itself() -> None:
    # All scripts but those of whole syllables and words, which no step changes.
    for code in (*range(0x3400), *range(0xA000, 0xAC00), *range(0xF900, 0x12000)):
        once = canonical_number(f"R{chr(code)}1")
        assert canonical_number(once) == once, hex(code)


@pytest.mark.parametrize("nothing", ["", " ", "\u200b", "\ufeff\u00ad", "--", "\u3164"])
def test_number_without_letters_and_digits_is_none(nothing: str) -> None:
    assert not is_number(nothing)


def test_addresses_are_compared_without_what_cannot_be_seen() -> None:
    assert canonical_address("Ada@ｃlinic\u200b.TEST") == "ada@clinic.test"
