"""The visit: where photos arrive, are looked at and are counted."""

from dataclasses import dataclass
from http import HTTPStatus
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from patients.audit.outcome import unchanged
from patients.care.banner import banner_of
from patients.forms.note_conflicts import CHANGED_MEANWHILE, is_changed_meanwhile, version_of
from patients.forms.self_report import SelfReportForm, report_of
from patients.forms.visit import NoteForm, VisitForm
from patients.models import LastViewed, Visit
from patients.photos.codes import RejectedPhoto
from patients.photos.other_days import other_days
from patients.photos.phone_card import phone_card
from patients.readings.photo_card import Kind, PhotoCard, cards_of, count_filters, passes
from patients.readings.visit_summary import summarise
from patients.views.lookups import find_visit, readable_photos
from patients.views.photo import answer_note
from patients.views.requests import ClinicianRequest, redirect_back, render_form


@dataclass(frozen=True)
class Limits:
    """What the drop zone says of its limits."""

    max_bytes: int
    room: int

    @property
    def text(self) -> str:
        """Return the limits as one sentence or two."""
        text = ngettext(
            "JPEG, PNG, WebP or HEIC, up to %(megabytes)d MB and %(megapixels)d megapixels each. One more fits in this visit.",
            "JPEG, PNG, WebP or HEIC, up to %(megabytes)d MB and %(megapixels)d megapixels each. %(room)d more fit in this visit.",
            self.room,
        )
        numbers = {"megabytes": self.max_bytes // 1_000_000, "megapixels": settings.PHOTO_MAX_PIXELS // 1_000_000}
        return text % (numbers | {"room": self.room})

    @property
    def too_large(self) -> str:
        """Return what is said of a larger file."""
        return RejectedPhoto("too_large").message()


def visit_cards(request: ClinicianRequest, visit: Visit) -> list[PhotoCard]:
    """Return the photo cards of the visit in their order."""
    photos = readable_photos(request.user).filter(visit=visit)
    return cards_of(photos)


@require_GET
def show_visit(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Show the drop zone, the photos and what they say together."""
    visit = find_visit(request, visit_id)
    context = _page(request, visit)
    LastViewed.now(visit.patient, request.user)
    return render(request, "patients/visit.html", context)


def _page(request: ClinicianRequest, visit: Visit) -> dict[str, object]:
    """Return what the page of the visit shows."""
    cards = visit_cards(request, visit)
    show = request.GET.get("show", "")
    days = list(visit.patient.visits.order_by("date", "created_at").only("pk", "date", "patient"))
    at = [each.pk for each in days].index(visit.pk)
    return (
        banner_of(visit.patient)
        | _state(visit, cards)
        | {
            "cards": [card for card in cards if passes(card, show)],
            "show": show,
            "number": at + 1,
            "previous": days[at - 1] if at else None,
            "next": days[at + 1] if at + 1 < len(days) else None,
            "form": SelfReportForm(instance=report_of(visit)),
            "phone": phone_card(visit, request.user, (card.photo for card in cards)),
            "loaded": version_of(visit.note),
        }
    )


@require_GET
def show_state(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Answer the summary and the counts of the filters, as they are now."""
    visit = find_visit(request, visit_id)
    context = _state(visit, visit_cards(request, visit)) | {"is_update": True, "show": request.GET.get("show", "")}
    LastViewed.now(visit.patient, request.user)
    return render(request, "patients/_visit_state.html", context)


@require_http_methods(["GET", "POST"])
def edit_visit(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Change the day or the note, and only what was changed in this form: a colleague may have changed the other meanwhile."""
    visit = find_visit(request, visit_id)
    loaded = request.POST.get("loaded", version_of(visit.note))
    loaded_date = request.POST.get("loaded-date", visit.date.isoformat())
    is_note_changed = version_of(request.POST.get("note", "")) != loaded
    form = VisitForm(request.POST or None, instance=visit)
    is_lost = False
    if request.method == "POST" and form.is_valid():
        is_lost = is_note_changed and is_changed_meanwhile(visit, request.POST)
        if not is_lost:
            is_changed = {"date": visit.date.isoformat() != loaded_date, "note": is_note_changed}
            visit.save(update_fields=[name for name in is_changed if is_changed[name]])
            messages.success(request, _("Visit saved."))
            return redirect("patients:visit", visit.pk)
        form.add_error("note", CHANGED_MEANWHILE)
    context = {"form": form, "visit": visit, "loaded": loaded, "loaded_date": loaded_date, "is_lost": is_lost}
    return render_form(request, "patients/visit_form.html", banner_of(visit.patient) | context)


@require_POST
def save_note(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Keep the note: a word for the script that saves while one types, a redirect for the plain form.

    Over words that the page has not seen nothing is saved: 409, and the words that were typed stay where they are.
    """
    visit = find_visit(request, visit_id)
    is_lost = is_changed_meanwhile(visit, request.POST)
    form = NoteForm(request.POST, instance=visit)
    if form.is_valid() and not is_lost:
        visit.save(update_fields=["note"])
    if request.htmx:
        return answer_note(request, visit.note, is_lost)
    if is_lost:
        unchanged(request, is_shown=True)
        way_back = reverse("patients:visit", args=[visit.pk])
        context = _page(request, visit) | {"refused": CHANGED_MEANWHILE, "way_back": way_back}
        return render(request, "patients/visit.html", context, status=HTTPStatus.CONFLICT)
    messages.success(request, _("Note saved."))
    return redirect_back(request, "patients:visit", visit.pk)


def _state(visit: Visit, cards: list[PhotoCard]) -> dict[str, object]:
    """Return what the summary and the filters show."""
    counts = {name.replace("-", "_"): count for name, count in count_filters(cards).items()}
    return {
        "visit": visit,
        "patient": visit.patient,
        "total": len(cards),
        "limits": Limits(settings.PHOTO_MAX_BYTES, max(settings.PHOTOS_PER_VISIT - len(cards), 0)),
        "counts": counts,
        "read": sum(card.kind in (Kind.READ, Kind.CLOSE) for card in cards),
        "other_days": other_days(visit, (card.photo for card in cards)),
        "summary": summarise(visit),
    }
