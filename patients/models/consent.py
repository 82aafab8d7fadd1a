"""Consent: what a patient agreed to, in which wording, how and when, and when they withdrew it."""

from __future__ import annotations

from datetime import date
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from patients.models.patient import Patient
from patients.models.user import User


class ConsentQuerySet(models.QuerySet["Consent"]):
    """Queries on consents."""

    def active(self) -> ConsentQuerySet:
        """Return the consents that were neither withdrawn nor replaced."""
        return self.filter(withdrawn_at=None, replaced_at=None)


class Consent(models.Model):
    """One patient's consent to one purpose. A row is never edited: a withdrawal ends it, and a new consent is a new row.

    ::

        active -> withdrawn
               -> replaced, by a consent to a newer text
    """

    class Purpose(models.TextChoices):
        CARE = "care", _("Care")
        RESEARCH = "research", _("Research")
        TEACHING = "teaching", _("Teaching")

    class Method(models.TextChoices):
        SIGNED = "signed", _("Signed on paper")
        ELECTRONIC = "electronic", _("Signed electronically")
        SPOKEN = "spoken", _("Verbal, documented in the record")
        REPRESENTATIVE = "representative", _("Signed by a legal representative")

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="consents")
    purpose = models.CharField(_("purpose"), max_length=10, choices=Purpose.choices)
    text_version = models.CharField(_("version of the text"), max_length=40)
    words = models.TextField(_("words of the text"), blank=True)  # the wording at that time; empty where it is no longer known
    method = models.CharField(_("how"), max_length=20, choices=Method.choices)
    given_on = models.DateField(_("date"))
    recorded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField(default=timezone.now)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    withdrawn_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    replaced_at = models.DateTimeField(null=True, blank=True)

    objects = ConsentQuerySet.as_manager()

    class Meta:
        ordering = ("-recorded_at", "-id")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["patient", "purpose"],
                condition=Q(withdrawn_at=None, replaced_at=None),
                name="one_active_consent_per_purpose",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at=None, withdrawn_by=None) | Q(withdrawn_at__isnull=False, withdrawn_by__isnull=False),
                name="withdrawal_says_who_recorded_it",
            ),
            models.CheckConstraint(condition=Q(withdrawn_at=None) | Q(replaced_at=None), name="consent_ends_once"),
        ]

    def __str__(self) -> str:
        return f"{self.patient_id} {self.purpose}"

    @property
    def is_active(self) -> bool:
        """Whether it was neither withdrawn nor replaced."""
        return self.withdrawn_at is None and self.replaced_at is None

    @classmethod
    def give(
        cls,
        patient: Patient,
        purpose: str,
        by: User,
        on: date,
        method: str = Method.SIGNED,
        text_version: str | None = None,
        words: str = "",
    ) -> Consent:
        """Record and return a new consent. Raises IntegrityError when there is an active one for this purpose."""
        version = settings.CONSENT_TEXT_VERSION if text_version is None else text_version
        return cls.objects.create(
            patient=patient, purpose=purpose, text_version=version, words=words, method=method, given_on=on, recorded_by=by
        )

    def end(self, by: User) -> bool:
        """Record that the patient withdrew the consent. Return False when it was withdrawn before."""
        active = Consent.objects.active().filter(pk=self.pk)
        return bool(active.update(withdrawn_at=timezone.now(), withdrawn_by=by))
