"""How much of a request is read: nothing of one that is refused anyway."""

from typing import Any

import pytest
from django.test import Client

from patients.models import User, Visit

pytestmark = pytest.mark.django_db


class Unread:
    """A body that must not be read."""

    def read(self, *_: object) -> bytes:
        raise AssertionError("the body was read")

    readline = read


def send(client: Client, path: str, size: int = 90_000_000) -> int:
    """Return the status of a request that announces a body of this size."""
    client.cookies["csrf"] = "a" * 32
    extra: Any = {"wsgi.input": Unread(), "CONTENT_LENGTH": str(size)}  # Any: the environment of WSGI
    return client.generic("POST", path, b"", "multipart/form-data; boundary=x", **extra).status_code


@pytest.fixture
def stranger() -> Client:
    """Return a browser that no one has signed in with, where CSRF protection is on."""
    return Client(enforce_csrf_checks=True)


def test_photos_of_a_stranger_are_not_read(stranger: Client, visit: Visit) -> None:
    assert send(stranger, f"/visits/{visit.pk}/photos/") == 302  # to sign-in
    assert send(stranger, f"/patients/{visit.patient_id}/import/") == 302
    assert send(stranger, f"/api/v1/visits/{visit.pk}/photos/") == 401


def test_photos_of_a_phone_without_a_pairing_are_not_read(stranger: Client) -> None:
    assert send(stranger, "/phone/") == 410


def test_more_than_an_address_takes_is_not_read(stranger: Client, ada: User, visit: Visit) -> None:
    assert send(stranger, "/accounts/login/", 4_000_001) == 413
    assert send(stranger, "/accounts/password/reset/", 4_000_001) == 413
    stranger.force_login(ada)
    assert send(stranger, f"/visits/{visit.pk}/note/", 4_000_001) == 413
    assert send(stranger, f"/visits/{visit.pk}/photos/", 100_000_001) == 413
    assert send(stranger, f"/api/v1/visits/{visit.pk}/photos/", 100_000_001) == 413
