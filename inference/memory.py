"""How a process that opens many large photos gives their memory back."""

import ctypes

_M_MMAP_THRESHOLD = -3  # glibc's malloc.h
LARGE_BYTES = 1 << 20


def give_back_memory() -> bool:
    """Have glibc return every block of a megabyte and more as soon as it is freed. Return False without glibc.

    glibc raises its own limit to the size of what was freed, up to 32 MB, and keeps smaller blocks: between pieces that live
    longer, the room of an opened photo is never empty enough to be returned.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    return bool(mallopt and mallopt(_M_MMAP_THRESHOLD, LARGE_BYTES))
