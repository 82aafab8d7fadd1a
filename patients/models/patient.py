"""Patients, their clinicians, and when each clinician last viewed them."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from functools import reduce
from operator import or_
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from encryption.fields import EncryptedDateField, EncryptedTextField
from encryption.keys import stored_hash
from encryption.sealing import Sealing
from patients.models.identifiers import canonical_number
from patients.models.names import NameField
from patients.models.user import User


def record_number_hash(record_number: str) -> str:
    """Return the hash that finds a record number, however it was typed."""
    return stored_hash("record numbers", canonical_number(record_number).encode())


Way = models.QuerySet[Any]  # of rows that name a patient: assignments, assignments to teams, emergency accesses


def _care_of(user: User) -> tuple[Way, ...]:
    by_team = Patient.teams.through.objects.filter(team__memberships__clinician=user)
    return Assignment.objects.filter(clinician=user), by_team


def _ways_to(user: User) -> tuple[Way, ...]:
    return _care_of(user) if user.is_program else (*_care_of(user), user.break_glasses.open().order_by())


def ids_visible_to(user: User) -> Way:
    """Return the ids of the patients whom `user` sees, for a query that begins with another table than patients."""
    return _ids(*_ways_to(user)) if user.is_clinician else Patient.objects.none().values("pk")


def _ids(first: Way, *others: Way) -> Way:
    """Return the ids of the patients of these rows: as a union, databases read the rows once and then each patient by its id."""
    return first.values("patient").union(*(way.values("patient") for way in others), all=True)


def cared_for(user: User, patient: str) -> Q:
    """Return the condition that a patient is in the regular care of `user`. The path `patient` leads to them from a row."""
    return _any_of(_care_of(user), patient) if user.is_clinician else Q(pk__in=())


def seen(user: User, patient: str) -> Q:
    """Return the condition that `user` sees a patient. The path `patient` leads to them from a row."""
    return _any_of(_ways_to(user), patient) if user.is_clinician else Q(pk__in=())


def _any_of(ways: Iterable[Way], patient: str) -> Q:
    """Return the condition that one of the ways leads to the patient. It takes the same for any caseload."""
    return reduce(or_, (Q(Exists(way.filter(patient=OuterRef(patient)))) for way in ways))


class PatientQuerySet(models.QuerySet["Patient"]):
    """Queries on patients."""

    def in_care_of(self, user: User) -> PatientQuerySet:
        """Return the patients assigned to `user` or to one of their care teams; none unless `user` is a clinician."""
        return self.filter(pk__in=_ids(*_care_of(user))) if user.is_clinician else self.none()

    def visible_to(self, user: User) -> PatientQuerySet:
        """Return the patients in the care of `user`, and those open to them by emergency access, which the API does not know.

        Every query for a patient's data goes through this method or `seen`: no other code decides who sees whom.
        """
        return self.filter(pk__in=ids_visible_to(user))

    def sought_by(self, user: User) -> PatientQuerySet:
        """Return the same patients as `visible_to`, for a query that names a few of them by their ids.

        It asks about each of these alone: its cost does not depend on how many patients `user` sees.
        """
        return self.filter(seen(user, "pk"))

    def without_carer(self) -> PatientQuerySet:
        """Return the patients without an active clinician, assigned directly or through a team.

        Leaves out anonymised patients, who need none.
        """
        able = User.objects.filter(is_active=True, role=User.Role.CLINICIAN)
        by_name = able.filter(assignments__patient=OuterRef("pk"))
        by_team = able.filter(memberships__team__assignments__patient=OuterRef("pk"))
        return self.exclude(name="").exclude(Exists(by_name) | Exists(by_team))

    def with_record_number(self, record_number: str) -> PatientQuerySet:
        """Return those with this record number, however it is typed: one, or twins from before numbers were compared so."""
        return self.filter(record_number_hash=record_number_hash(record_number))


class Patient(models.Model):
    """A person in care. Name and record number are encrypted: sort and search the decrypted caseload in Python."""

    class Sex(models.TextChoices):
        FEMALE = "female", pgettext_lazy("sex", "female")
        MALE = "male", pgettext_lazy("sex", "male")
        OTHER = "other", pgettext_lazy("sex", "other")

    sealing: ClassVar = Sealing("pk")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = NameField(_("name"))
    record_number = NameField(_("record number"))
    record_number_hash = models.CharField(max_length=64, editable=False)
    # 0, but for patients who had the number of another in another spelling when the canonical form came in (migration 0091).
    record_number_twin = models.PositiveIntegerField(default=0, editable=False)
    birth_date = EncryptedDateField(_("date of birth"))
    sex = EncryptedTextField(_("sex as recorded"), blank=True, choices=Sex.choices)  # as the clinic's own record has it
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    clinicians = models.ManyToManyField(settings.AUTH_USER_MODEL, through="Assignment", related_name="patients")
    # Replaced by a lead, or by handing over with a confirmation (patients/care/responsible.py).
    responsible = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, editable=False, on_delete=models.PROTECT, related_name="+")

    objects = PatientQuerySet.as_manager()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["record_number_hash", "record_number_twin"], name="one_patient_per_record_number")
        ]

    def __str__(self) -> str:
        return str(self.id)  # never the name: this text reaches logs

    def save(self, *args: object, **kwargs: object) -> None:
        """Save, with the hash that finds the record number. A new number has no twin: the database refuses a taken one."""
        hashed = record_number_hash(self.record_number)
        if hashed != self.record_number_hash:
            self.record_number_hash, self.record_number_twin = hashed, 0
        fields = kwargs.get("update_fields")
        if isinstance(fields, list | tuple) and "record_number" in fields:
            kwargs["update_fields"] = {*fields, "record_number_hash", "record_number_twin"}
        super().save(*args, **kwargs)  # type: ignore[arg-type]  # passed through as they came

    def has_consent(self, purpose: str) -> bool:
        """Whether the patient's consent to `purpose` is active."""
        return self.consents.active().filter(purpose=purpose).exists()

    def is_in_care_of(self, user: User) -> bool:
        """Whether `user` looks after the patient, alone or with a team."""
        return Patient.objects.filter(cared_for(user, "pk"), pk=self.pk).exists()

    def assign(self, clinician: User) -> None:
        """Assign the patient to `clinician`, who can then see them; the first one is responsible."""
        Assignment.objects.get_or_create(patient=self, clinician=clinician)
        if self.responsible_id is None:
            self.responsible = clinician
            self.save(update_fields=["responsible"])


class Assignment(models.Model):
    """One clinician looks after one patient."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="assignments")
    clinician = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="assignments")
    assigned_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["patient", "clinician"], name="one_assignment_per_clinician")]
        indexes: ClassVar = [models.Index(fields=["clinician", "patient"], name="patients_of_clinician")]

    def __str__(self) -> str:
        return f"{self.patient_id} {self.clinician_id}"


class LastViewed(models.Model):
    """When a clinician last opened a patient, or one of their visits or photos. What arrived later is new to the clinician."""

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="last_views")
    clinician = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="last_views")
    viewed_at = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["patient", "clinician"], name="one_last_view_per_clinician")]
        indexes: ClassVar = [models.Index(fields=["clinician", "-viewed_at"], name="last_views_of_clinician")]

    def __str__(self) -> str:
        return f"{self.patient_id} {self.clinician_id} {self.viewed_at:%Y-%m-%d}"

    @classmethod
    def now(cls, patient: Patient, clinician: User) -> None:
        """Record that `clinician` views the patient now. One statement, as a rule.

        Never skipped, however recent the last view is: a reading that finished in between would stay marked as new.
        """
        if not cls.objects.filter(patient=patient, clinician=clinician).update(viewed_at=timezone.now()):
            cls.objects.get_or_create(patient=patient, clinician=clinician)
