"""What every fault is judged by: each photo becomes final, and once."""

import time

from tests.engines.installation import FINAL, Installation, eventually


def assert_each_ended_once(installation: Installation, visit: str, photos: int) -> None:
    """Wait until every photo is final, then a little longer, in case one becomes final twice."""
    eventually(lambda: installation.all_final(visit), f"{photos} photos are final\n{installation.logs()}")
    time.sleep(2)
    endings = installation.endings(visit)
    assert len(endings) == photos
    assert [states for states in endings.values() if len(states) != 1] == []
    assert set(installation.states(visit)) <= set(FINAL)
