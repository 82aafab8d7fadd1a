"""Verifies the access log each night. A fault turns the page Health red, and administrators are told."""

from __future__ import annotations

import logging
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import islice

from celery import shared_task
from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from patients.audit.chain import find_faults
from patients.audit.head import read_head
from patients.audit.shipping import first_unsent, kept_heads
from patients.care.notices import Told, administrators, tell
from patients.models import AccessLog

log = logging.getLogger(__name__)

RESULT = "access-log-verified"
OLD_AFTER = timedelta(hours=26)
MOST_FAULTS = 20
TIME_LIMIT_SECONDS = 6 * 3600


@dataclass(frozen=True)
class Verified:
    """What the last check found: how many entries, and the first faults."""

    at: datetime
    entries: int
    faults: int

    @property
    def is_well(self) -> bool:
        """Whether the check is of the last day and found nothing."""
        return not self.faults and abs(timezone.now() - self.at) < OLD_AFTER


@dataclass(frozen=True)
class LogState:
    """What the page Health says of the access log."""

    verified: Verified | None
    is_shipped: bool
    unsent: int | None  # the first entry that waits to be sent
    is_open: bool | None  # whether our own database role could change it; None where a database has no roles
    is_new: bool  # younger than a day: no night has passed yet

    @property
    def is_well(self) -> bool:
        """Whether the last check is of the last day and found nothing, or the log is too young for one."""
        return self.verified.is_well if self.verified else self.is_new


def log_state() -> LogState:
    """Return the state of the log."""
    first = AccessLog.objects.order_by("sequence").first()
    is_new = first is None or timezone.now() - first.at < OLD_AFTER
    return LogState(last_verified(), bool(settings.LOG_SHIP), first_unsent(), is_open_to_change(), is_new)


def is_open_to_change() -> bool | None:
    """Return whether our own database role could change or remove entries (deploy/postgres/roles.sql); None on SQLite."""
    if connection.vendor != "postgresql":
        return None
    table = AccessLog._meta.db_table
    with connection.cursor() as cursor:
        # The owner of a table may give itself any right on it.
        cursor.execute(
            "SELECT has_table_privilege(%s, 'UPDATE, DELETE, TRUNCATE')"
            " OR pg_has_role((SELECT relowner FROM pg_class WHERE oid = %s::regclass), 'MEMBER')",
            [table, table],
        )
        return bool(cursor.fetchone()[0])


def last_verified() -> Verified | None:
    """Return what the last check found; None before the first."""
    stored = cache.get(RESULT)
    return Verified(datetime.fromisoformat(stored["at"]), stored["entries"], stored["faults"]) if stored else None


# Acknowledged at once: it may run longer than the broker waits before it delivers a task again.
@shared_task(acks_late=False, soft_time_limit=TIME_LIMIT_SECONDS - 5, time_limit=TIME_LIMIT_SECONDS)
def verify_log() -> None:
    """Verify every entry, against the heads that are known outside the database too, and keep what was found."""
    faults = list(islice(find_faults(kept_heads()), MOST_FAULTS))
    found = Verified(timezone.now(), read_head().sequence, len(faults))
    cache.set(RESULT, asdict(found) | {"at": found.at.isoformat()}, timeout=None)
    if faults:
        log.error("The access log was tampered with: %s", "; ".join(f"{fault.kind} at {fault.sequence}" for fault in faults))
        tell(administrators(), Told("log_fault"))
