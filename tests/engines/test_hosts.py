"""Two hosts with folders of their own: the photos lie in an object store, and only the keys of patients are shared as files."""

import shutil
import signal
from collections.abc import Iterator

import pytest

from encryption.seal import MAGIC
from tests.engines.brokers import Broker
from tests.engines.installation import Installation, eventually
from tests.engines.object_store import ObjectStore
from tests.engines.portraits import portrait
from tests.engines.seed import seeded
from tests.engines.workers import Worker

pytestmark = pytest.mark.full
QUICK = {"READ_TIME_LIMIT_SECONDS": "10", "SWEEP_SECONDS": "2"}
"""A message that a paused worker holds is lost after seconds."""


@pytest.fixture
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """Yield a server that runs."""
    with ObjectStore(tmp_path_factory.mktemp("store")).running() as store:
        yield store


@pytest.fixture
def web(tmp_path_factory: pytest.TempPathFactory, store: ObjectStore) -> Iterator[Installation]:
    """Yield an installation whose photos were moved from its folder into the store, under the same names."""
    folder = tmp_path_factory.mktemp("hosts")
    with Broker("valkey", folder / "broker").running() as broker:
        installation = Installation(folder / "web", REDIS_URL=broker.url, **QUICK, **store.environment)
        shutil.copytree(seeded(tmp_path_factory), installation.var)
        shutil.copytree(installation.var / "photos", store.folder / store.bucket, dirs_exist_ok=True)
        shutil.rmtree(installation.var / "photos")
        with installation.running():
            yield installation


@pytest.mark.slow("starts an installation and a worker")
def test_photo_is_read_on_another_host_shown_and_gone_when_it_is_deleted(web: Installation, store: ObjectStore) -> None:
    before = store.objects()
    worker = Worker(web, web.var.with_name("other-host"), "other")
    worker.start()
    try:
        web.signal_workers(signal.SIGSTOP)  # only the other host can read it
        visit = web.new_visit()
        web.upload(visit, portrait(0))
        eventually(lambda: web.all_final(visit), f"the photo is read\n{worker.log.read_text()}")
        (photo,) = web.photos(visit)
        assert photo["prediction"]["state"] == "done"
        added = {name: content for name, content in store.objects().items() if name not in before}
        assert len(added) == 2
        assert all(content.startswith(MAGIC) for content in added.values())
        assert not (worker.folder / "photos").exists()
        assert not (web.var / "photos").exists()
        assert web.ask_raw("GET", f"photos/{photo['id']}/image/").startswith(b"\xff\xd8")
        web.ask("DELETE", f"photos/{photo['id']}/")
        assert store.objects() == before
    finally:
        web.signal_workers(signal.SIGCONT)
        worker.stop()
