"""A rolling update: no photo fails, and none is read twice."""

import contextlib
import json
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from ml.serve.reader import WEIGHTS
from tests.engines.brokers import Broker
from tests.engines.installation import Installation, eventually
from tests.engines.portraits import portrait
from tests.engines.seed import seeded
from tests.engines.workers import Worker
from tests.faults.endings import assert_each_ended_once

pytestmark = [pytest.mark.full, pytest.mark.slow("starts installations and workers")]

OLDER = "0.4.9"
QUEUED = 30
QUICK = {"READ_TIME_LIMIT_SECONDS": "10", "SWEEP_SECONDS": "2", "DATABASE_WAIT_SECONDS": "4"}


@contextlib.contextmanager
def started(var: Path, seed: Path, **environment: str) -> Iterator[Installation]:
    """Yield an installation with a broker of its own, which counts how often each photo becomes final."""
    broker = Broker("valkey", var.with_name(f"{var.name}-broker"))
    broker.start()
    installation = Installation(var, REDIS_URL=broker.url, **QUICK, **environment)
    try:
        installation.start_from(seed)
        installation.count_endings()
        yield installation
    finally:
        installation.stop()
        broker.stop()


@pytest.fixture(scope="module")
def seed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of an installation that has stopped."""
    return seeded(tmp_path_factory)


def older_weights(folder: Path) -> Path:
    """Return a copy of the weights that calls itself an older version."""
    shutil.copytree(WEIGHTS, folder)
    card = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(card | {"version": OLDER}))
    return folder


def read_by(installation: Installation, visit: str, version: str) -> int:
    """Return how many readings of a visit are by this model."""
    return [(photo["prediction"]["state"], photo["prediction"]["model_version"]) for photo in installation.photos(visit)].count(
        ("done", version)
    )


def test_rolling_update_fails_no_photo_and_each_reading_names_its_model(seed: Path, tmp_path: Path) -> None:
    """A worker of the new model starts beside one of the older; the older ends while photos are queued."""
    newer = json.loads((WEIGHTS / "model.json").read_text())["version"]
    with started(tmp_path / "var", seed) as installation:
        visit = installation.new_visit()
        older = Worker(installation, tmp_path / "older", "older", MODEL_DIR=str(older_weights(tmp_path / "weights")))
        updated = Worker(installation, tmp_path / "updated", "updated")
        both = (older, updated)
        for worker in both:
            worker.start()
        installation.signal_workers(signal.SIGSTOP)  # these two alone
        for worker in both:
            worker.pause(signal.SIGSTOP)
        for number in range(QUEUED):
            installation.upload(visit, portrait(number))
        assert installation.states(visit) == ["queued"] * QUEUED
        for worker in both:
            worker.pause(signal.SIGCONT)
        eventually(lambda: read_by(installation, visit, OLDER), f"the older one reads\n{older.log.read_text()}")
        older.ask_to_end()
        waiting = installation.states(visit).count("queued")
        older.stop()
        assert_each_ended_once(installation, visit, QUEUED)
        updated.stop()
        installation.signal_workers(signal.SIGCONT)
        assert waiting, "the older worker ended too late to prove anything"
        assert installation.states(visit) == ["done"] * QUEUED
        by_older, by_newer = (read_by(installation, visit, version) for version in (OLDER, newer))
        assert by_older + by_newer == QUEUED
        assert min(by_older, by_newer) > 0
