"""`manage.py export_fhir PATIENT`: write the record of a patient to a file, as a bundle of FHIR R4."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from patients.audit.log import record_access
from patients.models import AccessLog, Patient, User, Visit
from patients.reports.fhir.bundle import bundle_lines, resources
from patients.reports.scope import Scope


class Command(BaseCommand):
    """Writes the file with mode 600, after adding an entry to the access log of the patient."""

    help = "Write the record of a patient (id or record number), or one visit, as a bundle of FHIR R4."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("patient", help="id or record number of the patient")
        parser.add_argument("--visit", help="id of a visit, for this visit alone")
        parser.add_argument("--for", dest="person", required=True, help="email of the clinician who asked for it and may export")
        parser.add_argument("--out", type=Path, required=True, help="the file to write; it must not exist")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        person = User.objects.filter(email__iexact=options["person"], is_active=True, may_export=True).first()
        patient = _patient(options["patient"], person) if person else None
        if person is None or patient is None:
            raise CommandError("There is no such patient in the care of this person, or this person may not export.")
        visit = _visit(options["visit"], patient) if options["visit"] else None
        page = "visit_fhir" if visit else "patient_fhir"
        with transaction.atomic(), options["out"].open("x", encoding="utf-8") as file:  # the file and the entry, or neither
            options["out"].chmod(0o600)
            record_access(person, AccessLog.Action.EXPORT, patient, visit, page=page)
            file.writelines(bundle_lines(resources(Scope([patient], visit), person)))
        self.stdout.write(f"{options['out']}: {options['out'].stat().st_size} bytes")


def _patient(text: str, person: User) -> Patient | None:
    """Return the patient with this id or record number, of those in the care of the person."""
    own = Patient.objects.in_care_of(person)
    try:
        return own.filter(pk=text).first() or own.with_record_number(text).first()
    except ValidationError:
        return own.with_record_number(text).first()


def _visit(text: str, patient: Patient) -> Visit:
    try:
        return Visit.objects.get(patient=patient, pk=text)
    except (Visit.DoesNotExist, ValidationError):
        raise CommandError("The patient has no such visit.") from None
