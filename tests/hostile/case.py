"""One hostile file and what must become of it."""

from collections.abc import Callable
from dataclasses import dataclass

MARK = b"HOSTILE"
"""Written into everything that is smuggled in: no stored picture may hold it."""


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
    """Return a maker of always the same bytes."""
    return lambda: content
