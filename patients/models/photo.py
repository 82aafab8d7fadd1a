"""Photos: rebuilt from their pixels and encrypted at rest, with the newest prediction of each."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models, transaction
from django.db.models import OuterRef, Prefetch, Subquery
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from encryption.fields import EncryptedTextField, PictureNameField
from encryption.sealing import Sealing
from encryption.storage import SealedFileField
from inference.models import Prediction
from patients.models.consent import Consent
from patients.models.patient import Patient, seen
from patients.models.phone_pairing import PhonePairing
from patients.models.photo_import import Import
from patients.models.user import User
from patients.models.visit import Visit


def private_path(photo: Photo, file_name: str) -> str:
    """Return a random path, which reveals neither the patient nor the original file name."""
    name = uuid.uuid4().hex
    return f"{name[:2]}/{name}"


class PhotoQuerySet(models.QuerySet["Photo"]):
    """Queries on photos."""

    def visible_to(self, user: User) -> PhotoQuerySet:
        """Return the photos of the patients whom `user` sees."""
        return self.filter(visit__patient__in=Patient.objects.visible_to(user))

    def sought_by(self, user: User) -> PhotoQuerySet:
        """Return the same photos as `visible_to`, for a query that names a few of them by their ids."""
        return self.filter(seen(user, "visit__patient"))

    def with_predictions(self) -> PhotoQuerySet:
        """Return the photos with their predictions, newest first, in one further query. Loads a prediction's pictures on access."""
        light = Prediction.objects.order_by("-requested_at").defer("input_png", "explanation_png")
        return self.prefetch_related(Prefetch("predictions", light))

    def with_newest(self) -> PhotoQuerySet:
        """Return the photos with the column `newest_prediction_id`, to filter and join on."""
        newest = Prediction.objects.filter(photo=OuterRef("pk")).order_by("-requested_at").values("id")[:1]
        return self.annotate(newest_prediction_id=Subquery(newest))


class Photo(models.Model):
    """One photo of one visit. `image` and `preview` are JPEGs rebuilt from pixels: upright, without metadata."""

    sealing: ClassVar = Sealing("visit.patient_id")

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    visit = models.ForeignKey(Visit, on_delete=models.CASCADE, related_name="photos")
    image = SealedFileField(upload_to=private_path, max_length=60, hash_field="image_sha256")
    preview = SealedFileField(upload_to=private_path, max_length=60, hash_field="preview_sha256")
    image_sha256 = models.CharField(max_length=64, blank=True, editable=False)  # of the sealed file
    preview_sha256 = models.CharField(max_length=64, blank=True, editable=False)
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    original_name = PictureNameField(blank=True)
    fingerprint = models.CharField(max_length=64)  # keyed hash of the original bytes: finds duplicates
    sha_fingerprint = models.CharField(max_length=64, blank=True)  # keyed hash of their SHA-256, which a browser can work out
    taken_at = models.DateTimeField(null=True, blank=True)  # the camera's time, taken to be in the clinic's zone
    date_kept_at = models.DateTimeField(null=True, blank=True)  # a user confirmed a day other than the visit's
    uploaded_at = models.DateTimeField(default=timezone.now)
    uploaded_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    phone_pairing = models.ForeignKey(PhonePairing, null=True, blank=True, on_delete=models.SET_NULL, related_name="photos")
    imported_in = models.ForeignKey(Import, null=True, blank=True, on_delete=models.SET_NULL, related_name="photos")
    excluded_at = models.DateTimeField(null=True, blank=True)
    excluded_reason = EncryptedTextField(_("reason"), blank=True)
    excluded_by = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    note = EncryptedTextField(_("note"), blank=True)
    dismissed_at = models.DateTimeField(null=True, blank=True)  # a user has seen the failure and dismissed it

    objects = PhotoQuerySet.as_manager()

    class Meta:
        ordering = ("uploaded_at", "id")
        constraints: ClassVar = [models.UniqueConstraint(fields=["visit", "fingerprint"], name="one_photo_per_visit_and_file")]
        indexes: ClassVar = [
            models.Index(fields=["fingerprint"], name="photo_by_file"),
            models.Index(fields=["sha_fingerprint"], name="photo_by_sha"),
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def prediction(self) -> Prediction | None:
        """The newest prediction, or None. Needs no query after `with_predictions()`."""
        return max(self.predictions.all(), key=lambda each: each.requested_at, default=None)

    @property
    def is_used(self) -> bool:
        """Whether the photo counts in summaries."""
        return self.excluded_at is None and self.prediction is not None and self.prediction.counts

    @property
    def is_erased(self) -> bool:
        """Whether the pictures were erased and only the numbers remain."""
        return not self.image

    @property
    def may_be_read(self) -> bool:
        """Whether the photo may be analysed: its picture is there, and the patient consents to its use in their care."""
        return not self.is_erased and self.visit.patient.has_consent(Consent.Purpose.CARE)

    def exclude(self, reason: str, by: User | None = None) -> None:
        """Leave the photo out of every summary. Nothing is deleted."""
        self.excluded_at, self.excluded_reason, self.excluded_by = timezone.now(), reason, by
        self.save(update_fields=["excluded_at", "excluded_reason", "excluded_by"])

    def include(self) -> None:
        """Count the photo in summaries again."""
        self.excluded_at, self.excluded_reason, self.excluded_by = None, "", None
        self.save(update_fields=["excluded_at", "excluded_reason", "excluded_by"])

    def dismiss(self) -> None:
        """Dismiss a failure: it stays on the visit and no longer asks for attention."""
        self.dismissed_at = timezone.now()
        self.save(update_fields=["dismissed_at"])

    def bring_back(self) -> None:
        """Undo `dismiss`."""
        self.dismissed_at = None
        self.save(update_fields=["dismissed_at"])

    def remove(self) -> None:
        """Delete the row with its predictions and, once that is committed, the files."""
        files = [(field.storage, field.name) for field in (self.image, self.preview) if field.name]

        def delete_files() -> None:
            for storage, name in files:
                storage.delete(name)

        with transaction.atomic():
            self.delete()
            transaction.on_commit(delete_files)
