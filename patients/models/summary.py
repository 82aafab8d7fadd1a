"""Summaries: what pages show of a visit and of a patient without asking every photo, and which of them are outdated.

Nothing here is true by itself: patients/timeline/summaries.py computes the rows from photos and readings, and can do so again.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any, ClassVar

from django.db import models
from django.db.models import Q
from django.db.models.functions import Coalesce

from patients.models.patient import Patient
from patients.models.photo import Photo
from patients.models.visit import Visit


class VisitSummary(models.Model):
    """What the photos of one visit say together. A visit without photos has none."""

    visit = models.OneToOneField(Visit, primary_key=True, on_delete=models.CASCADE, related_name="summary")
    used = models.PositiveIntegerField(default=0)
    excluded = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    to_choose = models.PositiveIntegerField(default=0)
    too_close = models.PositiveIntegerField(default=0)
    unfinished = models.PositiveIntegerField(default=0)
    model_versions = models.JSONField(default=list)
    numbers = models.BinaryField()  # means and their intervals, packed by patients/timeline/packed.py
    photos = models.BinaryField()  # id and probabilities of each used photo, packed by the same
    open_to_choose = models.PositiveIntegerField(default=0)  # photos that ask for attention: neither erased nor dismissed
    open_refused = models.PositiveIntegerField(default=0)
    open_on_the_way = models.PositiveIntegerField(default=0)
    read_at = models.DateTimeField(null=True)  # when the last photo was read, or began to need attention

    def __str__(self) -> str:
        return str(self.visit_id)


class PatientSummary(models.Model):
    """What the list of patients sorts and filters by. `version` counts how often it was stored."""

    patient = models.OneToOneField(Patient, primary_key=True, on_delete=models.CASCADE, related_name="summary")
    version = models.BigIntegerField(default=0)
    # Of name and record number as they are sealed: it changes with them, and the sum of those of a list tells whether any did.
    names_tag = models.BigIntegerField(default=0)
    visited_on = models.DateField(null=True)  # the last visit
    last_on = models.DateField(null=True)  # the last visit that has photos
    last_visit = models.UUIDField(null=True)
    valence = models.FloatField(null=True)  # of that visit
    place = models.SmallIntegerField(null=True)  # of that visit: -1 below, 0 inside, 1 above the usual range; None without one
    range_low = models.FloatField(null=True)
    range_high = models.FloatField(null=True)
    chosen_that_count = models.PositiveIntegerField(null=True)  # of the visits chosen for the usual range; None without a choice
    to_choose = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    on_the_way = models.PositiveIntegerField(default=0)
    read_at = models.DateTimeField(null=True)

    class Meta:
        # All that a list counts, so that thousands are counted without reading their rows.
        indexes: ClassVar = [
            models.Index(
                fields=["patient", "read_at", "last_on", "names_tag", "to_choose", "refused", "on_the_way"],
                name="what_a_list_counts",
            )
        ]

    def __str__(self) -> str:
        return str(self.patient_id)


class OutdatedQuerySet(models.QuerySet["Outdated"]):
    """Queries on marks."""

    def with_owner(self) -> models.QuerySet[Any]:  # Any: a mark with two more columns
        """Return the marks with `owner_id`, the patient, and `of_visit_id`; both None for a mark of rows that are gone."""
        return self.annotate(
            owner_id=Coalesce("patient_id", "visit__patient_id", "photo__visit__patient_id"),
            of_visit_id=Coalesce("visit_id", "photo__visit_id"),
        )

    def naming(self, ids: Iterable[uuid.UUID]) -> OutdatedQuerySet:
        """Return the marks that hold one of these ids."""
        these = list(ids)
        return self.filter(Q(photo__in=these) | Q(visit__in=these) | Q(patient__in=these))


class Outdated(models.Model):
    """A mark that something changed under a visit or a patient. Triggers of the database add it, in the transaction of the change.

    A mark alone names the row that changed: a photo, a visit, a patient, or a visit and the patient it belongs or belonged to. The
    triggers read no other table, and two changes never wait for each other. Marks are removed with the summary that includes them.
    """

    # No constraint: the row may be deleted before the mark.
    photo = models.ForeignKey(Photo, null=True, db_constraint=False, db_index=False, on_delete=models.DO_NOTHING, related_name="+")
    visit = models.ForeignKey(Visit, null=True, db_constraint=False, db_index=False, on_delete=models.DO_NOTHING, related_name="+")
    patient = models.ForeignKey(
        Patient, null=True, db_constraint=False, db_index=False, on_delete=models.DO_NOTHING, related_name="+"
    )

    objects: ClassVar = OutdatedQuerySet.as_manager()

    def __str__(self) -> str:
        return str(self.pk)
