"""Carries out an import: the visits that it needs, what could not be added, its end, and how it is undone."""

from datetime import date

from django.db import transaction
from django.db.models import Count, Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from inference.models import Prediction
from patients.audit.log import Actor, record_access
from patients.models import AccessLog, Consent, Import, ImportFailure, OwnLabel, Patient, User, Visit
from patients.models.photo import PhotoQuerySet
from patients.photos.codes import CODES, RejectedPhoto

IN_BROWSER = {
    "gone": gettext_lazy("This file can no longer be read. Choose it again."),
    "offline": gettext_lazy("The connection was lost."),
    "fault": gettext_lazy("The server could not add this photo."),
}
"""What a browser reports of a file that never arrived."""


def visit_on(batch: Import, day: date, user: User) -> Visit:
    """Return the patient's visit of that day; makes one where there is none, also when three uploads of that day come at once."""
    with transaction.atomic():
        # Requests for one patient go one after the other: the second finds what the first made.
        Patient.objects.select_for_update(no_key=True).get(pk=batch.patient_id)
        found = Visit.objects.filter(patient=batch.patient_id, date=day).order_by("-created_at").first()
        return found or Visit.objects.create(patient_id=batch.patient_id, date=day, created_by=user, imported_in=batch)


def keep_failure(batch: Import, file_name: str, day: date | None, code: str, detail: dict[str, object]) -> ImportFailure:
    """Keep what could not be added, without names of other patients."""
    kept = {name: value for name, value in detail.items() if isinstance(value, int | float) or name == "date"}
    return ImportFailure.objects.create(imported_in=batch, file_name=file_name[:255], day=day, code=code, detail=kept)


def why_failed(failure: ImportFailure) -> str:
    """Return why the file was not added, and what helps."""
    if failure.code in CODES:
        return RejectedPhoto(failure.code, **failure.detail).message()
    return str(IN_BROWSER.get(failure.code, IN_BROWSER["fault"]))


def photos_of(batch: Import) -> PhotoQuerySet:
    """Return the photos of the import that are still in the patient's record."""
    return batch.photos.filter(visit__patient=batch.patient_id)


def analysed_by_day(batch: Import) -> dict[str, int]:
    """Return how many photos of the import are analysed, by the day of their visit, as in {"2026-11-20": 3}; no day has 0."""
    waiting = Prediction.objects.unfinished().filter(photo=OuterRef("pk"))
    counts = photos_of(batch).filter(~Exists(waiting)).order_by().values_list("visit__date").annotate(n=Count("pk"))
    return {day.isoformat(): n for day, n in counts}


def finish(batch: Import) -> None:
    """Note that everything was sent, or that the person has cancelled. Visits into which nothing came are deleted."""
    with transaction.atomic():
        Import.objects.filter(pk=batch.pk, finished_at=None).update(finished_at=timezone.now())
        _delete_empty_visits(batch)


def why_not_undone(batch: Import, user: User) -> str:
    """Return why `user` cannot undo the import; empty when they can."""
    if batch.undone_at:
        return _("This import was undone.")
    if batch.created_by_id != user.pk:
        return _("Only the person who imported the photos can undo it.")
    if timezone.now() > batch.undone_until:
        return _("An import can be undone for 24 hours.")
    if OwnLabel.objects.filter(photo__in=photos_of(batch)).exists():
        return _("Someone has labelled a photo of this import.")
    return ""


def undo(batch: Import, user: User, who: Actor) -> int | None:
    """Delete the photos of the import and the visits that it made, unless something else is in them; None when it cannot be undone.

    Returns how many photos were deleted. Their files go once that is committed.
    """
    with transaction.atomic():
        batch = Import.objects.select_for_update(no_key=True).get(pk=batch.pk)
        if why_not_undone(batch, user):
            return None
        photos = list(photos_of(batch).select_related("visit"))
        for photo in photos:
            record_access(who, AccessLog.Action.DELETE, obj=photo)
            photo.remove()
        _delete_empty_visits(batch)
        batch.undone_at = timezone.now()
        batch.finished_at = batch.finished_at or batch.undone_at
        batch.save(update_fields=["undone_at", "finished_at"])
        record_access(who, AccessLog.Action.DELETE, obj=batch)
    return len(photos)


def _delete_empty_visits(batch: Import) -> None:
    # Held by every upload until its photo is stored (`receive.py`): one on its way comes before, or finds the visit gone.
    list(Consent.objects.filter(patient=batch.patient_id).select_for_update(of=("self",)))
    empty = batch.visits.filter(patient=batch.patient_id, photos=None, self_report=None, phone_pairings=None)
    for visit in empty:
        if not visit.note:
            visit.delete()
