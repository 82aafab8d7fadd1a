"""Studies: groups of patients who consent to research, seen by the people named in the study and by no one else."""

from __future__ import annotations

import base64
import hmac
import uuid
from datetime import date
from hashlib import sha256
from typing import ClassVar

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from encryption.keys import first_hash
from patients.models.consent import Consent
from patients.models.patient import Patient
from patients.models.user import User

LEAST_CELL = 3
"""The lowest value that a study may choose for its smallest cell."""


class Right(models.TextChoices):
    """What a member may do in a study, beyond seeing the group. The values are the fields of `StudyMember`."""

    EXPORT = "may_export", _("Export")
    CHANGE = "may_change", _("Change")


class StudyQuerySet(models.QuerySet["Study"]):
    """Queries on studies."""

    def of(self, user: User) -> StudyQuerySet:
        """Return the studies of which `user` is a member. No one else knows of them."""
        return self.filter(pk__in=StudyMember.objects.filter(person=user).values("study"))

    def open_to(self, user: User, right: str) -> StudyQuerySet:
        """Return the studies in which `user` has `right`, a value of Right."""
        return self.filter(pk__in=StudyMember.objects.filter(person=user, **{right: True}).values("study"))

    def recruiting(self) -> StudyQuerySet:
        """Return the studies that patients can join: with an ethics reference, and not closed."""
        return self.filter(closed_on=None).exclude(ethics_reference="")


class Study(models.Model):
    """A group of patients that is looked at as a group: its arms, its people, and the fields that its ethics board approved."""

    class Field(models.TextChoices):
        EXPRESSIONS = "expressions", _("Valence and expressions")
        SELF_REPORTS = "self_reports", _("Self-reports")
        QUALITY = "quality", _("Photo quality")
        EVENTS = "events", _("Events")
        AGE_BAND = "age_band", _("Age band")
        SEX = "sex", _("Sex as recorded")
        LABELS = "labels", _("Own labels")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(_("name"), max_length=120)
    ethics_reference = models.CharField(_("ethics reference"), max_length=60, blank=True)
    starts_on = models.DateField(_("first visits from"))
    closed_on = models.DateField(_("closed on"), null=True, blank=True)
    fields = models.JSONField(default=list)  # values of Field; what is not in it is neither drawn nor exported
    smallest_cell = models.PositiveSmallIntegerField(_("smallest cell"), default=5, validators=[MinValueValidator(LEAST_CELL)])
    lead = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    objects = StudyQuerySet.as_manager()

    class Meta:
        ordering = ("-starts_on", "name")
        constraints: ClassVar = [
            # Of one lead, not of all: the name of a study is no news to those who are not in it.
            models.UniqueConstraint(fields=["lead", "name"], name="one_study_per_lead_and_name"),
            models.CheckConstraint(condition=Q(smallest_cell__gte=LEAST_CELL), name="smallest_cell_is_large_enough"),
            models.CheckConstraint(condition=Q(closed_on=None) | Q(closed_on__gte=F("starts_on")), name="study_closes_after_start"),
        ]

    def __str__(self) -> str:
        return self.name

    def shows(self, field: str) -> bool:
        """Whether the study may use these values of its participants."""
        return field in self.fields

    def grants(self, user: User, right: str) -> bool:
        """Whether `user` has `right` in this study."""
        return self.members.filter(person=user, **{right: True}).exists()

    def number_of(self, patient: Patient) -> str:
        """Return the patient's study number: eight letters and digits.

        It is the same as long as the study and the patient exist, differs from study to study, and says nothing about the patient
        to anyone without the key of this installation.
        """
        key = first_hash(b"key of the study numbers:" + self.pk.bytes)
        digest = hmac.new(key.encode(), patient.pk.bytes, sha256).digest()
        return base64.b32encode(digest[:5]).decode()


class Arm(models.Model):
    """One arm of a study. A study with one group has one arm."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="arms")
    name = models.CharField(_("arm"), max_length=60)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ("position", "id")
        constraints: ClassVar = [models.UniqueConstraint(fields=["study", "name"], name="one_arm_per_name")]

    def __str__(self) -> str:
        return self.name


class StudyMember(models.Model):
    """One person who sees the group. A clinician among them can put their own patients into the study."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="members")
    person = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="study_memberships")
    may_export = models.BooleanField(default=False)
    may_change = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["study", "person"], name="one_study_membership")]

    def __str__(self) -> str:
        return f"{self.person_id} in {self.study_id}"


class ParticipationQuerySet(models.QuerySet["Participation"]):
    """Queries on participations."""

    def counted(self) -> ParticipationQuerySet:
        """Return those whose values the study may use now: consent to research was never withdrawn since, and is active."""
        consenting = Consent.objects.active().filter(purpose=Consent.Purpose.RESEARCH).values("patient")
        return self.filter(withdrawn_at=None, patient__in=consenting)

    def withdraw(self, patient: Patient) -> int:
        """End those of a patient who withdraws consent to research: nothing of theirs is used any more. Return how many."""
        return self.filter(patient=patient, withdrawn_at=None).update(withdrawn_at=timezone.now())


class Participation(models.Model):
    """One patient takes part in one study.

    ::

        taking part -> left (visits until then stay in the study)
        either      -> withdrawn (nothing is used any more) -> taking part, after a new consent

    """

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="participations")
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="participations")
    arm = models.ForeignKey(Arm, on_delete=models.PROTECT, related_name="participations")
    number = models.CharField(_("study number"), max_length=8)
    joined_on = models.DateField(_("joined"))
    left_on = models.DateField(_("left"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(null=True, blank=True)
    enrolled_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")

    objects = ParticipationQuerySet.as_manager()

    class Meta:
        ordering = ("number",)
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["study", "patient"], name="one_participation_per_study"),
            models.UniqueConstraint(fields=["study", "number"], name="one_patient_per_study_number"),
        ]

    def __str__(self) -> str:
        return f"{self.study_id} {self.number}"

    @property
    def is_current(self) -> bool:
        """Whether the patient takes part now."""
        return self.left_on is None and self.withdrawn_at is None

    def covers(self, day: date) -> bool:
        """Whether a visit on `day` belongs to the study. Needs the study, without a query after select_related."""
        last = min((each for each in (self.left_on, self.study.closed_on) if each), default=date.max)
        return self.study.starts_on <= day <= last


class GroupModel(models.Model):
    """The mixed model of a study as a worker computed it, with the checksum of the data that it holds for.

    `result` is what patients.studies.mixed.fit returns, and `participants`: the study numbers whose values are in it.
    """

    study = models.OneToOneField(Study, on_delete=models.CASCADE, related_name="group_model")
    checksum = models.CharField(max_length=64)
    result = models.JSONField()
    computed_at = models.DateTimeField(default=timezone.now)

    def __str__(self) -> str:
        return f"{self.study_id} {self.checksum[:8]}"
