"""`manage.py export_study STUDY`: write the data package of a study to a file."""

from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from patients.audit.log import record_access
from patients.models import AccessLog, Participation, Patient, Study, User
from patients.models.study import Right
from patients.reports.study.forms import available_forms
from patients.reports.study.package import study_package
from patients.reports.study.rows import TooFewPeople


class Command(BaseCommand):
    """Writes the file with mode 600, after adding an entry to the access log of everyone in it."""

    help = "Write the data package of a study (its id or its name) as a ZIP."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("study", help="id or name of the study")
        parser.add_argument("--for", dest="person", required=True, help="email of the member who asked for it and may export")
        parser.add_argument("--format", dest="form", choices=sorted(available_forms()), default="csv")
        parser.add_argument("--out", type=Path, required=True, help="the ZIP to write; it must not exist")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        person = User.objects.filter(email__iexact=options["person"], is_active=True, may_export=True).first()
        study = _study(options["study"], person) if person else None
        if study is None or person is None:
            raise CommandError("There is no such study, or this person may not export it.")
        if not study.ethics_reference:
            raise CommandError("The study has no ethics reference: nothing is exported.")
        try:
            content = study_package(study, options["form"])
        except TooFewPeople:
            raise CommandError("The study has fewer people than its smallest cell.") from None
        with transaction.atomic(), options["out"].open("xb") as file:  # the file and the entries, or neither
            options["out"].chmod(0o600)
            patients = Participation.objects.counted().filter(study=study).values("patient")
            for patient in Patient.objects.filter(pk__in=patients).order_by("record_number_hash"):
                record_access(person, AccessLog.Action.EXPORT, patient, page="task_study_export")
            file.write(content)
        self.stdout.write(f"{options['out']}: {len(content)} bytes")


def _study(text: str, person: User) -> Study | None:
    """Return the study with this id, or the only one with this name, of those that the person may export."""
    own = Study.objects.open_to(person, Right.EXPORT)
    try:
        found = own.filter(pk=text).first()
    except ValidationError:
        found = None
    named = own.filter(name=text)
    return found or (named.first() if named.count() == 1 else None)
