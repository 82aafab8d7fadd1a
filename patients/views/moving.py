"""Move photos or a visit that were added to the wrong day or patient."""

from dataclasses import dataclass
from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from patients.audit.log import record_access
from patients.audit.outcome import lists
from patients.care.banner import banner_of
from patients.forms.move import GONE, MovePhotosForm, MoveVisitForm
from patients.models import AccessLog, Patient, Photo, Visit
from patients.models.names import Search, by_name
from patients.models.patient import cared_for
from patients.photos.move import MESSAGES, STAYED, CannotMove, Moved, move_photos, move_visit
from patients.photos.other_days import day_taken
from patients.photos.selected import name_of
from patients.timeline.caseload import among
from patients.timeline.directory import directory_of
from patients.views.lookups import find_visit, photos_of
from patients.views.requests import ClinicianRequest, redirect_back, render_form

MENU = 50
"""How many patients a menu names: thousands would make it useless, and each gets an entry in the access log."""


@dataclass(frozen=True)
class Menu:
    """Patients by id, sorted by name: those whom the words find, at most MENU. With more patients in all, one can search."""

    patients: dict[str, Patient]
    words: str
    found: int
    is_searched: bool

    @property
    def is_cut(self) -> bool:
        """Whether the words find more than it names."""
        return self.found > MENU


@require_http_methods(["GET", "POST"])
def choose_place_of_photos(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Ask which photos to move and where; then move them and open the visit they are in."""
    source = find_visit(request, visit_id)
    photos = list(photos_of(request, source))
    asked = request.POST or request.GET
    wanted = asked.get("patient", "") or str(source.patient_id)
    menu = _menu(request, wanted)
    patients = menu.patients
    patient, is_gone = patients.get(wanted, source.patient), wanted not in patients
    is_asked = request.method == "POST" and "show" not in request.POST  # "show": only the visits of another patient
    picked = {str(photo.pk) for photo in photos} if "all" in request.GET else set(asked.getlist("photo"))
    days = {day_taken(photo) for photo in photos if photo.taken_at and str(photo.pk) in picked}
    likely = days.pop() if len(days) == 1 else None
    form = MovePhotosForm(request.POST if is_asked else None, source, [photo.pk for photo in photos], patient, likely)
    if not is_gone and form.is_valid():
        chosen = [photo for photo in photos if str(photo.pk) in form.cleaned_data["photo"]]
        try:
            moved, target = _move(request, form, chosen)
        except CannotMove as error:
            form.add_error(None, str(MESSAGES[error.code]))
        else:
            _tell(request, moved)
            return redirect("patients:visit", (target if moved.count else source).pk)
    context = banner_of(source.patient) | {
        "form": form,
        "visit": source,
        "photos": photos,
        "picked": picked,
        "menu": menu,
        "owner": patient,
        "gone": GONE if is_gone else "",
    }
    _log_others(request, source, patient, patients)
    return render_form(request, "patients/_move_target.html" if request.htmx else "patients/move_photos.html", context)


@require_http_methods(["GET", "POST"])
def choose_patient_of_visit(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Ask whose visit it is, then move it to that patient."""
    visit = find_visit(request, visit_id)
    owner = visit.patient
    chosen = request.POST.get("patient", "")
    menu = _menu(request, chosen)
    # A search moves nothing, and says so where the patient of before is gone.
    is_asked = request.method == "POST" and ("show" not in request.POST or chosen not in ("", *menu.patients))
    form = MoveVisitForm(request.POST if is_asked else None, menu.patients, owner)
    if form.is_valid():
        try:
            move_visit(visit, form.target, request, form.cleaned_data["keep_duplicate"])
        except CannotMove as error:
            form.add_error(None, str(MESSAGES[error.code]))
        else:
            messages.success(request, _("The visit was moved here with everything in it."))
            return redirect("patients:visit", visit.pk)
    context = banner_of(owner) | {"form": form, "visit": visit, "total": visit.photos.count(), "menu": menu}
    _log_others(request, visit, owner, menu.patients)
    return render_form(request, "patients/_move_patient.html" if request.htmx else "patients/move_visit.html", context)


@require_POST
def keep_dates(request: ClinicianRequest, visit_id: UUID) -> HttpResponse:
    """Remember that photos taken on another day do belong to this visit."""
    visit = find_visit(request, visit_id)
    with transaction.atomic():
        visit.photos.filter(date_kept_at=None).exclude(taken_at=None).update(date_kept_at=timezone.now())
        record_access(request, AccessLog.Action.EDIT, obj=visit, dates="kept")
    return redirect_back(request, "patients:visit", visit.pk)


def _menu(request: ClinicianRequest, chosen: str) -> Menu:
    """Return the menu of patients: those in care whom the words find, by name, and the one that is `chosen`.

    Leaves out patients open by emergency access, which does not permit moves.
    """
    words = (request.POST or request.GET).get("q", "").strip()
    directory = directory_of(request.user)
    keys = directory.found(Search(words))
    cared = Patient.objects.filter(cared_for(request.user, "pk"))
    first = by_name(cared.filter(pk__in=among(keys[:MENU])), lambda patient: patient.name)
    patients = {str(patient.pk): patient for patient in first}
    key = _id_or_none(chosen)
    patient = cared.filter(pk=key).first() if key and chosen not in patients else None
    if patient:
        patients[str(patient.pk)] = patient
    return Menu(patients, words, len(keys), len(directory) > MENU)


def _id_or_none(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _log_others(request: ClinicianRequest, visit: Visit, owner: Patient, patients: dict[str, Patient]) -> None:
    """Log what the page shows besides the visit: it names the patients of the menu, and lists the visits of `owner`."""
    lists(request, (patient.pk for patient in patients.values()))
    if owner.pk != visit.patient_id:
        record_access(request, AccessLog.Action.VIEW, owner)


def _move(request: ClinicianRequest, form: MovePhotosForm, photos: list[Photo]) -> tuple[Moved, Visit]:
    """Return what was moved and where to. A new visit that stays empty is deleted."""
    with transaction.atomic():
        target = form.target(request.user)
        moved = move_photos(photos, target, request, form.cleaned_data["keep_duplicate"])
        if form.is_new and not moved.count:
            target.delete()
    return moved, target


def _tell(request: ClinicianRequest, moved: Moved) -> None:
    if moved.count:
        text = ngettext(
            "%(n)d photo was moved here with its results.",
            "%(n)d photos were moved here with their results.",
            moved.count,
        )
        messages.success(request, text % {"n": moved.count})
    for reason, photos in moved.stayed.items():
        names = ", ".join(map(name_of, photos))
        messages.warning(request, _("Not moved: %(photos)s. Reason: %(why)s.") % {"photos": names, "why": STAYED[reason]})
