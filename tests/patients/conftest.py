"""What several rooms of the tests ask for."""

import pytest
from rest_framework.test import APIClient

from patients.models import ApiToken, User


@pytest.fixture
def api(ada: User) -> APIClient:
    """Return a program with a key of Dr Ada's."""
    return APIClient(headers={"Authorization": f"Bearer {ApiToken.issue(ada)}"})


@pytest.fixture
def queued(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that collects the ids of started tasks. Nothing reaches a broker."""
    ids: list[str] = []
    monkeypatch.setattr("patients.tasks.run.run_task.apply_async", lambda arguments, queue: ids.extend(arguments))
    return ids
