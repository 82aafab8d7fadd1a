"""Starts the tasks that a page and the API offer."""

from collections.abc import Iterable

from django.db import transaction

from patients.audit.log import Actor, record_access
from patients.forms.report import ReportForm
from patients.models import AccessLog, Patient, Study, Task, User, Visit
from patients.reports.paper.options import ReportOptions
from patients.reports.study.forms import available_forms
from patients.tasks import study_export
from patients.tasks.run import start


class CannotExport(Exception):
    """The study has no ethics reference, or this installation cannot write the format."""


def begin_report(patient: Patient, visit: Visit | None, form: ReportForm, by: User) -> Task:
    """Start the PDF that a valid form asks for: of the record, or of one visit. The download adds the entry to the access log."""
    options = ReportOptions(visit=str(visit.pk) if visit else "", **form.cleaned_data)
    return start("report", by, [patient.pk], **options.as_json())


def begin_study_export(study: Study, form: str, tables: Iterable[str], by: User, who: Actor) -> Task:
    """Start the data package of a study that `by` may export, in one of the formats. Raises CannotExport."""
    if not study.ethics_reference or form not in available_forms():
        raise CannotExport
    chosen = sorted(study_export.NAMES & set(tables))
    with transaction.atomic():
        task = start(study_export.NAME, by, study=str(study.pk), form=form, tables=chosen)
        record_access(who, AccessLog.Action.EXPORT, obj=study, form=form)
    return task
