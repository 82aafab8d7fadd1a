"""The production engines: PostgreSQL and Redis instead of the embedded ones."""

from collections.abc import Iterator

import pytest

from tests.engines.brokers import Broker
from tests.engines.installation import Installation, eventually
from tests.engines.portraits import portrait
from tests.engines.postgres import postgres


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Yield an installation on PostgreSQL and Redis."""
    folder = tmp_path_factory.mktemp("production")
    with (
        postgres() as database_url,
        Broker("redis", folder / "redis").running() as broker,
        Installation(folder / "var", DATABASE_URL=database_url, REDIS_URL=broker.url).running() as installation,
    ):
        yield installation


@pytest.mark.slow("starts a worker and reads a photo")
def test_photo_is_read_over_redis_into_postgresql(installation: Installation) -> None:
    visit = installation.new_visit()
    for number in range(3):
        installation.upload(visit, portrait(number))
    eventually(lambda: installation.all_final(visit), "three photos are read")
    assert installation.states(visit) == ["done"] * 3


def test_embedded_engines_stay_away(installation: Installation) -> None:
    assert not [command for command in installation.processes().values() if "valkey" in command]
    assert not (installation.var / "db.sqlite3").exists()
