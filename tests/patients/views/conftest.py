"""Browsers of the cast."""

import pytest
from django.test import Client

from patients.models import Patient, User


@pytest.fixture
def browser(ada: User) -> Client:
    """Return the browser of Dr Ada, signed in."""
    client = Client()
    client.force_login(ada)
    return client


@pytest.fixture
def strange(bo: User, ines: Patient) -> Client:
    """Return the browser of Dr Bo, who is signed in and does not look after Ines."""
    client = Client()
    client.force_login(bo)
    return client
