"""The one command that starts everything: what it starts, keeps running and takes away with it."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.engines.installation import Installation, eventually

PARTS = ("gunicorn", " worker ", " beat ", "valkey-server")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Yield a running installation with everything embedded."""
    house = Installation(tmp_path_factory.mktemp("house") / 'of "Dr #1" & 40% more' / "var")
    house.start()
    yield house
    house.stop()


def demo_states(house: Installation) -> list[str]:
    with house.database() as connection:
        return [state for (state,) in connection.execute("SELECT state FROM inference_prediction ORDER BY requested_at")]


def test_start_answers_and_asks_for_sign_in(house: Installation) -> None:
    assert house.get("/healthz") == b"ok"
    assert b'name="password"' in house.get("/")


def test_demo_photos_are_read_by_the_worker(house: Installation) -> None:
    eventually(house.has_read_its_demo, "the demo's photos are read")
    states = demo_states(house)
    assert states.count("done") > len(states) / 2
    assert "rejected" in states


def test_everything_it_keeps_is_for_its_user_alone(house: Installation) -> None:
    eventually(house.has_read_its_demo, "the demo's photos are read")  # files come and go until then
    open_to_others = [path for path in house.var.rglob("*") if path.lstat().st_mode & 0o077]
    assert open_to_others == []
    assert house.var.stat().st_mode & 0o077 == 0


def test_taken_port_is_named_and_nothing_is_started(house: Installation, tmp_path: Path) -> None:
    port = house.address.rpartition(":")[2]
    second = Installation(tmp_path / "var")
    status = second.launch("--port", port).wait(60)
    eventually(lambda: second.printed, "the second start says something", 10)
    assert status == 1
    assert f"Port {port} of 127.0.0.1 cannot be used" in second.printed[0]
    assert second.processes() == {}
    assert not (tmp_path / "var" / "db.sqlite3").exists()


@pytest.mark.parametrize("part", PARTS)
def test_part_that_dies_is_started_again(house: Installation, part: str) -> None:
    before = {pid for pid, command in house.processes().items() if part in command}
    assert before
    os.kill(min(before), signal.SIGKILL)
    eventually(lambda: {pid for pid, command in house.processes().items() if part in command} - before, f"a new {part}")
    eventually(lambda: answers(house), "the page answers again")


def answers(house: Installation) -> bool:
    try:
        return house.get("/healthz") == b"ok"
    except OSError:
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_stops_everything_and_the_next_start_has_all_data(house: Installation, number: signal.Signals) -> None:
    eventually(house.has_read_its_demo, "the demo's photos are read")
    before, email, password = demo_states(house), house.email, house.password
    house.stop(number)
    eventually(lambda: not house.processes(), "every process ends")
    began = time.monotonic()
    house.start()
    assert time.monotonic() - began < 120  # 5 s on an idle computer
    assert demo_states(house) == before
    assert (house.email, house.password) == (email, password)


def test_killed_supervisor_takes_its_processes_along(house: Installation) -> None:
    running = " ".join(house.processes().values())
    assert all(part in running for part in PARTS)
    house.stop(signal.SIGKILL)
    eventually(lambda: not house.processes(), "every process ends")
    house.start()
    assert house.get("/healthz") == b"ok"
