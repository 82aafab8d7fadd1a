"""Numbers of a visit as bytes: read in a tenth of the time that JSON takes, and equal to the last bit."""

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

from ml.serve.expressions import EXPRESSIONS
from patients.timeline.interval import Interval

N = len(EXPRESSIONS)
MEANS = Struct(f"<{N + 1}d")  # seven mean probabilities and the valence index
ENDS = Struct(f"<{2 * (N + 1)}d")  # both ends of their intervals
PHOTO = Struct(f"<16s{N}d")  # id and seven probabilities of one photo


@dataclass(frozen=True)
class Numbers:
    """What the used photos of a visit say together: seven mean probabilities, the valence index, and the intervals of all eight.

    No intervals below three photos.
    """

    means: tuple[float, ...]
    valence: float
    intervals: tuple[Interval, ...] | None


def pack_numbers(numbers: Numbers | None) -> bytes:
    """Return the numbers as bytes; none for None."""
    if numbers is None:
        return b""
    ends = (end for interval in numbers.intervals or () for end in (interval.low, interval.high))
    return MEANS.pack(*numbers.means, numbers.valence) + (ENDS.pack(*ends) if numbers.intervals else b"")


def unpack_numbers(packed: bytes) -> Numbers | None:
    """Return what `pack_numbers` was given."""
    if not packed:
        return None
    *means, valence = MEANS.unpack_from(packed)
    intervals = None
    if len(packed) > MEANS.size:
        ends = ENDS.unpack_from(packed, MEANS.size)
        intervals = tuple(map(Interval, ends[::2], ends[1::2]))
    return Numbers(tuple(means), valence, intervals)


def pack_photos(keys: Sequence[str], probabilities: Sequence[Sequence[float]]) -> bytes:
    """Return ids of 32 digits and their seven probabilities as bytes."""
    return b"".join(PHOTO.pack(bytes.fromhex(key), *each) for key, each in zip(keys, probabilities, strict=True))


def unpack_photos(packed: bytes) -> tuple[tuple[str, ...], tuple[tuple[float, ...], ...]]:
    """Return what `pack_photos` was given."""
    rows = list(PHOTO.iter_unpack(packed))
    return tuple(row[0].hex() for row in rows), tuple(row[1:] for row in rows)
