"""The second expression: told after neutral and in a close reading, not where the first is clear."""

import pytest

from ml.serve.expressions import EXPRESSIONS
from patients.readings.runner_up import runner_up


def shares(**named: float) -> tuple[float, ...]:
    return tuple(named.get(name, 0.0) for name in EXPRESSIONS)


@pytest.mark.parametrize(
    ("probabilities", "is_too_close", "short"),
    [
        (shares(neutral=0.69, sad=0.31), False, "then sad 31%"),
        (shares(neutral=0.9, sad=0.1), False, "then sad 10%"),
        (shares(neutral=0.96, sad=0.04), False, ""),  # too small to tell
        (shares(happy=0.8, neutral=0.2), False, None),  # clear
        (shares(happy=0.55, surprise=0.45), False, "then surprise 45%"),  # hardly ahead
        (shares(happy=0.41, neutral=0.25, surprise=0.24), True, "then neutral 25%"),
        (None, False, None),
    ],
)
def test_second_expression_is_told_where_the_first_would_mislead(
    probabilities: tuple[float, ...] | None, is_too_close: bool, short: str | None
) -> None:
    found = runner_up(probabilities, is_too_close)
    assert (found.short if found else None) == short


def test_sentence_says_why_to_look_at_it() -> None:
    neutral, close = runner_up(shares(neutral=0.69, sad=0.31), False), runner_up(shares(happy=0.55, surprise=0.45), True)
    alone = runner_up(shares(neutral=0.96, sad=0.04), False)
    assert alone
    assert alone.sentence == "Raters call most weak expressions neutral. No other expression reaches 5%."
    assert neutral
    assert neutral.sentence == "Raters call most weak expressions neutral. The second expression is sad, 31%."
    assert close
    assert close.sentence == "The second expression is close: surprise, 45%."
    assert close.both == "happy 55%, then surprise 45%"
