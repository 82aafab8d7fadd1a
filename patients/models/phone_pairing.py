"""Phone pairings: a phone that may add photos to one visit for some minutes, without a sign-in."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from encryption.keys import keyed_hash
from patients.models.user import User
from patients.models.visit import Visit

OPENED_WITHIN = timedelta(minutes=5)
LASTS = timedelta(minutes=20)
"""How long a code waits for its phone, and how long the phone may then send photos."""
ARRIVES_WITHIN = timedelta(minutes=1)
"""How long after the end a photo may still arrive: one that was being opened at that moment."""
CODE_BYTES, KEY_BYTES = 16, 32


def secret_hash(secret: str) -> str:
    """Return the keyed hash of a code or a key. Only the hash is stored."""
    return keyed_hash("secrets of phones", secret.encode())


class PhonePairingQuerySet(models.QuerySet["PhonePairing"]):
    """Queries on phone pairings."""

    def going_on(self) -> PhonePairingQuerySet:
        """Return the pairings that were not ended and have not expired."""
        return self.filter(closed_at=None, expires_at__gt=timezone.now())

    def open_with(self, code: str) -> str | None:
        """Use up `code` and return a key for the phone; None when the code is unknown, used, ended or expired."""
        key, now = secrets.token_urlsafe(KEY_BYTES), timezone.now()
        waiting = self.going_on().filter(code_hash=secret_hash(code), opened_at=None)
        opened = waiting.update(opened_at=now, expires_at=now + LASTS, key_hash=secret_hash(key))
        return key if opened else None

    def of_phone(self, key: str) -> PhonePairing | None:
        """Return the pairing of the phone that holds `key`, even one that is over; None for an unknown key.

        It grants no access: see `with_key`.
        """
        return self.filter(key_hash=secret_hash(key)).first()

    def with_key(self, key: str) -> PhonePairing | None:
        """Return the pairing that the phone with `key` may use now.

        None when it is unknown or over, or when its clinician can no longer see the visit.
        """
        found = self.going_on().filter(key_hash=secret_hash(key), clinician__is_active=True)
        phone_pairing = found.select_related("visit__patient", "clinician").first()
        is_theirs = phone_pairing and Visit.objects.sought_by(phone_pairing.clinician).filter(pk=phone_pairing.visit_id).exists()
        return phone_pairing if is_theirs else None


class PhonePairing(models.Model):
    """One phone paired with one visit. Of the QR code's content and the phone's key, only keyed hashes are stored.

    ::

        waiting -> open -> over (ended by the phone or by the clinician, or expired)
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="phone_pairings")
    clinician = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    code_hash = models.CharField(max_length=64, unique=True)
    key_hash = models.CharField(max_length=64, unique=True, null=True, blank=True)
    made_at = models.DateTimeField(default=timezone.now)
    opened_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = PhonePairingQuerySet.as_manager()

    class Meta:
        ordering = ("-made_at",)

    def __str__(self) -> str:
        return str(self.pk)

    @classmethod
    def make(cls, visit: Visit, clinician: User) -> tuple[PhonePairing, str]:
        """Return a new pairing and its code, which is shown once. Ends every other pairing of the clinician."""
        code = secrets.token_urlsafe(CODE_BYTES)
        with transaction.atomic():
            cls.objects.going_on().filter(clinician=clinician).update(closed_at=timezone.now())
            expires_at = timezone.now() + OPENED_WITHIN
            pairing = cls.objects.create(visit=visit, clinician=clinician, code_hash=secret_hash(code), expires_at=expires_at)
        return pairing, code

    @property
    def is_over(self) -> bool:
        """Whether it was ended or has expired."""
        return self.closed_at is not None or self.expires_at <= timezone.now()

    @property
    def may_bring_photos(self) -> bool:
        """Whether photos may still arrive, if only those that were being opened at the end."""
        return (self.closed_at or self.expires_at) + ARRIVES_WITHIN > timezone.now()

    def close(self) -> None:
        """End the pairing. A second call changes nothing."""
        PhonePairing.objects.filter(pk=self.pk, closed_at=None).update(closed_at=timezone.now())
