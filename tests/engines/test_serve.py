"""The one command that starts everything: what it starts, restarts and stops."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cohort import clear_portraits
from tests.engines.installation import Installation, eventually
from tests.engines.seed import seeded

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "rest_walk.py"
PARTS = ("gunicorn", " worker ", " beat ", "valkey-server")


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Yield a running installation with everything embedded, on a copy of one whose demo was read."""
    installation = Installation(tmp_path_factory.mktemp("installation") / 'of "Dr #1" & 40% more' / "var")
    installation.start_from(seeded(tmp_path_factory))
    yield installation
    installation.stop(signal.SIGTERM)
    eventually(lambda: not installation.processes(), "every process ends")


def demo_states(installation: Installation) -> list[str]:
    with installation.database() as connection:
        return [state for (state,) in connection.execute("SELECT state FROM inference_prediction ORDER BY requested_at")]


def test_start_answers_and_asks_for_sign_in(installation: Installation) -> None:
    assert installation.get("/healthz") == b"ok"
    assert b'name="password"' in installation.get("/")


def test_demo_photos_are_read_by_the_worker(installation: Installation) -> None:
    states = demo_states(installation)
    assert states.count("done") > len(states) / 2
    assert "rejected" in states


def test_everything_it_keeps_is_for_its_user_alone(installation: Installation) -> None:
    open_to_others = [path for path in installation.var.rglob("*") if path.lstat().st_mode & 0o077]
    assert open_to_others == []
    assert installation.var.stat().st_mode & 0o077 == 0


def test_taken_port_is_named_and_nothing_is_started(installation: Installation, tmp_path: Path) -> None:
    port = installation.address.rpartition(":")[2]
    second = Installation(tmp_path / "var")
    status = second.launch("--port", port).wait(60)
    eventually(lambda: second.printed, "the second start says something", 10)
    assert status == 1
    assert f"Port {port} of 127.0.0.1 cannot be used" in second.printed[0]
    assert second.processes() == {}
    assert not (tmp_path / "var" / "db.sqlite3").exists()


@pytest.mark.slow("a worker reads photos")
def test_example_walks_from_a_patient_to_a_table_by_rest_alone(installation: Installation) -> None:
    key = installation.manage("api_token", installation.email, "--scope", "write").strip()
    photo = clear_portraits()[0].path
    command = [sys.executable, str(EXAMPLE), installation.address, key, str(photo)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stderr) == (0, "")
    assert "State: done" in done.stdout
    header, line = done.stdout.strip().splitlines()[-2:]
    row = dict(zip(header.split(","), line.split(","), strict=True))
    assert row["record_number"].startswith("EX-")
    assert (row["mood"], row["phq9"], row["photos_used"]) == ("6", "9", "1")


@pytest.mark.parametrize("part", PARTS)
def test_part_that_dies_is_started_again(installation: Installation, part: str) -> None:
    before = {pid for pid, command in installation.processes().items() if part in command}
    assert before
    os.kill(min(before), signal.SIGKILL)
    eventually(lambda: {pid for pid, command in installation.processes().items() if part in command} - before, f"a new {part}")
    eventually(lambda: answers(installation), "the page answers again")


def answers(installation: Installation) -> bool:
    try:
        return installation.get("/healthz") == b"ok"
    except OSError:
        return False


@pytest.mark.slow("stops and starts every process")
def test_interrupt_stops_everything_and_the_next_start_has_all_data(installation: Installation) -> None:
    # SIGTERM ended the installation that this one copies, and ends this one.
    before, email, password = demo_states(installation), installation.email, installation.password
    installation.stop(signal.SIGINT)
    eventually(lambda: not installation.processes(), "every process ends")
    began = time.monotonic()
    installation.start()
    assert time.monotonic() - began < 120  # 5 s on an idle computer
    assert demo_states(installation) == before
    assert (installation.email, installation.password) == (email, password)


@pytest.mark.slow("stops and starts every process")
def test_killed_supervisor_takes_its_processes_along(installation: Installation) -> None:
    running = " ".join(installation.processes().values())
    assert all(part in running for part in PARTS)
    installation.stop(signal.SIGKILL)
    eventually(lambda: not installation.processes(), "every process ends")
    installation.start()
    assert installation.get("/healthz") == b"ok"
