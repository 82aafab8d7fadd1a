"""One installation with a read demo, made once for all test processes; the others start with a copy of its folder."""

import fcntl
from pathlib import Path

import pytest

from tests.engines.installation import Installation, eventually


def seeded(factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an installation that has stopped, with the two newest visits of each demo patient read.

    The first process that calls makes it, the others wait.
    """
    base = factory.getbasetemp()
    root = base.parent if base.name.startswith("popen-") else base  # the folder that pytest-xdist's processes share
    folder = root / "seed"
    with (root / "seed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (root / "seed.done").exists():
            installation = Installation(folder, DEMO_VISITS="2")
            installation.start()
            eventually(installation.has_read_its_demo, "the demo's photos are read")
            installation.stop()
            (root / "seed.done").touch()
    return folder
