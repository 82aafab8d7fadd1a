"""What becomes of a field that someone else may have changed meanwhile."""

import pytest

from patients.forms.conflicts import Decision, NoteField, decide, token_of


@pytest.mark.parametrize(
    ("stored", "typed", "loaded", "unanswered", "decision"),
    [
        ("a", "b", "a", (), Decision.WRITE),  # no one else changed it
        ("b", "b", "a", (), Decision.WRITE),  # both made the same of it
        ("c", "b", None, (), Decision.WRITE),  # a program does not say what it saw
        ("c", "a", "a", (), Decision.KEEP),  # it was left alone here
        ("c", "b", "a", (), Decision.CONFLICT),
        ("c", None, "a", (), Decision.CONFLICT),  # not a value at all, but not left alone
        ("b", "c", "a", ("b",), Decision.WRITE),  # our own, to which no answer came
        ("b", "a", "a", ("b",), Decision.WRITE),  # and taken back
        ("d", "a", "a", ("b",), Decision.CONFLICT),  # taken back, but someone else changed it in between
        ("d", "a", "a", ("a",), Decision.KEEP),  # another field of the form was sent in vain
    ],
)
def test_every_case_has_its_decision(
    stored: str, typed: str | None, loaded: str | None, unanswered: tuple[str, ...], decision: Decision
) -> None:
    assert decide(stored, typed, loaded, unanswered) is decision


def test_token_of_a_note_is_of_its_words_alone() -> None:
    field = NoteField(required=False)
    assert token_of(field, "Sleeps\r\nbadly.\n") == token_of(field, "Sleeps\nbadly.")
    assert token_of(field, "Sleeps badly.") != token_of(field, "Sleeps\nbadly.")
    assert "Sleeps" not in token_of(field, "Sleeps badly.")
