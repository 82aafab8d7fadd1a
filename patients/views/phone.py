"""The pages of a phone that adds photos to a visit. No one signs in on it, and it shows nothing about the patient."""

from datetime import timedelta
from functools import partial

from allauth.core import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from patients.audit.log import record_access
from patients.models import AccessLog, PhonePairing, Photo
from patients.photos.codes import RejectedPhoto
from patients.photos.receive import receive_photo
from patients.views.upload_answers import answer_rejected, receive_all, receive_one

COOKIE = "__Secure-phone" if settings.HTTPS else "phone"
PATH = "/phone/"
KEPT = timedelta(days=1)
"""How long a phone keeps its key: longer than it opens anything, so that "Done" still finds what it sent."""


@login_not_required
@require_http_methods(["GET", "POST"])
def start(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for a tap (GET), then use up the code (POST).

    Chat previews and link scanners open addresses by themselves: a GET neither uses up the code nor tells whether it is valid.
    """
    if request.method == "GET":
        return render(request, "phone/start.html")
    if not ratelimit.consume(request, action="phone_code"):
        return _refused(request, _("Too many attempts. Wait a minute and scan a new code."), 429)
    key = PhonePairing.objects.open_with(code)
    phone_pairing = PhonePairing.objects.with_key(key) if key else None
    if key is None or phone_pairing is None:
        return _refused(request, _("This code was already used or has expired. Create a new one on the visit’s page."), 410)
    record_access(
        phone_pairing.clinician,
        AccessLog.Action.PERMISSION,
        obj=phone_pairing.visit,
        phone_pairing=str(phone_pairing.pk),
        phone="connected",
    )
    response = redirect("patients:phone_photos")
    age = int(KEPT.total_seconds())
    response.set_cookie(COOKIE, key, max_age=age, path=PATH, secure=settings.HTTPS, httponly=True, samesite="Lax")
    return response


@login_not_required
@require_http_methods(["GET", "POST"])
def photos(request: HttpRequest) -> HttpResponse:
    """Show the ways to add photos (GET), or receive photos (POST): one from a script, many from a plain form."""
    phone_pairing = phone_pairing_of(request)
    if phone_pairing is None:
        return answer_over(request)
    if request.method == "GET":
        limits = {"max_bytes": settings.PHOTO_MAX_BYTES, "too_large": RejectedPhoto("too_large").message(on_phone=True)}
        context = {"phone_pairing": phone_pairing, "sent": phone_pairing.photos.count()} | limits
        return render(request, "phone/photos.html", context)
    files = request.FILES.getlist("photos")
    receive = partial(_receive, request, phone_pairing, request.POST.get("keep_duplicate") == "1")
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return receive_one(files, receive, lambda photo: {"sent": phone_pairing.photos.count()}, on_phone=True)
    receive_all(request, files, receive, on_phone=True)
    return redirect("patients:phone_photos")


@login_not_required
@require_POST
def done(request: HttpRequest) -> HttpResponse:
    """End the pairing from the phone, and say how many photos it sent, even if the pairing has expired."""
    key = request.COOKIES.get(COOKIE, "")
    phone_pairing = PhonePairing.objects.of_phone(key) if key else None
    if phone_pairing:
        phone_pairing.close()
        sent = phone_pairing.photos.count()
        text = ngettext("%(n)d photo received.", "%(n)d photos received.", sent)
        messages.success(request, text % {"n": sent})
    response = redirect("patients:phone_over")
    response.delete_cookie(COOKIE, path=PATH, samesite="Lax")
    return response


@login_not_required
@require_GET
def over(request: HttpRequest) -> HttpResponse:
    """Say that this phone is no longer connected."""
    return render(request, "phone/over.html")


def phone_pairing_of(request: HttpRequest) -> PhonePairing | None:
    """Return the open pairing that a phone shows; None without one."""
    key = request.COOKIES.get(COOKIE, "")
    return PhonePairing.objects.with_key(key) if key else None


def _receive(request: HttpRequest, phone_pairing: PhonePairing, keep: bool, file: UploadedFile[bytes]) -> Photo:
    """Receive one photo on behalf of the clinician who paired the phone. Raises RejectedPhoto."""
    if not ratelimit.consume(request, action="phone_photo", key=str(phone_pairing.pk)):
        raise RejectedPhoto("busy")
    # This also logs the upload.
    return receive_photo(phone_pairing.visit, file, phone_pairing.clinician, keep_duplicate=keep, phone_pairing=phone_pairing)


def answer_over(request: HttpRequest) -> HttpResponse:
    """Answer a phone whose pairing has expired or never existed."""
    over = RejectedPhoto("over")
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return answer_rejected(over)
    return _refused(request, over.message(), over.row.status)


def _refused(request: HttpRequest, why: str, status: int) -> HttpResponse:
    return render(request, "phone/refused.html", {"why": why}, status=status)
