"""The studies of a person: the list, the form and the group."""

from uuid import UUID

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from patients.audit.log import record_access, record_for_each
from patients.forms.study import StudyForm
from patients.models import AccessLog, Study
from patients.models.formats import clinic_today
from patients.models.study import Right
from patients.photos.reanalyse import outdated_photos, reanalyse_outdated
from patients.reports.study.panel import export_panel
from patients.studies.counts import study_rows
from patients.studies.group import group_of
from patients.studies.mixed import why_not
from patients.studies.page import StudyPage, model_card
from patients.studies.participation import participants_in_care
from patients.studies.saving import change_study, create_study
from patients.tasks import study_export, study_model
from patients.tasks.begin import CannotExport, begin_study_export
from patients.tasks.run import start
from patients.views.lookups import find_exportable_study, find_own_study, find_study
from patients.views.requests import ClinicianRequest, render_form


@require_GET
def show_studies(request: ClinicianRequest) -> HttpResponse:
    """Show the studies of which the user is a member."""
    return render(request, "patients/studies.html", {"rows": study_rows(request.user), "section": "studies"})


@require_http_methods(["GET", "POST"])
def add_study(request: ClinicianRequest) -> HttpResponse:
    """Create a study; who creates it leads it."""
    form = StudyForm(request.user, request.POST or None, initial={"starts_on": clinic_today()})
    if request.method == "POST" and form.is_valid():
        study = create_study(request, form)
        messages.success(request, _("Study created."))
        return redirect("patients:study", study.pk)
    return _form_page(request, form, _("New study"), reverse("patients:studies"))


@require_http_methods(["GET", "POST"])
def edit_study(request: ClinicianRequest, study_id: UUID) -> HttpResponse:
    """Change a study, its arms and its people."""
    study = find_own_study(request, study_id)
    with transaction.atomic():  # the form locks the study until it is saved
        form = StudyForm(request.user, request.POST or None, instance=study)
        if request.method == "POST" and form.is_valid():
            study = change_study(request, form)
            messages.success(request, _("Changes saved."))
            return redirect("patients:study", study.pk)
    return _form_page(request, form, _("Edit study"), reverse("patients:study", args=[study.pk]))


@require_GET
def show_study(request: ClinicianRequest, study_id: UUID) -> HttpResponse:
    """Show the group."""
    study = find_study(request, study_id)
    (row,) = study_rows(request.user, study)
    group = group_of(study)
    context = {
        "study": study,
        "row": row,
        "page": StudyPage(group, request.GET.dict()),
        "model": model_card(group, study_model.is_waiting(study)),
        "may_change": study.grants(request.user, Right.CHANGE),
        "export": export_panel(group, request.user.may_export and study.grants(request.user, Right.EXPORT)),
        "outdated": outdated_photos(*participants_in_care(study, request.user)).count(),
        "last_export": study_export.last_export(study),
        "section": "studies",
    }
    return render(request, "patients/study.html", context)


@require_http_methods(["GET", "POST"])
def show_group_model(request: ClinicianRequest, study_id: UUID) -> HttpResponse:
    """Show the card of the mixed model, which asks for itself while a worker computes; after a POST one does."""
    study = find_study(request, study_id)
    group = group_of(study)
    if request.method == "POST":
        with transaction.atomic():
            if not study_model.is_waiting(study) and not study_model.is_current(group) and not why_not(group):
                task = start(study_model.NAME, request.user, study=str(study.pk))
                record_access(request, AccessLog.Action.VIEW, obj=study, task=str(task.pk))
        if not request.htmx:
            return HttpResponseRedirect(reverse("patients:study", args=[study.pk]) + "#model")
    context = {"study": study, "model": model_card(group, study_model.is_waiting(study))}
    return render(request, "patients/_study_model.html", context)


@require_POST
def read_study_again(request: ClinicianRequest, study_id: UUID) -> HttpResponse:
    """Queue what an older model read of the user's own patients in the study; the page Tasks shows how far that is."""
    study = find_study(request, study_id)
    with transaction.atomic():
        counts = {patient.pk: reanalyse_outdated(patient) for patient in participants_in_care(study, request.user)}
        record_for_each(request, AccessLog.Action.RETRY, [pk for pk, n in counts.items() if n])
    if n := sum(counts.values()):
        text = ngettext("%(n)d photo is being re-analysed.", "%(n)d photos are being re-analysed.", n)
        messages.success(request, text % {"n": n})
        return redirect("patients:tasks")
    messages.warning(request, _("No photo can be re-analysed: none is left, or consent is missing."))
    return redirect("patients:study", study.pk)


@require_POST
def export_study(request: ClinicianRequest, study_id: UUID) -> HttpResponse:
    """Start a task that writes the data package of the study; the page Tasks offers it for a day."""
    study = find_exportable_study(request, study_id)
    form, tables = request.POST.get("form", "csv"), request.POST.getlist("table")
    try:
        begin_study_export(study, form, tables, request.user, request)
    except CannotExport:
        messages.error(request, _("Nothing was exported: the ethics reference or the format is missing."))
        return redirect("patients:study", study.pk)
    messages.success(request, _("The export is being created."))
    return redirect("patients:tasks")


def _form_page(request: ClinicianRequest, form: StudyForm, title: str, cancel: str) -> HttpResponse:
    context = {"form": form, "title": title, "cancel": cancel, "section": "studies", "field_choices": _choices()}
    return render_form(request, "patients/study_form.html", context)


def _choices() -> list[tuple[str, str, str]]:
    """Return the fields: value, name, and what is in it."""
    inside = {
        Study.Field.EXPRESSIONS: _("per visit and per photo"),
        Study.Field.SELF_REPORTS: _("PHQ-9, GAD-7, mood"),
        Study.Field.QUALITY: _("reason when unusable, model version"),
        Study.Field.EVENTS: _("kind and days, no text"),
        Study.Field.AGE_BAND: _("bands are joined below the smallest cell"),
        Study.Field.SEX: _("as the clinic’s record has it"),
        Study.Field.LABELS: _("what clinicians chose"),
    }
    return [(field.value, str(field.label), inside[field]) for field in Study.Field]
