"""API keys: a program uses them to act in a clinician's name."""

from __future__ import annotations

import secrets

from django.conf import settings
from django.db import models
from django.utils import timezone

from encryption.fields import keyed_hash
from patients.models.user import User


class ApiToken(models.Model):
    """One key of one clinician. Only its keyed hash is stored: the key itself is shown once, when it is issued."""

    clinician = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens")
    key_hash = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return f"{self.pk} of {self.clinician_id}"

    @classmethod
    def issue(cls, clinician: User) -> str:
        """Store a new key for `clinician` and return it."""
        key = "afl_" + secrets.token_urlsafe(32)
        cls.objects.create(clinician=clinician, key_hash=keyed_hash(key.encode()))
        return key

    @classmethod
    def revoke_all(cls, clinician: User) -> int:
        """Revoke every active key of `clinician`; return how many there were."""
        return cls.objects.filter(clinician=clinician, revoked_at=None).update(revoked_at=timezone.now())

    @classmethod
    def find(cls, key: str) -> ApiToken | None:
        """Return the token of `key`; None when it is unknown or revoked, or its clinician is inactive."""
        tokens = cls.objects.select_related("clinician").filter(revoked_at=None, clinician__is_active=True)
        return tokens.filter(key_hash=keyed_hash(key.encode())).first()
