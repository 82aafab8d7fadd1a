"""Photo uploads: one at a time from a script that shows progress, or many from a plain form."""

from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from patients.models import Photo, Visit
from patients.photos.receive import receive_photo
from patients.readings.photo_card import card_of, with_minutes
from patients.views.lookups import find_visit
from patients.views.requests import ClinicianRequest
from patients.views.upload_answers import receive_all, receive_one


@require_POST
def add_photo(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Receive photos. A script sends one and gets JSON; a form sends many and gets a page that names each refused file."""
    visit = find_visit(request, visit_id)
    files = request.FILES.getlist("photos")
    keep = request.POST.get("keep_duplicate") == "1"

    def receive(file: UploadedFile[bytes]) -> Photo:
        return receive_photo(visit, file, request.user, keep_duplicate=keep, who=request)

    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return receive_one(files, receive, lambda photo: {"photo": str(photo.pk), "card": _card_html(request, photo, visit)})
    receive_all(request, files, receive)
    if not files:
        messages.warning(request, _("Choose at least one photo first."))
    return redirect("patients:visit", visit.pk)


def _card_html(request: ClinicianRequest, photo: Photo, visit: Visit) -> str:
    (card,) = with_minutes([card_of(photo)])
    context = {"card": card, "patient": visit.patient}
    return render_to_string("patients/_photo_card.html", context, request)
