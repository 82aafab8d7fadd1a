"""Faults: a locked or unreachable database is reported as such, to people in words and to programs with a code."""

import pytest
from django.db import OperationalError
from django.test import Client
from rest_framework.test import APIClient

from patients.models import AccessLog, ApiToken, Patient, User, Visit

pytestmark = pytest.mark.django_db


@pytest.fixture(params=[OperationalError("database is locked"), OSError("the disk is full")], ids=["busy", "fault"])
def expected(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, int, str | None]:
    """Make every access log entry fail. Return the expected code, status and Retry-After header."""
    error: Exception = request.param

    def fail(entry: AccessLog) -> None:
        raise error

    monkeypatch.setattr(AccessLog, "append", fail)
    return ("busy", 503, "5") if isinstance(error, OperationalError) else ("fault", 500, None)


def test_page(ada: User, ines: Patient, expected: tuple[str, int, str | None]) -> None:
    browser = Client(raise_request_exception=False)
    browser.force_login(ada)
    code, status, after = expected
    answer = browser.post(f"/patients/{ines.pk}/visits/new/", {"date": "2026-11-20"})
    text = answer.content.decode()
    assert (answer.status_code, answer.headers.get("Retry-After")) == (status, after)
    assert ("The database is not responding" in text) == (code == "busy")
    assert ("Ines" in text, answer.headers["Cache-Control"]) == (False, "no-store")
    assert not Visit.objects.exists()
    asked = browser.get(f"/patients/{ines.pk}/", headers={"Accept": "application/json"})
    assert (asked.status_code, asked.json()["code"], asked.json()["retry"]) == (status, code, True)


def test_interface(ada: User, ines: Patient, expected: tuple[str, int, str | None]) -> None:
    api = APIClient(headers={"Authorization": f"Bearer {ApiToken.issue(ada)}"}, raise_request_exception=False)
    code, status, after = expected
    answer = api.get(f"/api/v1/patients/{ines.pk}/")
    assert (answer.status_code, answer.headers.get("Retry-After"), answer.json()["code"]) == (status, after, code)
