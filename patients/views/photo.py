"""One photo: its page, its card, and what a clinician can do with it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRefresh, trigger_client_event

from inference.dispatch import current_model_version, request_explanation
from patients.audit.outcome import unchanged
from patients.care.banner import care_facts
from patients.forms.photo import TOO_LONG, ExcludeForm
from patients.models import LastViewed, Photo
from patients.photos.reanalyse import reanalyse, why_not_reanalysed
from patients.readings.photo_card import PhotoCard, card_of, with_minutes
from patients.readings.photo_page import photo_page
from patients.views.lookups import find_photo
from patients.views.requests import ClinicianRequest, number_in, redirect_back


@require_GET
def show_photo(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Show one photo, its reading, and the quality of the reading."""
    photo = find_photo(request, photo_id)
    LastViewed.now(photo.visit.patient, request.user)
    return render(request, "patients/photo.html", photo_page(photo, request.user))


@require_GET
def show_card(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Send the card alone. A card that has become final says so, and the summary reloads."""
    photo = find_photo(request, photo_id)
    (card,) = with_minutes([card_of(photo)])
    return HttpResponse(status=204) if is_as_shown(request, card) else _answer_card(request, photo)


def is_as_shown(request: ClinicianRequest, card: PhotoCard) -> bool:
    """Whether the page already shows the state of an unread photo. What is not replaced is not read out again."""
    is_same = request.GET.get("state") == card.kind and request.GET.get("minutes", "0") == str(card.minutes)
    return not card.is_final and is_same


@require_GET
def show_reading(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Send the progress of the reading; once it is final the whole page reloads."""
    photo = find_photo(request, photo_id)
    card = card_of(photo)
    if card.is_final:
        return HttpResponseClientRefresh()
    if is_as_shown(request, card):
        return HttpResponse(status=204)
    return render(request, "patients/_photo_on_the_way.html", {"card": card, "photo": photo})


@require_POST
def choose_face(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Queue the chosen face."""
    photo = find_photo(request, photo_id)
    face = number_in(request.POST.get("face", ""))
    if photo.prediction is None or face is None or face >= len(photo.prediction.faces):
        return _refuse(request, photo, _("Choose one of the numbered faces first."))
    if not reanalyse(photo, face):
        return _refuse(request, photo, why_not_reanalysed(photo)[1])
    return _answer(request, photo)


@require_POST
def retry_photo(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Queue the photo again."""
    photo = find_photo(request, photo_id)
    if not reanalyse(photo):
        return _refuse(request, photo, why_not_reanalysed(photo)[1])
    return _answer(request, photo)


@require_POST
def explain_photo(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Queue the explanation map."""
    photo = find_photo(request, photo_id)
    if photo.prediction is not None and not request_explanation(photo.prediction) and photo.prediction.explanation == "none":
        by_another = _("Only the model that analysed the photo can draw the map. Re-analyse the photo first.")
        if not request.htmx:  # else the message replaces the button
            messages.error(request, by_another if photo.may_be_read else why_not_reanalysed(photo)[1])
    if request.htmx:
        return _answer_explanation(request, find_photo(request, photo_id))
    return redirect(reverse("patients:photo", args=[photo_id]) + "#explanation")


@require_GET
def show_explanation(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Send the state of the map, or the map."""
    photo = find_photo(request, photo_id)
    is_unchanged = photo.prediction is not None and photo.prediction.explanation == request.GET.get("state")
    return HttpResponse(status=204) if is_unchanged else _answer_explanation(request, photo)


@require_POST
def dismiss_photo(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Dismiss a refused photo."""
    photo = find_photo(request, photo_id)
    photo.dismiss()
    return _answer(request, photo)


@require_POST
def exclude_photo(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Exclude the photo from every summary, with a reason."""
    photo = find_photo(request, photo_id)
    form = ExcludeForm(request.POST)
    if form.is_valid():
        photo.exclude(form.cleaned_data["reason"], by=request.user)
        if not request.htmx:
            undo = reverse("patients:include_photo", args=[photo.pk])
            messages.success(request, _("Photo excluded."), extra_tags=undo)
    else:
        messages.error(request, str(TOO_LONG))
        unchanged(request, is_shown=bool(request.htmx))
    return _answer(request, photo)


@require_POST
def include_photo(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Include the photo again."""
    photo = find_photo(request, photo_id)
    photo.include()
    return _answer(request, photo)


@require_POST
def delete_photo(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Delete the photo, its readings and its files."""
    photo = find_photo(request, photo_id)
    visit_id = photo.visit_id
    photo.remove()
    messages.success(request, _("The photo and its results were erased."))
    return redirect("patients:visit", visit_id)


def _refuse(request: ClinicianRequest, photo: Photo, why: str) -> HttpResponse:
    """Say that nothing was changed, and why: on the card for htmx, or above the page."""
    unchanged(request, is_shown=bool(request.htmx))
    if request.htmx:
        return _answer_card(request, find_photo(request, photo.pk), why)
    messages.warning(request, why)
    return redirect_back(request, "patients:visit", photo.visit_id)


def _answer(request: ClinicianRequest, photo: Photo) -> HttpResponse:
    """Answer a change: htmx gets the new card, a plain form the page it came from."""
    if request.htmx:
        return _answer_card(request, find_photo(request, photo.pk))
    return redirect_back(request, "patients:visit", photo.visit_id)


def _answer_explanation(request: ClinicianRequest, photo: Photo) -> HttpResponse:
    facts = {"current_model": current_model_version(), "may_be_read": care_facts(photo.visit.patient).since is not None}
    context = {"card": card_of(photo), "photo": photo} | facts
    return render(request, "patients/_photo_explanation.html", context)


def _answer_card(request: ClinicianRequest, photo: Photo, refused: str = "") -> HttpResponse:
    (card,) = with_minutes([card_of(photo)])
    context = {"card": card, "patient": photo.visit.patient, "refused": refused}
    response = render(request, "patients/_photo_card.html", context)
    return trigger_client_event(response, "photos-changed") if card.is_final else response
