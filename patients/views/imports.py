"""Photos of many days at once: where they go, their uploads, what failed, and the undo. By a script, or plainly by two forms."""

import json
import re
from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from patients.audit.log import record_access
from patients.audit.outcome import unchanged
from patients.care.banner import banner_of
from patients.models import AccessLog, Consent, Import, Patient, Photo, Visit
from patients.photos.codes import RejectedPhoto
from patients.photos.import_plan import FoundFile, is_a_day_of, plan_import
from patients.photos.importing import IN_BROWSER, analysed_by_day, finish, keep_failure, undo, visit_on, why_not_undone
from patients.photos.plain_import import PLAIN_MOST, add_plainly, found_in
from patients.photos.receive import receive_photo
from patients.readings.import_page import import_page, open_failures
from patients.views.lookups import find_import, find_patient
from patients.views.requests import ClinicianRequest, number_in

MOST = 500
"""How many files one import can hold."""
ALREADY_THERE = {"duplicate_in_visit", "duplicate_in_patient", "duplicate_in_other_patient"}
"""Refusals that are no failures: the photo is there, or the person has said that it is to be left out."""
SHA256 = re.compile("[0-9a-f]{64}")


@require_http_methods(["GET", "POST"])
def choose_photos(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Ask for photos (GET). Without a script, show where they go, and then add them (POST)."""
    patient = find_patient(request, patient_id)
    if request.method == "POST" and "add" in request.POST:
        return _add_plainly(request, patient)
    context = _choose_page(request, patient)
    if request.method == "POST":
        files = request.FILES.getlist("photos")
        if not files or len(files) > PLAIN_MOST:
            messages.warning(request, _("Choose 1 to %(most)d photos.") % {"most": PLAIN_MOST})
            unchanged(request, is_shown=False)
            return redirect("patients:import", patient.pk)
        found = found_in(files)
        named = list(zip(found, (file.name for file in files), strict=True))
        context |= {"plan": plan_import(patient, found, request.user), "named": named, "is_plain": True}
        unchanged(request, is_shown=True)
    return render(request, "patients/import.html", context)


@require_POST
def show_plan(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Send the table of where the files go. The browser sends their hashes and dates, nothing else."""
    patient = find_patient(request, patient_id)
    try:
        asked = json.loads(request.body)
        files = [_found(index, *each) for index, each in enumerate(asked["files"])]
        whole_days = {date.fromisoformat(each) for each in asked["whole_days"]}
    except (ValueError, KeyError, TypeError, RecursionError):  # the last: thousands of brackets
        return HttpResponseBadRequest("files: pairs of a SHA-256 and a time; whole_days: dates", content_type="text/plain")
    if len(files) > MOST:
        return HttpResponseBadRequest(f"at most {MOST} files", content_type="text/plain")
    context = {"plan": plan_import(patient, files, request.user, whole_days), "patient": patient}
    return render(request, "patients/_import_plan.html", context)


@require_POST
def begin_import(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Make the import, to which its photos will refer, and name the addresses that the script needs."""
    patient = find_patient(request, patient_id)
    if not patient.has_consent(Consent.Purpose.CARE):
        rejected = RejectedPhoto("no_consent")
        return JsonResponse(rejected.as_json(), status=rejected.row.status)
    batch = _begin(request, patient, request.POST.get("name", ""), request.POST.get("asked", ""))
    names = ("add_imported_photo", "report_failure", "finish_import", "show_import")
    return JsonResponse({name: reverse(f"patients:{name}", args=[batch.pk]) for name in names}, status=201)


@require_POST
def add_imported_photo(request: ClinicianRequest, import_id: UUID) -> HttpResponse:
    """Receive one photo of the import. What cannot be added is kept as a failure, unless the photo is there already."""
    batch = _own_import(request, import_id)
    files = request.FILES.getlist("photos")
    earlier = request.POST.get("failure", "")
    try:
        if len(files) != 1:
            raise RejectedPhoto("one_file")
        photo = _receive(request, batch, files[0])
    except RejectedPhoto as rejected:
        answer = rejected.as_json()
        if rejected.code not in ALREADY_THERE:
            with transaction.atomic():
                _forget(batch, earlier)
                name = (files[0].name or "") if files else ""
                failure = keep_failure(batch, name, _day_in(request), rejected.code, rejected.detail)
            answer["failure"] = failure.pk
        return JsonResponse(answer, status=rejected.row.status, headers=rejected.headers)
    _forget(batch, earlier)
    return JsonResponse({"photo": str(photo.pk), "visit": str(photo.visit_id), "analysed": analysed_by_day(batch)}, status=201)


@require_POST
def report_failure(request: ClinicianRequest, import_id: UUID) -> HttpResponse:
    """Keep a file that never arrived: the browser could not read it, or the connection was lost."""
    batch = _own_import(request, import_id)
    code = request.POST.get("code", "")
    _forget(batch, request.POST.get("failure", ""))
    failure = keep_failure(
        batch, request.POST.get("name", ""), _day_in(request), code if code in (*IN_BROWSER, "too_large") else "fault", {}
    )
    return JsonResponse({"failure": failure.pk}, status=201)


@require_POST
def finish_import(request: ClinicianRequest, import_id: UUID) -> HttpResponse:
    """End the sending, complete or cancelled."""
    batch = _own_import(request, import_id)
    finish(batch)
    return redirect("patients:show_import", batch.pk)


@require_GET
def show_import(request: ClinicianRequest, import_id: UUID) -> HttpResponse:
    """Show what was added to which visit, what failed, and the undo."""
    batch = find_import(request, import_id)
    template = "patients/_import_done.html" if request.htmx else "patients/import_done.html"
    return render(request, template, import_page(batch, request.user))


@require_POST
def undo_import(request: ClinicianRequest, import_id: UUID) -> HttpResponse:
    """Delete the photos of the import, and the visits that it made."""
    batch = find_import(request, import_id)
    deleted = undo(batch, request.user, request)
    if deleted is None:
        messages.warning(request, why_not_undone(find_import(request, import_id), request.user))
        unchanged(request, is_shown=False)
        return redirect("patients:show_import", batch.pk)
    text = ngettext("Import undone. %(n)d photo was deleted.", "Import undone. %(n)d photos were deleted.", deleted)
    messages.success(request, text % {"n": deleted})
    return redirect("patients:import", batch.patient_id)


@require_POST
def acknowledge_failures(request: ClinicianRequest, import_id: UUID) -> HttpResponse:
    """Put away the named failures of one's own import, or all of them."""
    batch = _own_import(request, import_id)
    failures = batch.failures.filter(acknowledged_at=None)
    if named := request.POST.get("failure", ""):
        failures = failures.filter(pk=number_in(named) or 0)
    failures.update(acknowledged_at=timezone.now())
    if request.htmx:
        return render(request, "patients/_import_done.html", import_page(batch, request.user))
    return redirect("patients:show_import", batch.pk)


def _choose_page(request: ClinicianRequest, patient: Patient) -> dict[str, object]:
    limits = {"most": MOST, "plain_most": PLAIN_MOST, "max_bytes": settings.PHOTO_MAX_BYTES}
    limits["megabytes"] = settings.PHOTO_MAX_BYTES // 1_000_000
    failures = open_failures(request.user, patient.pk)
    return banner_of(patient) | {"limits": limits, "open_failures": failures.items()}


def _found(index: int, sha256: str, taken: str | None) -> FoundFile:
    """Return one file as the browser describes it. Raises ValueError or TypeError."""
    if not SHA256.fullmatch(sha256):
        raise ValueError("no SHA-256")
    moment = datetime.fromisoformat(taken) if taken else None
    return FoundFile(index, sha256, moment.replace(tzinfo=None) if moment else None)


def _begin(request: ClinicianRequest, patient: Patient, name: str, asked: str) -> Import:
    number = min(number_in(asked) or 0, MOST)
    with transaction.atomic():
        batch = Import.objects.create(patient=patient, created_by=request.user, name=name[:255], asked=number)
        record_access(request, AccessLog.Action.ADD, obj=batch)
    return batch


def _own_import(request: ClinicianRequest, import_id: UUID) -> Import:
    return get_object_or_404(
        Import.objects.sought_by(request.user).select_related("patient"), pk=import_id, created_by=request.user
    )


def _day_in(request: ClinicianRequest) -> date | None:
    try:
        return date.fromisoformat(request.POST.get("day", ""))
    except ValueError:
        return None


def _receive(request: ClinicianRequest, batch: Import, file: object) -> Photo:
    """Add the file to the visit that the request names, or to that of its day. Raises RejectedPhoto."""
    if batch.undone_at:
        raise RejectedPhoto("visit_gone")
    keep = request.POST.get("keep_duplicate") == "1"
    if named := request.POST.get("visit", ""):
        visits = Visit.objects.sought_by(request.user).select_related("patient").filter(patient=batch.patient_id)
        visit = next((each for each in visits if str(each.pk) == named), None)
    else:
        day = _day_in(request)
        visit = visit_on(batch, day, request.user) if day and is_a_day_of(batch.patient, day) else None
    if visit is None:
        raise RejectedPhoto("visit_gone")
    return receive_photo(visit, file, request.user, keep_duplicate=keep, who=request, imported_in=batch)  # type: ignore[arg-type]  # an upload


def _forget(batch: Import, failure: str) -> None:
    """Delete the failure of an earlier attempt."""
    batch.failures.filter(pk=number_in(failure) or 0).delete()


def _add_plainly(request: ClinicianRequest, patient: Patient) -> HttpResponse:
    """Add the files of the second plain form."""
    files = request.FILES.getlist("photos")
    if not files or not patient.has_consent(Consent.Purpose.CARE):
        messages.warning(request, _("Choose the same photos again.") if not files else RejectedPhoto("no_consent").message())
        unchanged(request, is_shown=False)
        return redirect("patients:import", patient.pk)
    batch = _begin(request, patient, "", str(len(files)))
    left_out = add_plainly(batch, files, request.POST, request.user, request)
    if left_out:
        text = ngettext("%(n)d photo was left out, as you chose.", "%(n)d photos were left out, as you chose.", left_out)
        messages.info(request, text % {"n": left_out})
    return redirect("patients:show_import", batch.pk)
