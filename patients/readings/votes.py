"""Seven shares said aloud: of ten raters who name one of the seven expressions, how many would name which."""

from dataclasses import dataclass
from math import floor

from ml.serve.expressions import EXPRESSIONS

TEN = 10


@dataclass(frozen=True)
class Votes:
    """How many of ten raters are expected to name one expression."""

    expression: str
    count: int


def ten_raters(shares: tuple[float, ...]) -> tuple[Votes, ...]:
    """Return ten votes shared out by largest remainder, most votes first, label order among equals, none without a vote."""
    exact = [share * TEN for share in shares]
    counts = [floor(value) for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda k: (counts[k] - exact[k], -exact[k]))
    for k in by_remainder[: TEN - sum(counts)]:
        counts[k] += 1
    votes = [Votes(name, count) for name, count in zip(EXPRESSIONS, counts, strict=True) if count]
    return tuple(sorted(votes, key=lambda vote: -vote.count))
