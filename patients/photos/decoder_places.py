"""Places for decoders on this computer, which all its processes share: only so many uploads are opened at once."""

import contextlib
import fcntl
import os
import platform
import time
from collections.abc import Iterator
from pathlib import Path

ASK_AGAIN_SECONDS = 0.02


class NoPlace(Exception):
    """No place became free in time."""


@contextlib.contextmanager
def place(folder: Path, places: int, timeout_seconds: float) -> Iterator[None]:
    """Hold one of the computer's `places`. Raises NoPlace when none becomes free in time.

    A place is a locked file in `folder`. The system unlocks it when its process ends, even by kill -9. Computers that share the
    folder have places of their own.
    """
    handle = _wait_for_lock(folder, places, time.monotonic() + timeout_seconds)
    try:
        yield
    finally:
        os.close(handle)


def _wait_for_lock(folder: Path, places: int, give_up_at: float) -> int:
    folder.mkdir(mode=0o700, exist_ok=True)
    while True:
        for number in range(places):
            handle = _lock(folder / f"{platform.node()}-{number}")
            if handle is not None:
                return handle
        if time.monotonic() >= give_up_at:
            raise NoPlace
        time.sleep(ASK_AGAIN_SECONDS)


def _lock(path: Path) -> int | None:
    """Return a handle that locks the file, or None while another one does."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
