"""Several photos of a visit at once: exclude, count again, dismiss, re-analyse. Moving them has a page of its own."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from patients.audit.outcome import unchanged
from patients.forms.once import uuid_in
from patients.forms.photo import TOO_LONG, ExcludeForm
from patients.models import Visit
from patients.photos.phone_card import short_id
from patients.photos.selected import DISMISS, EXCLUDE, INCLUDE, REANALYSE, Change, Changed, change_photos
from patients.views.lookups import find_visit, photos_of
from patients.views.requests import ClinicianRequest, redirect_back

CHANGES = {"exclude": EXCLUDE, "dismiss": DISMISS, "reanalyse": REANALYSE}
"""What the buttons of the visit page ask for, by their value."""


@require_POST
def change_selected(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Do to the selected photos what the button says; a message says what was done, and what was not."""
    visit = find_visit(request, visit_id)
    change = CHANGES.get(request.POST.get("do", ""))
    ids = set(filter(None, map(uuid_in, request.POST.getlist("photo"))))
    form = ExcludeForm(request.POST)
    if not ids or change is None:
        return _refuse(request, visit, _("Select at least one photo.") if not ids else _("Choose what to do with the photos."))
    if change is EXCLUDE and not form.is_valid():
        return _refuse(request, visit, str(TOO_LONG))
    changed = change_photos(photos_of(request, visit), ids, change, request, request.user, request.POST.get("reason", ""))
    return _answer(request, visit, change, changed)


@require_POST
def include_selected(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Undo: count the photos again that the address names by the start of their ids."""
    visit = find_visit(request, visit_id)
    named = set(request.GET.get("photos", "").split(","))
    photos = photos_of(request, visit)
    ids = [pk for pk in photos.values_list("pk", flat=True) if pk.hex[:8] in named]
    return _answer(request, visit, INCLUDE, change_photos(photos, ids, INCLUDE, request, request.user))


def _answer(request: ClinicianRequest, visit: Visit, change: Change, changed: Changed) -> HttpResponse:
    if changed.photos:
        undo = ""
        if change is EXCLUDE:
            undo = reverse("patients:include_selected", args=[visit.pk]) + "?photos=" + ",".join(map(short_id, changed.photos))
        messages.success(request, _said(change, len(changed.photos)), extra_tags=undo)
    else:
        unchanged(request, is_shown=False)
    for why, names in changed.left.items():
        messages.warning(request, _("Not changed: %(photos)s. Reason: %(why)s.") % {"photos": ", ".join(names), "why": why})
    if changed.gone:
        text = ngettext("%(n)d photo is no longer in this visit.", "%(n)d photos are no longer in this visit.", changed.gone)
        messages.warning(request, text % {"n": changed.gone})
    return redirect_back(request, "patients:visit", visit.pk)


def _said(change: Change, n: int) -> str:
    """Return what was done."""
    if change is EXCLUDE:
        text = ngettext("%(n)d photo excluded.", "%(n)d photos excluded.", n)
    elif change is INCLUDE:
        text = ngettext("%(n)d photo counted again.", "%(n)d photos counted again.", n)
    elif change is DISMISS:
        text = ngettext("%(n)d photo dismissed.", "%(n)d photos dismissed.", n)
    else:
        text = ngettext("%(n)d photo is being re-analysed.", "%(n)d photos are being re-analysed.", n)
    return text % {"n": n}


def _refuse(request: ClinicianRequest, visit: Visit, why: str) -> HttpResponse:
    messages.warning(request, why)
    unchanged(request, is_shown=False)
    return redirect_back(request, "patients:visit", visit.pk)
