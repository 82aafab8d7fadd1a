"""Clients with a key."""

import pytest
from rest_framework.test import APIClient

from patients.models import ApiToken, User


@pytest.fixture
def foreign(bo: User) -> APIClient:
    """Return a client with Dr Bo's key."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {ApiToken.issue(bo)}")
    return client
