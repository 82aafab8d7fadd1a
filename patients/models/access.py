"""The access log: entries are only ever added, and each is sealed together with the one before."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from encryption import patient_keys
from encryption.keys import first_hash, keyed_hash
from encryption.seal import SealBroken

Detail = dict[str, str | int | bool | None]

FIRST_SEAL = "0" * 64  # stands in for the seal before the first entry
CHAIN_LOCK = 0x41464C  # PostgreSQL's advisory lock for adding an entry; any number that nothing else uses
DETAIL_MAX_LENGTH = 100
INSERT_BATCH_SIZE = 500  # entries per INSERT


def pseudonym(patient_id: UUID) -> str:
    """Return the patient's pseudonym in the access log: 32 hex digits that cannot be reversed and outlive an erasure."""
    return first_hash(b"patient in the access log:" + patient_id.bytes)[:32]


def object_name(patient_id: UUID, key: UUID) -> str:
    """Return what names a row of a patient in the access log: 32 hex digits; empty when the patient has no keys.

    It is made with a key that an erasure destroys: after that, no one can tell which visit or photo of an older export it was.
    """
    try:
        log_key = patient_keys.find(patient_id).log_key
    except SealBroken:
        return ""
    return hmac.new(log_key, key.bytes, sha256).hexdigest()[:32]


class AccessLogQuerySet(models.QuerySet["AccessLog"]):
    """Queries on the access log. None changes an entry."""

    def about(self, patient: models.Model) -> AccessLogQuerySet:
        """Return the entries about one patient, newest first."""
        return self.filter(patient=pseudonym(patient.pk)).order_by("-sequence")

    def without_pictures(self) -> AccessLogQuerySet:
        """Leave out the entries of pictures. A picture belongs to a page, and the page has an entry of its own."""
        return self.exclude(action=AccessLog.Action.IMAGE)

    def update(self, **fields: object) -> int:
        """Raise TypeError: an entry never changes."""
        raise TypeError("An entry of the access log never changes.")

    def delete(self) -> tuple[int, dict[str, int]]:
        """Raise TypeError: an entry is never deleted."""
        raise TypeError("An entry of the access log is never deleted.")


class AccessLog(models.Model):
    """One entry: who did what to whose data, and when. It holds no patient's name, and no address or picture.

    `seal` is a keyed hash over this entry and the seal before it, so an entry that is changed, removed or moved breaks every seal
    after it. Triggers in the database refuse UPDATE and DELETE; someone who gets around them still lacks the key.
    """

    class Action(models.TextChoices):
        LIST = "list", _("Listed patients")
        VIEW = "view", _("Opened")
        IMAGE = "image", _("Viewed an image")
        ADD = "add", _("Added")
        UPLOAD = "upload", _("Added a photo")
        EDIT = "edit", _("Changed")
        MOVE = "move", _("Moved to another visit")
        EXCLUDE = "exclude", _("Excluded a photo")
        INCLUDE = "include", _("Included a photo again")
        CHOOSE_FACE = "choose_face", _("Chose a face")
        RETRY = "retry", _("Re-analysed")
        DISMISS = "dismiss", _("Dismissed an unusable photo")
        LABEL = "label", _("Labelled a photo")
        EXPLAIN = "explain", _("Viewed which areas mattered")
        DELETE = "delete", _("Deleted")
        EXPORT = "export", _("Exported")
        CONSENT = "consent", _("Recorded consent")
        WITHDRAW = "withdraw", _("Recorded that consent was withdrawn")
        ERASE = "erase", _("Requested an erasure")
        ERASE_STOPPED = "erase_stopped", _("Stopped an erasure")
        ERASED = "erased", _("Erased")
        PERMISSION = "permission", _("Changed access")
        TRY_NUMBER = "try_number", _("Entered the record number")
        BREAK_GLASS = "break_glass", _("Opened in an emergency")
        SIGN_IN = "sign_in", _("Signed in")
        SIGN_IN_FAILED = "sign_in_failed", _("Failed to sign in")
        SIGN_OUT = "sign_out", _("Signed out")

    sequence = models.BigIntegerField(primary_key=True)  # 1, 2, 3 without a gap
    at = models.DateTimeField()
    action = models.CharField(max_length=20, choices=Action.choices)
    # No constraint: an account may be deleted, and its entries stay as they were sealed.
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.DO_NOTHING, db_constraint=False, related_name="+", db_index=False
    )
    # The name of the account at that time: a later one does not rewrite the log. Empty before 30 November 2026, and for the system.
    actor_name = models.CharField(max_length=100, blank=True)
    patient = models.CharField(max_length=32, blank=True)  # pseudonym()
    object_kind = models.CharField(max_length=20, blank=True)  # visit, photo, user
    object_id = models.CharField(max_length=36, blank=True)  # object_name() of a patient's row; before 30 November 2026 its id
    request_id = models.CharField(max_length=32, blank=True)  # the same for all entries of one request
    network = models.CharField(max_length=43, blank=True)  # the client's address, cut to /24 or /48
    detail = models.JSONField(default=dict, blank=True)
    seal = models.CharField(max_length=64)

    objects = AccessLogQuerySet.as_manager()

    class Meta:
        ordering = ("sequence",)
        indexes: ClassVar = [
            models.Index(fields=["patient", "sequence"], name="access_by_patient"),
            models.Index(fields=["object_id", "sequence"], name="access_by_object"),
        ]

    def __str__(self) -> str:
        return f"{self.sequence} {self.action}"

    @classmethod
    def append(cls, entry: AccessLog) -> AccessLog:
        """Add `entry` to the end of the chain, seal it and return it. Other writers wait until our transaction ends."""
        cls.append_all([entry])
        return entry

    @classmethod
    def append_all(cls, entries: Sequence[AccessLog]) -> None:
        """Add `entries` to the end of the chain, in order. The number of statements hardly grows with their number."""
        if not entries:
            return
        with transaction.atomic():
            before, seal_before = cls._locked_end()
            for entry in entries:
                entry.sequence, entry.at = before + 1, timezone.now()
                entry.seal = entry.sealed_after(seal_before)
                before, seal_before = entry.sequence, entry.seal
            for start in range(0, len(entries), INSERT_BATCH_SIZE):
                cls._insert(entries[start : start + INSERT_BATCH_SIZE])

    @classmethod
    def _locked_end(cls) -> tuple[int, str]:
        """Return sequence and seal of the last entry. No one else adds one before the end of the transaction."""
        end = f"SELECT sequence, seal FROM {connection.ops.quote_name(cls._meta.db_table)} ORDER BY sequence DESC LIMIT 1"
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                # One message with two statements: the second sees what was written until the lock was free.
                cursor.execute(f"SELECT pg_advisory_xact_lock({CHAIN_LOCK}); {end}")
                cursor.nextset()
            else:
                # SQLite: the transaction began IMMEDIATE, so no one else writes.
                cursor.execute(end)
            return cursor.fetchone() or (0, FIRST_SEAL)

    @classmethod
    def _insert(cls, entries: Sequence[AccessLog]) -> None:
        """Insert the entries by one statement, in a third of the time that `bulk_create` takes: a caseload has thousands."""
        names, ops = [field.attname for field in cls._meta.concrete_fields], connection.ops
        adapt: dict[str, Callable[[Any], Any]] = {  # Any: a field's value, and what the database takes
            "at": ops.adapt_datetimefield_value,
            "detail": lambda detail: ops.adapt_json_value(detail, None),
        }
        held = ((name, getattr(entry, name)) for entry in entries for name in names)
        values = [adapt[name](value) if name in adapt else value for name, value in held]
        columns = ", ".join(map(ops.quote_name, names))
        rows = ", ".join([f"({', '.join(['%s'] * len(names))})"] * len(entries))
        insert = f"INSERT INTO {ops.quote_name(cls._meta.db_table)} ({columns}) VALUES {rows}"  # nosec B608  # holds no value
        with connection.cursor() as cursor:
            cursor.execute(insert, values)
        for entry in entries:
            entry._state.adding, entry._state.db = False, connection.alias

    def sealed_after(self, seal_before: str, is_former: bool = False) -> str:
        """Return the seal of this entry, given the seal of the entry before it.

        `is_former`: as it was before seals had a key of their own (ADR 0131).
        """
        facts = [
            self.sequence,
            moment(self.at),
            self.action,
            self.actor_id,
            self.patient,
            self.object_kind,
            self.object_id,
            self.request_id,
            self.network,
            self.detail,
        ]
        if self.actor_name:  # entries from before it was kept have seals without it
            facts.append(self.actor_name)
        text = json.dumps(facts, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        content = f"access log:{seal_before}:{text}".encode()
        return first_hash(content) if is_former else keyed_hash("seals of the access log", content)

    def save(self, *args: object, **kwargs: object) -> None:
        """Insert the entry. Raises TypeError when it is stored already."""
        if not kwargs.get("force_insert") or not self._state.adding:
            raise TypeError("An entry of the access log is added by AccessLog.append and never changes.")
        super().save(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came

    def delete(self, *args: object, **kwargs: object) -> tuple[int, dict[str, int]]:
        """Raise TypeError: an entry is never deleted."""
        raise TypeError("An entry of the access log is never deleted.")


def moment(at: datetime) -> str:
    """Return the time as ISO 8601 text, in UTC and with microseconds: the same text on every database."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")
