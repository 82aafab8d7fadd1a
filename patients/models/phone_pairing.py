"""Hand-offs: a phone that may add photos to one visit for some minutes, without anybody signing in on it."""

from __future__ import annotations

import secrets
import uuid
from datetime import timedelta

from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from encryption.fields import keyed_hash
from patients.models.user import User
from patients.models.visit import Visit

OPENED_WITHIN = timedelta(minutes=5)
LASTS = timedelta(minutes=20)
"""How long a code waits for its phone, and how long the phone may then send photos."""
ARRIVES_WITHIN = timedelta(minutes=1)
"""How long after its end a photo may still arrive that was being opened."""
CODE_BYTES, KEY_BYTES = 16, 32


def sealed(secret: str) -> str:
    """Return what is stored of a code or a key."""
    return keyed_hash(b"hand-off:" + secret.encode())


class PhonePairingQuerySet(models.QuerySet["PhonePairing"]):
    """Questions to many pairings."""

    def going_on(self) -> PhonePairingQuerySet:
        """Return those that nobody has ended and whose time is not over."""
        return self.filter(closed_at=None, expires_at__gt=timezone.now())

    def open_with(self, code: str) -> str | None:
        """Return the key for the phone that shows `code`, and spend the code; None when it is unknown, spent, ended or late."""
        key, now = secrets.token_urlsafe(KEY_BYTES), timezone.now()
        waiting = self.going_on().filter(code_hash=sealed(code), opened_at=None)
        opened = waiting.update(opened_at=now, expires_at=now + LASTS, key_hash=sealed(key))
        return key if opened else None

    def of_phone(self, key: str) -> PhonePairing | None:
        """Return the pairing of a phone with `key`, also one that is over. It lets nobody in."""
        return self.filter(key_hash=sealed(key)).first()

    def with_key(self, key: str) -> PhonePairing | None:
        """Return the pairing that a phone with `key` may use now; None once the clinician may no longer see the visit."""
        found = self.going_on().filter(key_hash=sealed(key), clinician__is_active=True)
        phone_pairing = found.select_related("visit__patient", "clinician").first()
        is_theirs = phone_pairing and Visit.objects.visible_to(phone_pairing.clinician).filter(pk=phone_pairing.visit_id).exists()
        return phone_pairing if is_theirs else None


class PhonePairing(models.Model):
    """One phone and one visit. Neither the code in the picture nor the phone's key is stored, only their keyed hashes.

    ::

        waiting -> open -> over (the phone is done, the clinician ended it, or the time is up)
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
        """Return a new pairing and its code, which is shown once. Any other of the clinician's ends."""
        code = secrets.token_urlsafe(CODE_BYTES)
        with transaction.atomic():
            cls.objects.going_on().filter(clinician=clinician).update(closed_at=timezone.now())
            expires_at = timezone.now() + OPENED_WITHIN
            made = cls.objects.create(visit=visit, clinician=clinician, code_hash=sealed(code), expires_at=expires_at)
        return made, code

    @property
    def is_over(self) -> bool:
        """Whether no photo comes any more."""
        return self.closed_at is not None or self.expires_at <= timezone.now()

    @property
    def may_bring_photos(self) -> bool:
        """Whether a photo may come, if only one that was on its way at the end."""
        return (self.closed_at or self.expires_at) + ARRIVES_WITHIN > timezone.now()

    def close(self) -> None:
        """End it. Ended is ended: a second time changes nothing."""
        PhonePairing.objects.filter(pk=self.pk, closed_at=None).update(closed_at=timezone.now())
