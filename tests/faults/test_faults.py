"""Real processes that die, vanish and come back: every photo ends final exactly once."""

import json
import os
import re
import signal
import time
import urllib.error
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from clinic import celery_app
from inference.health import beat_heart
from inference.tasks import predict
from tests.engines.brokers import Broker
from tests.engines.installation import FINAL, Installation, eventually
from tests.engines.portraits import portrait

KILLS = int(os.environ.get("KILLS", "2"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Yield a broker that the installation does not look after."""
    broker = Broker("valkey", tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, broker: Broker) -> Iterator[Installation]:
    """Yield an installation that gives up on a lost photo after seconds instead of half a minute."""
    var = tmp_path_factory.mktemp("faults") / "var"
    house = Installation(var, REDIS_URL=broker.url, READ_TIME_LIMIT_SECONDS="12", SWEEP_SECONDS="2")
    house.start()
    house.count_endings()
    eventually(house.has_read_its_demo, "the demo's photos are read")
    yield house
    house.stop()


def upload(house: Installation, visit: str, numbers: Iterable[int]) -> None:
    for number in numbers:
        house.upload(visit, portrait(number))


def assert_each_ended_once(house: Installation, visit: str, photos: int) -> None:
    """Wait for the end of every photo, then a little longer: a second end would come by then."""
    eventually(lambda: house.all_final(visit), f"{photos} photos are final\n{house.logs()}")
    time.sleep(2)
    endings = house.endings(visit)
    assert len(endings) == photos
    assert [states for states in endings.values() if len(states) != 1] == []
    assert set(house.states(visit)) <= set(FINAL)


def pictures(house: Installation) -> set[Path]:
    return {path for path in (house.var / "photos").rglob("*") if path.is_file()}


def running(house: Installation) -> bool:
    with house.database() as connection:
        return bool(connection.execute("SELECT 1 FROM inference_prediction WHERE state = 'running'").fetchone())


def is_back(house: Installation, killed: int) -> bool:
    return house.worker() not in (0, killed)


def test_worker_killed_in_the_middle_of_a_batch(house: Installation) -> None:
    photos, killed = 6, 0
    visit = house.new_visit()
    upload(house, visit, range(photos))
    while killed < KILLS:
        if house.all_final(visit):
            upload(house, visit, [photos])
            photos += 1
        if running(house) and (worker := house.worker()):
            os.kill(worker, signal.SIGKILL)
            killed += 1
            eventually(partial(is_back, house, worker), "the worker is back")
    assert_each_ended_once(house, visit, photos)


def test_broker_down_during_upload(house: Installation, broker: Broker) -> None:
    visit = house.new_visit()
    broker.stop()
    try:
        upload(house, visit, range(3))
        assert house.states(visit) == ["queued"] * 3
    finally:
        broker.start()
    assert_each_ended_once(house, visit, 3)
    assert house.states(visit) == ["done"] * 3


def test_broker_emptied(house: Installation, broker: Broker) -> None:
    visit = house.new_visit()
    pause(house, signal.SIGSTOP)
    try:
        upload(house, visit, range(4))
        broker.empty()
    finally:
        pause(house, signal.SIGCONT)
    assert_each_ended_once(house, visit, 4)
    assert house.states(visit) == ["done"] * 4


def test_photo_deleted_while_queued(house: Installation) -> None:
    visit = house.new_visit()
    pause(house, signal.SIGSTOP)
    try:
        upload(house, visit, range(2))
        gone, kept = house.photos(visit)
        house.ask("DELETE", f"photos/{gone['id']}/")
        worker = eventually(house.worker, "a worker is there")
    finally:
        pause(house, signal.SIGCONT)
    assert_each_ended_once(house, visit, 1)
    assert [photo["id"] for photo in house.photos(visit)] == [kept["id"]]
    assert house.worker() == worker


def test_database_held_for_longer_than_an_upload_waits(house: Installation) -> None:
    house.forget_key()  # the use of a new one is noted now, and not while the database is held
    visit = house.new_visit()
    before = pictures(house)
    with house.database() as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(urllib.error.HTTPError) as refused:
            upload(house, visit, [0])
    assert (refused.value.code, json.load(refused.value)["code"]) == (503, "busy")
    assert house.photos(visit) == []
    assert pictures(house) == before
    upload(house, visit, [0])
    assert_each_ended_once(house, visit, 1)


def test_sign_of_life_comes_before_hundreds_of_photos(house: Installation, broker: Broker) -> None:
    log = house.var / "log" / "worker.log"
    pause(house, signal.SIGSTOP)
    try:
        already = len(log.read_text())
        with celery_app.connection_for_write(broker.url) as connection:
            for _ in range(300):
                predict.apply_async((str(uuid4()),), connection=connection)  # type: ignore[call-arg]  # missing in the stubs
            beat_heart.apply_async(connection=connection)  # type: ignore[call-arg]  # likewise
    finally:
        pause(house, signal.SIGCONT)

    def begun() -> list[str]:
        """Return the names of the tasks that the worker took up since, in their order."""
        return re.findall(r"Task (\S+)\[\S+\] received", log.read_text()[already:])

    eventually(lambda: begun().count("inference.tasks.predict") >= 300, "every photo had its turn")
    assert begun().index("inference.health.beat_heart") < 10


def pause(house: Installation, number: signal.Signals) -> None:
    """Hold every worker process where it is, or let it go on.

    While we hold the database: a worker held in the middle of a transaction would keep everybody else from writing.
    """
    with house.database() as connection:
        connection.execute("BEGIN IMMEDIATE")
        for pid, command in house.processes().items():
            if " worker " in command:
                os.kill(pid, number)
