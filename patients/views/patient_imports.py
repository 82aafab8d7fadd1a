"""Patients out of a file: the file, what each row would do, and what was done."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from patients.audit.outcome import lists, unchanged
from patients.forms.patient_import.carry_out import carry_out, difference
from patients.forms.patient_import.codes import FILES, FIRST_LINE, MOST_ROWS, ROWS, UnreadableFile, Words
from patients.forms.patient_import.read import read_patients
from patients.models import Patient, PatientImport
from patients.models.formats import day
from patients.models.patient_import import FoundPatient
from patients.views.requests import ClinicianRequest


@dataclass(frozen=True)
class Row:
    """One row as the page shows it. `patient` is who has the number, as far as the reader sees them."""

    place: int
    found: FoundPatient
    patient: Patient | None
    changes: dict[str, object]

    @property
    def why(self) -> Words:
        """Why it cannot be imported; empty where it can."""
        return ROWS.get(self.found.code, "")

    @property
    def born(self) -> str:
        """The date of birth in the words of the reader; as the file has it where it cannot be read."""
        try:
            return day(date.fromisoformat(self.found.birth_date))
        except ValueError:
            return self.found.birth_date

    @property
    def sex(self) -> Words:
        """The sex in the words of the reader."""
        return dict(Patient.Sex.choices).get(self.found.sex, "")

    @property
    def new_sex(self) -> bool:
        """Whether the sex would change."""
        return "sex" in self.changes


@require_http_methods(["GET", "POST"])
def choose_patients_file(request: ClinicianRequest) -> HttpResponse:
    """Ask for a file (GET), and check it (POST). Nothing becomes a patient yet."""
    context: dict[str, object] = {
        "section": "patients",
        "most": MOST_ROWS,
        "columns": FIRST_LINE,
        "unfinished": PatientImport.objects.kept().filter(created_by=request.user, finished_at=None),
    }
    if request.method == "POST":
        file = request.FILES.get("file")
        try:
            rows = read_patients(file.read() if file else b"", request)
        except UnreadableFile as refused:
            unchanged(request, is_shown=False)
            what, helps = FILES[refused.code]
            return render(
                request, "patients/import_patients.html", context | {"code": refused.code, "what": what, "helps": helps}, status=400
            )
        batch = PatientImport(created_by=request.user, file_name=(file.name or "")[:255] if file else "")
        batch.found = rows
        batch.save()
        return redirect("patients:patient_import", batch.pk)
    return render(request, "patients/import_patients.html", context)


@require_GET
def show_patient_import(request: ClinicianRequest, patient_import_id: UUID) -> HttpResponse:
    """Show what each row would do, or what was done."""
    batch = _own(request, patient_import_id)
    rows = _rows(batch, request)
    context = {"import": batch, "rows": rows, "section": "patients"} | _counted(rows)
    return render(request, "patients/patient_import.html", context)


@require_POST
def carry_out_patient_import(request: ClinicianRequest, patient_import_id: UUID) -> HttpResponse:
    """Add and change patients as chosen for each row."""
    batch = _own(request, patient_import_id)
    chosen = {place: request.POST.get(f"row-{place}", "") for place in range(len(batch.found))}
    carry_out(batch.pk, chosen, request)
    return redirect("patients:patient_import", batch.pk)


@require_POST
def discard_patient_import(request: ClinicianRequest, patient_import_id: UUID) -> HttpResponse:
    """Delete what was read from the file. Patients who were added stay."""
    _own(request, patient_import_id).delete()
    messages.success(request, _("What was read from the file is deleted."))
    return redirect("patients:import_patients")


def _own(request: ClinicianRequest, patient_import_id: UUID) -> PatientImport:
    return get_object_or_404(PatientImport.objects.kept(), pk=patient_import_id, created_by=request.user)


def _rows(batch: PatientImport, request: ClinicianRequest) -> list[Row]:
    found = batch.found
    patients = Patient.objects.sought_by(request.user).filter(pk__in=[row.patient for row in found if row.patient])
    by_id = {str(patient.pk): patient for patient in patients}
    lists(request, (patient.pk for patient in by_id.values()))
    rows = []
    for place, row in enumerate(found):
        patient = by_id.get(row.patient)
        is_compared = patient is not None and not row.code and not row.outcome
        rows.append(Row(place, row, patient, difference(row, patient) if patient and is_compared else {}))
    return rows


def _counted(rows: list[Row]) -> dict[str, int]:
    """Return how many rows are of each kind."""
    return {
        "new": sum(not row.found.code and not row.found.patient for row in rows),
        "here": sum(not row.found.code and bool(row.found.patient) for row in rows),
        "bad": sum(bool(row.found.code) for row in rows),
        **{name: sum(row.found.outcome == name for row in rows) for name in ("added", "updated", "left_out")},
    }
