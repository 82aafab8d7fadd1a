"""API keys: a program uses them to act in a person's name."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Case, F, Value, When
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from encryption.keys import stored_hash
from patients.models.user import User

DAYS = 90  # how long a key lasts when no one says otherwise
MOST_DAYS = 365
MARK = "afl_"  # what every key begins with
PREFIX_LENGTH = 10  # tells keys apart on a page and in the log; the 37 characters after it stay secret
MINUTE = timedelta(minutes=1)


class ApiTokenQuerySet(models.QuerySet["ApiToken"]):
    """Queries on keys."""

    def open(self) -> ApiTokenQuerySet:
        """Return the keys that neither were revoked nor have expired."""
        return self.filter(revoked_at=None, expires_at__gt=timezone.now())


class ApiToken(models.Model):
    """One key of one person. Only its keyed hash is stored: the key itself is shown once, when it is issued.

    It rests on the account that it was made for: it ends with the password, the role, the second factor or the account itself.
    """

    class Scope(models.TextChoices):
        READ = "read", _("Read only")
        WRITE = "write", _("Read and write")

    clinician = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    name = models.CharField(max_length=60, blank=True)  # empty: made before keys had names
    prefix = models.CharField(max_length=PREFIX_LENGTH, blank=True)  # empty: made before it was stored, and not used since
    key_hash = models.CharField(max_length=64, unique=True)
    scope = models.CharField(max_length=5, choices=Scope.choices, default=Scope.READ)
    role = models.CharField(max_length=13, choices=User.Role.choices)  # its owner's when it was made
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    last_network = models.CharField(max_length=43, blank=True)  # the caller's address, cut to /24 or /48
    minute = models.DateTimeField(null=True, blank=True)  # the last minute in which it was used, and how often
    requests = models.PositiveIntegerField(default=0)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    class Meta:
        ordering: ClassVar = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.pk} of {self.clinician_id}"

    @classmethod
    def issue(cls, clinician: User, name: str = "", scope: str = Scope.WRITE, days: int = DAYS) -> str:
        """Store a new key for `clinician` and return it."""
        key = MARK + secrets.token_urlsafe(32)
        now = timezone.now()
        cls.objects.create(
            clinician=clinician,
            name=name,
            prefix=prefix_of(key),
            key_hash=hash_of(key),
            scope=scope,
            role=clinician.role,
            created_at=now,
            expires_at=now + timedelta(days=days),
        )
        return key

    @classmethod
    def revoke_all(cls, clinician: User) -> int:
        """Revoke every open key of `clinician`; return how many there were."""
        return cls.objects.open().filter(clinician=clinician).update(revoked_at=timezone.now())

    @classmethod
    def find(cls, key: str) -> ApiToken | None:
        """Return the token of `key`, valid or not; None when there is none."""
        return cls.objects.filter(key_hash=hash_of(key)).first()

    def refusal(self, owner: User | None) -> str:
        """Return why the key no longer works, as a code; empty when it does. `owner` is None for a disabled account."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at <= timezone.now():
            return "expired"
        if owner is None:
            return "disabled"
        if owner.role != self.role:
            return "role"
        return "factor" if settings.MFA_REQUIRED and not owner.has_factor else ""

    def is_spent(self, now: datetime) -> bool:
        """Whether the key was used as often in this minute as it may."""
        return self.minute == minute_of(now) and self.requests >= settings.API_REQUESTS_PER_MINUTE

    def note_use(self, key: str, network: str, now: datetime) -> None:
        """Store when and from where the key was used. One statement: requests at the same time all count."""
        minute = minute_of(now)
        ApiToken.objects.filter(pk=self.pk).update(
            prefix=prefix_of(key),
            last_used_at=now,
            last_network=network,
            requests=Case(When(minute=minute, then=F("requests") + 1), default=Value(1)),
            minute=minute,
        )


def hash_of(key: str) -> str:
    """Return the hash that finds a key."""
    return stored_hash("API keys", key.encode())


def prefix_of(key: str) -> str:
    """Return what tells one key from another; empty for what is no key of ours: it may be a password."""
    return key[:PREFIX_LENGTH] if key.startswith(MARK) else ""


def minute_of(moment: datetime) -> datetime:
    """Return the beginning of the minute."""
    return moment.replace(second=0, microsecond=0)
