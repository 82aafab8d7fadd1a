"""Photos arrive: one or many, from a script that shows bars or from a plain form."""

from uuid import UUID

from django.contrib import messages
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from ml.decode.rebuild import RejectedPhoto
from patients.models import Photo, Visit
from patients.photos.receive import message_for, receive_photo
from patients.readings.photo_card import card_of
from patients.views.requests import ClinicianRequest

STATUS = {"duplicate_in_visit": 409, "duplicate_in_patient": 409, "too_large": 413, "busy": 503, "not_stored": 503}


@require_POST
def add_photo(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Take photos in. A script sends one and gets JSON; a form sends many and gets a page that names each refused file."""
    visit = get_object_or_404(Visit.objects.visible_to(request.user).select_related("patient"), pk=visit_id)
    files = request.FILES.getlist("photos")
    keep = request.POST.get("keep_duplicate") == "1"
    if request.get_preferred_type(["text/html", "application/json"]) == "application/json":
        return _answer_script(request, visit, files, keep)
    taken = 0
    for file in files:
        try:
            receive_photo(visit, file, request.user, keep_duplicate=keep, who=request)
            taken += 1
        except RejectedPhoto as rejected:
            text = {"file": file.name, "why": message_for(rejected)}
            messages.warning(request, _("Not added: %(file)s. %(why)s") % text)
    if taken:
        messages.success(request, ngettext("%(n)d photo added.", "%(n)d photos added.", taken) % {"n": taken})
    elif not files:
        messages.warning(request, _("Choose at least one photo first."))
    return redirect("patients:visit", visit.pk)


def _answer_script(request: ClinicianRequest, visit: Visit, files: list[UploadedFile[bytes]], keep: bool) -> JsonResponse:
    """Answer one file: its card, or the code of the refusal with the sentence that a person reads."""
    if len(files) != 1:
        return JsonResponse({"code": "one_file", "message": _("Send one photo at a time.")}, status=400)
    try:
        photo = receive_photo(visit, files[0], request.user, keep_duplicate=keep, who=request)
    except RejectedPhoto as rejected:
        answer = {"code": rejected.code, "message": message_for(rejected)}
        return JsonResponse(answer, status=STATUS.get(rejected.code, 422))
    return JsonResponse({"photo": str(photo.pk), "card": _card_html(request, photo, visit)}, status=201)


def _card_html(request: ClinicianRequest, photo: Photo, visit: Visit) -> str:
    context = {"card": card_of(photo), "patient": visit.patient}
    return render_to_string("patients/_photo_card.html", context, request)
