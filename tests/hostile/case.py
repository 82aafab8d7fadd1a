"""One hostile file and its expected outcome."""

from collections.abc import Callable
from dataclasses import dataclass

MARK = b"HOSTILE"
"""A mark in everything that is smuggled in. No stored picture may hold it."""


@dataclass(frozen=True)
class Hostile:
    """A file. `code` is the refusal; None when a photo is taken in, rebuilt from its pixels with `size`."""

    what: str
    make: Callable[[], bytes]
    code: str | None
    name: str = "photo.jpg"
    size: tuple[int, int] = (64, 48)

    def __str__(self) -> str:
        return self.what


def fixed(content: bytes) -> Callable[[], bytes]:
    """Return a function that always returns these bytes."""
    return lambda: content
