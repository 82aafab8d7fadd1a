"""The table of upload codes: whole, understood by people and scripts, and the same in the document."""

import re
from pathlib import Path

import pytest
from django.utils import translation

from ml.decode.apart import NUMBERS
from patients.photos.codes import CODES, RejectedPhoto

PROJECT = Path(__file__).resolve().parents[3]
DETAIL = {"width": 1, "height": 2, "date": "2026-11-20", "most": 60}


def codes_raised(room: str, exception: str) -> set[str]:
    """Return every code that is written in an `exception("...")` of the room."""
    texts = [path.read_text() for path in (PROJECT / room).rglob("*.py")]
    return {code for text in texts for code in re.findall(rf'{exception}\(\s*"(\w+)"', text)}


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_sentence(code: str) -> None:
    with translation.override("en"):
        assert RejectedPhoto(code, **DETAIL).message().endswith(".")


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_sentence_for_a_phone_without_a_word_of_the_patient(code: str) -> None:
    with translation.override("en"):
        message = RejectedPhoto(code, **DETAIL).message(on_phone=True)
    assert message.endswith(".")
    assert "Nov" not in message


def test_a_refusal_says_what_happened_and_what_helps() -> None:
    with translation.override("en"):
        rejected = RejectedPhoto("duplicate_in_patient", photo="7", date="2026-11-20")
        assert rejected.message() == "This photo is already in the visit of 20 Nov 2026. Keep it here as well, or skip it."
        assert rejected.as_json(on_phone=True) == {
            "code": "duplicate_in_patient",
            "message": "This photo is already in another visit. Keep it here as well, or skip it.",
            "retry": False,
        }
        assert RejectedPhoto("busy").as_json()["retry"] is True


def test_a_code_that_is_not_in_the_table_cannot_be_raised() -> None:
    with pytest.raises(KeyError):
        RejectedPhoto("made_up")


def test_every_code_of_the_code_is_in_the_table_and_every_row_is_used() -> None:
    of_the_decoder = codes_raised("ml", "UndecodablePhoto")
    assert of_the_decoder | codes_raised("patients", "RejectedPhoto") == set(CODES)
    assert set(NUMBERS) <= of_the_decoder


def test_document_says_what_the_table_says() -> None:
    document = (PROJECT / "docs" / "upload-codes.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \| (\d+) \| (yes|no) \| .+ \| (.+) \|$", document, re.MULTILINE)
    with translation.override("en"):
        rows = [
            (row.code, str(row.status), "yes" if row.may_retry else "no", str(row.helps) or "Nothing.") for row in CODES.values()
        ]
    assert listed == rows
