"""Memory of large blocks goes back to the system as soon as they are freed, also where others still live between them."""

import subprocess
import sys

HOLES = """
import os, sys
from inference.memory import give_back_memory
def resident_mb():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
if sys.argv[1] == "given":
    assert give_back_memory()
del [bytearray(b"x" * 2_000_000)][0]
blocks = [bytearray(b"x" * 2_000_000) for _ in range(50)]
before = resident_mb()
del blocks[::2]
print(before - resident_mb())
"""


def given_back_mb(how: str) -> float:
    """Return what a fresh process gives back of 50 MB that it frees."""
    return float(subprocess.run([sys.executable, "-c", HOLES, how], capture_output=True, text=True, check=True).stdout)


def test_freed_blocks_are_given_back_between_those_that_live() -> None:
    assert given_back_mb("kept") < 5
    assert given_back_mb("given") > 45
