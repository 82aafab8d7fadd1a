"""Places for decoders are shared by all processes of the computer, and none is lost with a process."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from patients.photos.decoder_places import NoPlace, place

HOLD = """import sys, time
from pathlib import Path
from patients.photos.decoder_places import place
with place(Path(sys.argv[1]), 2, 0):
    print("held", flush=True)
    time.sleep(60)
"""


def test_another_process_holds_a_place_until_it_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout
        assert other.stdout.readline() == "held\n"
        with place(tmp_path, 2, 0), pytest.raises(NoPlace), place(tmp_path, 2, 0):
            pass
        other.kill()
        other.wait()
    with place(tmp_path, 2, 0), place(tmp_path, 2, 0):
        pass


def test_one_who_waits_gives_up_in_time(tmp_path: Path) -> None:
    with place(tmp_path, 1, 0):
        began = time.monotonic()
        with pytest.raises(NoPlace), place(tmp_path, 1, 0.2):
            pass
        assert 0.2 <= time.monotonic() - began < 10
