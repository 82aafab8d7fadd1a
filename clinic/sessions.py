"""Sessions that store when they began and when they were last active."""

import time
from typing import Any

from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends import db

STARTED = "started_at"
SEEN = "seen_at"


class SessionStore(db.SessionStore):
    """Django's database session. From sign-in on, it stores two times, in seconds since 1970."""

    def create_model_instance(self, data: dict[str, Any]) -> Any:  # Any: Django's own signature
        """Return the row to save, with both times."""
        if SESSION_KEY in data:
            now = int(time.time())
            data.setdefault(STARTED, now)
            data.setdefault(SEEN, now)
        return super().create_model_instance(data)
