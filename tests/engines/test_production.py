"""The engines of production: PostgreSQL and Redis in place of the embedded ones."""

from collections.abc import Iterator

import pytest

from tests.engines.brokers import Broker
from tests.engines.installation import Installation, eventually
from tests.engines.portraits import portrait
from tests.engines.postgres import postgres


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Yield an installation on PostgreSQL and Redis."""
    folder = tmp_path_factory.mktemp("production")
    broker = Broker("redis", folder / "redis")
    broker.start()
    with postgres() as database_url:
        house = Installation(folder / "var", DATABASE_URL=database_url, REDIS_URL=broker.url)
        try:
            house.start()
            yield house
        finally:
            house.stop()
            broker.stop()


def test_photo_is_read_over_redis_into_postgresql(house: Installation) -> None:
    visit = house.new_visit()
    for number in range(3):
        house.upload(visit, portrait(number))
    eventually(lambda: house.all_final(visit), "three photos are read")
    assert house.states(visit) == ["done"] * 3


def test_embedded_engines_stay_away(house: Installation) -> None:
    assert not [command for command in house.processes().values() if "valkey" in command]
    assert not (house.var / "db.sqlite3").exists()
