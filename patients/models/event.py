"""Events: what happened around the visits and may explain a change."""

from __future__ import annotations

import uuid
from datetime import date
from typing import ClassVar, Self

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from encryption.fields import EncryptedCharField, EncryptedTextField
from encryption.sealing import Sealing
from patients.models.patient import Patient, seen
from patients.models.user import User


class EventQuerySet(models.QuerySet["Event"]):
    """Queries on events."""

    def visible_to(self, user: User) -> EventQuerySet:
        """Return the events of the patients whom `user` sees."""
        return self.filter(patient__in=Patient.objects.visible_to(user))

    def sought_by(self, user: User) -> EventQuerySet:
        """Return the same events as `visible_to`, for a query that names a few of them by their ids."""
        return self.filter(seen(user, "patient"))


class Lane(models.TextChoices):
    """A row of the figure that shows related kinds of event, in the figure's order: short name for a phone, then the name."""

    MEDICATION = "medication", _("Med."), _("Medication")
    CARE = "care", pgettext_lazy("short, beside a lane", "Care"), _("Care")
    LIFE = "life", _("Life"), pgettext_lazy("short, beside a lane", "Life event")
    NOTE = "note", _("Note"), _("Note")

    short_name: Promise

    def __new__(cls, value: str, short_name: Promise) -> Self:
        """Return the lane. Django has removed the last value, the name."""
        lane = str.__new__(cls, value)
        lane._value_, lane.short_name = value, short_name
        return lane


class Event(models.Model):
    """Something that happened around the visits, on one day or over several.

    Without a last day it is a single day, unless it goes on: then it is drawn up to the last day of the figure.
    """

    class Kind(models.TextChoices):
        """The kind of event: its icon (templates/_sprite.html), its lane in the figure, and its name."""

        MEDICATION = "medication", "pill", Lane.MEDICATION, _("Medication")
        THERAPY = "therapy", "talk", Lane.CARE, _("Therapy")
        ADMISSION = "admission", "bed", Lane.CARE, _("Admission")
        LIFE_EVENT = "life_event", "life", Lane.LIFE, _("Life event")
        NOTE = "note", "note", Lane.NOTE, _("Note")

        icon: str
        lane: Lane

        # A kind without an icon or a lane is a TypeError when the module is loaded.
        def __new__(cls, value: str, icon: str, lane: Lane) -> Self:
            """Return the kind. Django has removed the last value, the name."""
            kind = str.__new__(cls, value)
            kind._value_, kind.icon, kind.lane = value, icon, lane
            return kind

    sealing: ClassVar = Sealing("patient_id")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="events")
    kind = EncryptedCharField(_("kind"), max_length=10, choices=Kind.choices)
    label = EncryptedTextField(_("what happened"))
    starts_on = models.DateField(_("first day"))
    ends_on = models.DateField(_("last day"), null=True, blank=True)
    goes_on = models.BooleanField(_("still going on"), default=False)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    form_token = models.UUIDField(null=True, editable=False)  # of the page that asked for it: sent twice, it is made once

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ("-starts_on", "-created_at")
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["patient", "created_by", "form_token"], name="one_event_per_form"),
            models.CheckConstraint(condition=Q(ends_on=None) | Q(ends_on__gte=F("starts_on")), name="event_ends_after_it_starts"),
            models.CheckConstraint(condition=Q(ends_on=None) | Q(goes_on=False), name="event_with_an_end_does_not_go_on"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_interval(self) -> bool:
        """Whether it lasts longer than a day."""
        return self.goes_on or (self.ends_on is not None and self.ends_on > self.starts_on)

    @property
    def icon(self) -> str:
        """The icon of its kind, by name."""
        return self._kind.icon

    @property
    def lane(self) -> Lane:
        """The lane of its kind."""
        return self._kind.lane

    @property
    def _kind(self) -> Event.Kind:
        return self.Kind(self.kind)  # type: ignore[call-arg]  # mypy mistakes the look-up by value for a new member

    def covers(self, day: date) -> bool:
        """Whether the event includes `day`."""
        end = self.ends_on or (date.max if self.goes_on else self.starts_on)
        return self.starts_on <= day <= end
