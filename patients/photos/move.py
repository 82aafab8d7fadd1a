"""Moves photos to another visit, or a visit to another patient. Predictions and labels move with the photos."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from encryption.fields import open_all
from patients.audit.log import Actor, record_access
from patients.models import AccessLog, Consent, Draft, ErasureRequest, Patient, Photo, Visit
from patients.photos.reseal import opened_photo, opened_visit

MESSAGES: dict[str, str | Promise] = {
    "no_consent": _("That patient has not consented to photos in their care. Record the consent on their page first."),
    "being_erased": _("Data of one of these patients are being erased. Nothing was moved."),
    "unborn": _("The visit is before that patient’s date of birth. Check the date, or the patient."),
    "moved_meanwhile": _("Someone else has moved this meanwhile. Nothing was moved."),
    "same_patient": _("The visit already belongs to this patient."),
    "duplicate_in_patient": _("That patient already has a photo of this visit in another visit. Tick the box to keep both."),
}
"""The message for each reason to move nothing."""
STAYED: dict[str, str | Promise] = {
    "duplicate_in_visit": _("the same file is already there"),
    "duplicate_in_patient": _("the same file is in another visit of that patient; tick the box to keep both"),
    "visit_full": _("the other visit is full"),
}
"""The message for each reason to leave one photo where it is."""


class CannotMove(Exception):
    """Nothing was moved. `code` is one of MESSAGES."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Moved:
    """How many photos were moved, and which stayed where they are, by reason."""

    count: int = 0
    stayed: dict[str, list[Photo]] = field(default_factory=dict)


def move_photos(photos: Iterable[Photo], target: Visit, who: Actor, keep_duplicate: bool = False) -> Moved:
    """Move the photos to the visit `target`, with their predictions and labels. Return what moved, stayed and why.

    Raises CannotMove when the target's patient has not consented to care, when data of a patient are being erased, or when
    someone else has moved a photo. Then nothing is moved.
    """
    moved, sources = Moved(), list[tuple[Photo, Visit]]()
    with transaction.atomic():
        photos = list(photos)
        patient = _locked(target.patient, *(photo.visit.patient for photo in photos))
        are_there = dict(Photo.objects.filter(pk__in=[photo.pk for photo in photos]).values_list("pk", "visit__patient"))
        if any(are_there.get(photo.pk) != photo.visit.patient_id for photo in photos):
            raise CannotMove("moved_meanwhile")
        room = settings.PHOTOS_PER_VISIT - target.photos.count()
        for photo in photos:
            if photo.visit_id == target.pk:
                continue
            reason = _why_it_stays(photo, target, patient, keep_duplicate) or ("" if room > 0 else "visit_full")
            if reason:
                moved.stayed.setdefault(reason, []).append(photo)
                continue
            sources.append((photo, photo.visit))
            _move_one(photo, target)
            moved.count, room = moved.count + 1, room - 1
        # Log after all rows have moved. Only one transaction can append to the log at a time; it must not wait for a row that
        # another one has locked.
        for photo, source in sources:
            for patient in dict.fromkeys((source.patient, target.patient)):
                record_access(who, AccessLog.Action.MOVE, patient, photo, from_visit=str(source.pk), to_visit=str(target.pk))
    return moved


def move_visit(visit: Visit, target: Patient, who: Actor, keep_duplicate: bool = False) -> None:
    """Move the visit to another patient, with its photos, note and self-report. Raises CannotMove; then nothing has changed."""
    if visit.patient_id == target.pk:
        raise CannotMove("same_patient")
    with transaction.atomic():
        patient = _locked(target, visit.patient)
        if not Visit.objects.filter(pk=visit.pk, patient=visit.patient_id).exists():
            raise CannotMove("moved_meanwhile")
        if visit.date < patient.birth_date:
            raise CannotMove("unborn")
        files = visit.photos.values_list("fingerprint", flat=True)
        if not keep_duplicate and Photo.objects.filter(visit__patient=patient, fingerprint__in=list(files)).exists():
            raise CannotMove("duplicate_in_patient")
        source = visit.patient
        rows = opened_visit(visit)
        # A baseline visit of one patient is none of another's.
        visit.patient, visit.is_baseline = patient, False
        visit.save(update_fields=["patient", "is_baseline"])
        for row in rows:
            row.seal_again()
        _move_drafts([visit.pk, *visit.photos.values_list("pk", flat=True)], patient)
        record_access(who, AccessLog.Action.MOVE, source, visit, direction="away")
        record_access(who, AccessLog.Action.MOVE, patient, visit, direction="here")


def _locked(target: Patient, *sources: Patient) -> Patient:
    """Lock the patients until our transaction ends, so that none of them is erased meanwhile, and return the target.

    Raises CannotMove when one of them is being erased, or when the target has not consented to care.
    """
    ids = {target.pk, *(source.pk for source in sources)}
    locked = {each.pk: each for each in Patient.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")}
    blocking = Q(cause=ErasureRequest.Cause.REQUEST) | Q(state=ErasureRequest.State.RUNNING)
    if locked.keys() != ids or ErasureRequest.objects.open().filter(blocking, patient__in=ids).exists():
        raise CannotMove("being_erased")
    if not locked[target.pk].has_consent(Consent.Purpose.CARE):
        raise CannotMove("no_consent")
    return locked[target.pk]


def _why_it_stays(photo: Photo, target: Visit, patient: Patient, keep_duplicate: bool) -> str:
    same = Photo.objects.filter(visit__patient=patient, fingerprint=photo.fingerprint).exclude(pk=photo.pk)
    if same.filter(visit=target).exists():
        return "duplicate_in_visit"
    is_elsewhere = photo.visit.patient_id != patient.pk and same.exists()
    return "duplicate_in_patient" if is_elsewhere and not keep_duplicate else ""


def _move_one(photo: Photo, target: Visit) -> None:
    rows = [] if photo.visit.patient_id == target.patient_id else opened_photo(photo)
    Photo.objects.filter(pk=photo.pk).update(visit=target, date_kept_at=None)
    _move_drafts([photo.pk], target.patient)
    photo.visit = target
    for row in rows:
        row.seal_again()


def _move_drafts(ids: Iterable[UUID], patient: Patient) -> None:
    """Assign the drafts of these pages to `patient`, so that they are erased with the patient."""
    for each in ids:
        for draft in Draft.objects.filter(path__contains=str(each)):
            open_all(draft)
            draft.patient = patient
            draft.save(update_fields=["patient", "fields"])
