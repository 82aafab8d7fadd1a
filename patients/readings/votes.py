"""Probabilities as votes: of ten raters who name one of the seven expressions, how many would name each."""

from dataclasses import dataclass
from math import floor

from ml.serve.expressions import EXPRESSIONS

RATER_COUNT = 10


@dataclass(frozen=True)
class Votes:
    """How many of ten raters are expected to name one expression."""

    expression: str
    count: int


def expected_votes(probabilities: tuple[float, ...]) -> tuple[Votes, ...]:
    """Return ten votes, distributed by largest remainder: most votes first, then label order; none without a vote."""
    exact = [probability * RATER_COUNT for probability in probabilities]
    counts = [floor(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda k: (counts[k] - exact[k], -exact[k]))
    for k in by_remainder[: RATER_COUNT - sum(counts)]:
        counts[k] += 1
    votes = [Votes(name, count) for name, count in zip(EXPRESSIONS, counts, strict=True) if count]
    return tuple(sorted(votes, key=lambda vote: -vote.count))
