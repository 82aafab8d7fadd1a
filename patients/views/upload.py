"""Photos arrive: one or many, from a script that shows bars or from a plain form."""

from collections.abc import Callable
from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from patients.models import Photo, Visit
from patients.photos.codes import RejectedPhoto
from patients.photos.receive import receive_photo
from patients.readings.photo_card import card_of
from patients.views.requests import ClinicianRequest

Receive = Callable[[UploadedFile[bytes]], Photo]
"""Takes one file into a visit. Raises RejectedPhoto."""


@require_POST
def add_photo(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Take photos in. A script sends one and gets JSON; a form sends many and gets a page that names each refused file."""
    visit = get_object_or_404(Visit.objects.visible_to(request.user).select_related("patient"), pk=visit_id)
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


def receive_one(
    files: list[UploadedFile[bytes]], receive: Receive, answer: Callable[[Photo], dict[str, object]], on_phone: bool = False
) -> JsonResponse:
    """Take the one file of a script in. Return what `answer` says of the photo, or the refusal."""
    try:
        if len(files) != 1:
            raise RejectedPhoto("one_file")
        photo = receive(files[0])
    except RejectedPhoto as rejected:
        return answer_rejected(rejected, on_phone)
    return JsonResponse(answer(photo), status=201)


def answer_rejected(rejected: RejectedPhoto, on_phone: bool = False) -> JsonResponse:
    """Answer a script that a photo was refused."""
    return JsonResponse(rejected.as_json(on_phone), status=rejected.row.status)


def receive_all(request: HttpRequest, files: list[UploadedFile[bytes]], receive: Receive, on_phone: bool = False) -> None:
    """Take the files of a plain form in. Messages say how many were added, and why each of the others was not.

    On a phone no file is named: no one has signed in on it.
    """
    added = 0
    for file in files:
        try:
            receive(file)
            added += 1
        except RejectedPhoto as rejected:
            text = _("Not added: %(why)s") if on_phone else _("Not added: %(file)s. %(why)s")
            messages.warning(request, text % {"file": file.name, "why": rejected.message(on_phone)})
    if added:
        messages.success(request, ngettext("%(n)d photo added.", "%(n)d photos added.", added) % {"n": added})


def _card_html(request: ClinicianRequest, photo: Photo, visit: Visit) -> str:
    context = {"card": card_of(photo), "patient": visit.patient}
    return render_to_string("patients/_photo_card.html", context, request)
