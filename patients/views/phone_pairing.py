"""Pairing a phone with a visit: the code to scan, the photos that arrive, and the end. The phone's own pages: phone.py."""

from uuid import UUID

from allauth.core import ratelimit
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import trigger_client_event

from patients.audit.log import record_access
from patients.care.banner import banner_of
from patients.models import AccessLog, Consent, PhonePairing, Photo, Visit
from patients.photos.phone_card import PhoneCard, short_id
from patients.photos.qr_code import qr_picture
from patients.readings.photo_card import cards_of
from patients.views.lookups import find_phone_pairing, find_visit, photos_of
from patients.views.requests import ClinicianRequest, redirect_back


@require_POST
def offer_to_phone(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Show a new code.

    There is no redirect: only the hash of the code is stored, so that it cannot be shown again.
    """
    visit = find_visit(request, visit_id)
    if not ratelimit.consume(request, action="phone_pairing"):
        messages.error(request, _("Too many codes in a short time. Wait a few minutes, or add the photos here."))
        return _back(request, visit)
    if not visit.patient.has_consent(Consent.Purpose.CARE):
        messages.error(request, _("Record the patient’s consent to care first."))
        return _back(request, visit)
    with transaction.atomic():
        phone_pairing, code = PhonePairing.make(visit, request.user)
        record_access(request, AccessLog.Action.PERMISSION, obj=visit, phone_pairing=str(phone_pairing.pk), phone="offered")
    address = request.build_absolute_uri(reverse("patients:phone_start", args=[code]))
    seen = request.POST.get("seen", "").split(",") if "seen" in request.POST else map(short_id, sent_by_phone(request, visit))
    context = {"visit": visit, "phone": PhoneCard(phone_pairing, tuple(seen), address=address, picture=qr_picture(address))}
    if request.htmx:
        return render(request, "patients/_phone.html", context)
    way_back = {"way_back": reverse("patients:visit", args=[visit.pk])}
    return render(request, "patients/phone_offer.html", banner_of(visit.patient) | context | way_back)


@require_GET
def show_phone_pairing(request: ClinicianRequest, phone_pairing_id: UUID) -> HttpResponse:
    """Send the state of the pairing, with the cards of photos that the page does not show yet. 204 if nothing changed."""
    phone_pairing = find_phone_pairing(request, phone_pairing_id)
    sent = sent_by_phone(request, phone_pairing.visit)
    shown = request.GET.get("seen", "").split(",")
    new = [photo for photo in sent if short_id(photo) not in shown]
    came = sum(photo.phone_pairing_id == phone_pairing.pk for photo in sent)
    phone = PhoneCard(phone_pairing, tuple(map(short_id, sent)), came)
    if not new and request.GET.get("state") == phone.state_token and phone_pairing.may_bring_photos:
        return HttpResponse(status=204)
    context = {
        "visit": phone_pairing.visit,
        "patient": phone_pairing.visit.patient,
        "phone": phone,
        "cards": cards_of(new),
        "is_update": True,
    }
    response = render(request, "patients/_phone_state.html", context)
    return trigger_client_event(response, "photos-changed") if new else response


@require_POST
def end_phone_pairing(request: ClinicianRequest, phone_pairing_id: UUID) -> HttpResponse:
    """End the pairing: the phone can send no more photos."""
    phone_pairing = find_phone_pairing(request, phone_pairing_id)
    phone_pairing.close()
    return _back(request, phone_pairing.visit)


def sent_by_phone(request: ClinicianRequest, visit: Visit) -> list[Photo]:
    """Return the photos of the visit that came from the clinician's phones."""
    return list(photos_of(request, visit).filter(phone_pairing__clinician=request.user))


def _back(request: ClinicianRequest, visit: Visit) -> HttpResponse:
    """Redirect to the visit. For a request by htmx the whole page goes there."""
    response = redirect_back(request, "patients:visit", visit.pk)
    if request.htmx:
        return HttpResponse(headers={"HX-Redirect": response.headers["Location"]})
    return response
