"""A clinician's own label of a photo, and how often the model agrees with it."""

from uuid import UUID

from django.contrib import messages
from django.db import IntegrityError
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from patients.audit.outcome import lists
from patients.care.banner import banner_of
from patients.forms.label import OwnLabelForm
from patients.models import OwnLabel, Patient, Photo
from patients.models.names import folded
from patients.readings.agreement import labelled_by
from patients.readings.own_labels import give_label, take_back
from patients.views.lookups import find_patient, find_photo
from patients.views.requests import ClinicianRequest


@require_POST
def save_label(request: ClinicianRequest, photo_id: UUID) -> HttpResponse:
    """Save the label, or remove it."""
    photo = find_photo(request, photo_id)
    given = OwnLabel.objects.filter(photo=photo, clinician=request.user).first()
    if "remove" in request.POST:
        _take_back(request, photo, given)
    else:
        form = OwnLabelForm(request.POST, instance=given or OwnLabel(photo=photo, clinician=request.user))
        if form.is_valid():
            _keep(request, photo, form)
        for errors in form.errors.values():
            messages.error(request, " ".join(str(error) for error in errors))
    return redirect(reverse("patients:photo", args=[photo.pk]) + "#own-label")


@require_GET
def show_agreement(request: ClinicianRequest) -> HttpResponse:
    """Show how often the model agrees with the clinician, over all their patients."""
    labelled = labelled_by(request.user)
    patients = Patient.objects.sought_by(request.user).in_bulk(list(labelled.agreement.by_patient))
    rows = [(patients[key], each) for key, each in labelled.agreement.by_patient.items()]
    rows.sort(key=lambda row: (-row[1].n, folded(row[0].name)))
    if len(rows) > 1:  # else the page names no one
        lists(request, labelled.agreement.by_patient)
    return render(request, "patients/agreement.html", {"labelled": labelled, "rows": rows, "section": "patients"})


@require_GET
def show_agreement_on(request: ClinicianRequest, patient_id: UUID) -> HttpResponse:
    """Show how often the model agrees with the clinician, for one patient."""
    patient = find_patient(request, patient_id)
    context = banner_of(patient) | {"labelled": labelled_by(request.user, patient)}
    return render(request, "patients/agreement.html", context)


def _keep(request: ClinicianRequest, photo: Photo, form: OwnLabelForm) -> None:
    try:
        give_label(form, photo, request)
    except IntegrityError:  # the button was pressed twice: the first label is stored
        messages.warning(request, _("You gave a label in this very moment already. This is it."))
    else:
        messages.success(request, _("Your label is kept beside the model’s answer."))


def _take_back(request: ClinicianRequest, photo: Photo, given: OwnLabel | None) -> None:
    if given is None:
        return
    take_back(given, photo, request)
    messages.success(request, _("Your label is taken back."))
