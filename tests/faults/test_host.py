"""Faults of the host itself: a clock that jumps, and a disk that is full."""

import os
import shutil
import signal
import subprocess
import time
import urllib.error
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from tests.engines.installation import Installation, eventually
from tests.engines.portraits import portrait
from tests.engines.seed import seeded
from tests.faults.endings import assert_each_ended_once
from tests.faults.test_updates import started

pytestmark = [pytest.mark.full, pytest.mark.slow("starts an installation of its own")]

JUMPING = """
import os, threading, time

def watch():
    while not os.path.exists(os.environ["JUMP"]):
        time.sleep(0.2)
    import time_machine
    with open(os.environ["JUMP"]) as file:
        time_machine.travel(time.time() + 3600 * int(file.read()), tick=True).start()

def start():
    threading.Thread(target=watch, daemon=True).start()

if "JUMP" in os.environ:
    start()
    os.register_at_fork(after_in_child=start)
"""
"""Python runs it at the start of each process."""
DISK_MB = 96


def upload(installation: Installation, visit: str, numbers: Iterable[int]) -> None:
    for number in numbers:
        installation.upload(visit, portrait(number))


@pytest.mark.parametrize("hours", [24, -24])
def test_clock_of_the_host_jumps_while_photos_are_queued(
    hours: int, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Time of day jumps in every Python process of the host. The broker keeps its clock, and so does what counts seconds."""
    (tmp_path / "path").mkdir()
    (tmp_path / "path" / "sitecustomize.py").write_text(JUMPING)
    with started(
        tmp_path / "var", seeded(tmp_path_factory), PYTHONPATH=str(tmp_path / "path"), JUMP=str(tmp_path / "jump")
    ) as installation:
        visit = installation.new_visit()
        installation.signal_workers(signal.SIGSTOP)
        try:
            upload(installation, visit, range(4))
            assert installation.states(visit) == ["queued"] * 4
            (tmp_path / "hours").write_text(str(hours))
            (tmp_path / "hours").rename(tmp_path / "jump")
            time.sleep(1)
        finally:
            installation.signal_workers(signal.SIGCONT)
        upload(installation, visit, range(4, 6))
        assert_each_ended_once(installation, visit, 6)
        assert installation.states(visit) == ["done"] * 6
        assert len({photo["uploaded_at"][:10] for photo in installation.photos(visit)}) == 2, "the clock did not jump"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Yield a small file system of its own."""
    if os.geteuid():
        pytest.skip("only root may mount")
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(("mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", str(place)), check=True)
    yield place
    subprocess.run(("umount", "--lazy", str(place)), check=True)


def fill(disk: Path) -> Path:
    """Fill the disk to the last byte, and return the file that does."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1_000_000, 4096, 1):
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError:
                continue
    assert shutil.disk_usage(disk).free == 0
    return ballast


def test_full_disk_refuses_uploads_and_loses_no_queued_photo(disk: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    with started(disk / "var", seeded(tmp_path_factory)) as installation:
        visit = installation.new_visit()
        installation.signal_workers(signal.SIGSTOP)
        upload(installation, visit, range(4))
        ballast = fill(disk)
        installation.signal_workers(signal.SIGCONT)
        with pytest.raises(urllib.error.HTTPError) as refused:
            upload(installation, visit, range(4, 20))
        assert refused.value.code >= 500
        refused.value.close()
        assert installation.get("/healthz") == b"ok"
        with pytest.raises(urllib.error.HTTPError, match="503") as hidden:  # what cannot be logged is not shown
            installation.photos(visit)
        hidden.value.close()
        time.sleep(20)  # workers and sweep try meanwhile
        ballast.unlink()
        kept = eventually(lambda: len(installation.photos(visit)), "the interface answers again")
        assert_each_ended_once(installation, visit, kept)
        assert installation.states(visit) == ["done"] * kept
        installation.upload(visit, portrait(20))
        eventually(lambda: installation.states(visit) == ["done"] * (kept + 1), "a photo is read again")
