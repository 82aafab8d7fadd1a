"""Notices: what happened to one's patients, team and account, and the requests that wait for a second person."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from patients.accounts.proof import password_before_change
from patients.audit.outcome import lists
from patients.care.notices import mark_read, notices_of, words_of, words_of_request
from patients.care.requests import MayNotDecide, decide, requests_of
from patients.models import CareRequest, Notice, Patient
from patients.views.requests import ClinicianRequest


@dataclass(frozen=True)
class RequestRow:
    """One request as its two sides see it."""

    request: CareRequest
    words: str
    may_decide: bool
    may_withdraw: bool
    patient: Patient | None


@dataclass(frozen=True)
class NoticeRow:
    """One notice. `patient` is whom it is about: the reader looks after them, or did when it was written."""

    notice: Notice
    words: str
    patient: Patient | None
    is_visible: bool


@require_GET
def show_notices(request: ClinicianRequest) -> HttpResponse:
    """Show the requests that wait, and the newest notices."""
    asked, told = requests_of(request.user), notices_of(request.user)
    named = {each.patient for each in asked if each.patient} | {each.patient for each in told if each.patient}
    visible = set(Patient.objects.sought_by(request.user).filter(pk__in=[each.pk for each in named]).values_list("pk", flat=True))
    lists(request, (patient.pk for patient in named))
    return render(
        request,
        "patients/notices.html",
        {
            "requests": [_row(each, request, visible) for each in asked],
            "notices": [NoticeRow(each, words_of(each), each.patient, each.patient_id in visible) for each in told],
            "unread": sum(each.read_at is None for each in told),
            "section": "notices",
        },
    )


@require_POST
def mark_notices_read(request: ClinicianRequest) -> HttpResponse:
    """Mark every notice as read."""
    mark_read(request.user)
    return redirect("patients:notices")


@require_POST
@password_before_change
def decide_request(request: ClinicianRequest, care_request_id: int) -> HttpResponse:
    """Confirm, decline or withdraw a request."""
    asked = get_object_or_404(CareRequest, pk=care_request_id)
    if asked not in requests_of(request.user):
        asked = get_object_or_404(CareRequest.objects.none())
    try:
        decide(asked, request.POST.get("decision", ""), request.user, request)
    except MayNotDecide:
        messages.error(request, _("This request was decided already, or is not yours to decide."))
    else:
        messages.success(request, _("Decision saved. Those concerned are told."))
    return redirect("patients:notices")


def _row(asked: CareRequest, request: ClinicianRequest, visible: set[UUID]) -> RequestRow:
    is_own = asked.asked_by_id == request.user.pk
    may_decide = asked.is_open and not is_own
    return RequestRow(
        asked,
        words_of_request(asked),
        may_decide and asked.deciders().filter(pk=request.user.pk).exists(),
        asked.is_open and is_own,
        asked.patient if asked.patient_id in visible else None,
    )
