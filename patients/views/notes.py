"""The notes of visits and photos, saved while someone types or with a button."""

from collections.abc import Callable
from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from patients.audit.outcome import unchanged
from patients.forms.note import NoteForm, PhotoNoteForm, VisitNoteForm
from patients.models import Photo, Visit
from patients.readings.photo_page import photo_page
from patients.readings.visit_page import visit_page
from patients.views.lookups import find_photo, find_visit, photos_of
from patients.views.requests import ClinicianRequest, redirect_back


@require_POST
def save_visit_note(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Save the note of a visit."""
    visit = find_visit(request, visit_id)
    form = VisitNoteForm(request.POST, instance=visit)
    return _save(request, form, "visit", lambda: visit_page(visit, photos_of(request, visit), request.user, "", form))


@require_POST
def save_photo_note(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Save the note of a photo."""
    photo = find_photo(request, photo_id)
    form = PhotoNoteForm(request.POST, instance=photo)
    return _save(request, form, "photo", lambda: photo_page(photo, request.user, form))


def _save(
    request: ClinicianRequest, form: NoteForm[Visit] | NoteForm[Photo], page: str, shown: Callable[[], dict[str, object]]
) -> HttpResponse:
    """Answer the autosave script with a word, and the plain form with a redirect.

    A refused note is not saved: the answer is 409, and the page that shows `shown` keeps the typed text.
    """
    if form.is_valid():
        form.save()
        if request.htmx:
            return render(request, "patients/_note_saved.html", {"saved_at": timezone.now(), "form": form})
        messages.success(request, _("Note saved."))
        return redirect_back(request, f"patients:{page}", form.instance.pk)
    if request.htmx:
        why = " ".join(str(error) for error in form.errors["note"])
        return HttpResponse(why, status=HTTPStatus.CONFLICT, content_type="text/plain; charset=utf-8")
    unchanged(request, is_shown=True)
    context = shown() | {"way_back": reverse(f"patients:{page}", args=[form.instance.pk])}
    return render(request, f"patients/{page}.html", context, status=HTTPStatus.CONFLICT)
