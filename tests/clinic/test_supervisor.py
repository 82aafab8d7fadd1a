"""Parts that run once are restarted only if they fail; some yield to others."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from clinic.supervisor import Part, Supervisor


def supervised_until(supervisor: Supervisor, is_so: Callable[[], bool]) -> bool:
    give_up_at = time.monotonic() + 30
    while not is_so() and time.monotonic() < give_up_at:
        supervisor.restart_dead()
        time.sleep(0.02)
    return is_so()


@pytest.fixture
def messages() -> list[str]:
    return []


def started(folder: Path, messages: list[str], script: str) -> Supervisor:
    supervisor = Supervisor(folder / "log", {"PLACE": str(folder)}, folder, messages.append)
    supervisor.start(Part("errand", (sys.executable, "-c", script), once=True))
    return supervisor


def test_errand_that_ends_well_is_not_run_again(tmp_path: Path, messages: list[str]) -> None:
    supervisor = started(tmp_path, messages, "open('runs', 'a').write('x')")
    runs = tmp_path / "runs"
    assert supervised_until(supervisor, runs.exists)
    assert not runs_again(supervisor, runs)
    assert (runs.read_text(), messages) == ("x", [])
    supervisor.stop()


def runs_again(supervisor: Supervisor, runs: Path) -> bool:
    """Supervise it for a second. Return whether it ran again."""
    until = time.monotonic() + 1
    while time.monotonic() < until:
        supervisor.restart_dead()
        time.sleep(0.02)
    return runs.read_text() != "x"


def test_errand_that_fails_is_run_again(tmp_path: Path, messages: list[str]) -> None:
    script = "import os; n = os.path.exists('runs'); open('runs', 'a').write('x'); raise SystemExit(0 if n else 1)"
    supervisor = started(tmp_path, messages, script)
    runs = tmp_path / "runs"
    assert supervised_until(supervisor, lambda: runs.exists() and runs.read_text() == "xx")
    assert "errand ended with status 1" in messages[0]
    supervisor.stop()


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="Linux weighs sessions only where it was built for it")
def test_part_yields_with_all_that_it_starts(tmp_path: Path, messages: list[str]) -> None:
    script = "import os, time; time.sleep(0.5); open('was', 'w').write(f\"{os.nice(0)} {open('/proc/self/autogroup').read()}\")"
    supervisor = Supervisor(tmp_path / "log", {}, tmp_path, messages.append)
    supervisor.start(Part("late", (sys.executable, "-c", script), once=True, nice=7))
    was = tmp_path / "was"
    assert supervised_until(supervisor, lambda: was.exists() and bool(was.read_text()))
    own, _group, _word, of_session = was.read_text().split()
    assert (own, of_session) == ("7", "7")
    supervisor.stop()
