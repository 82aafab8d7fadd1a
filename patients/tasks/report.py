"""Reports as tasks: a PDF of a record or of one visit, made in a worker and kept as long as its task."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.models import Task
from patients.models.formats import clinic_today
from patients.reports.paper.options import ReportOptions
from patients.reports.paper.pdf import PdfUnavailable, report_pdf
from patients.tasks.kind import Kind, Progress, TaskFailed, TaskFile


def make_report(task: Task, progress: Progress) -> TaskFile:
    """Return the report that the options of the task ask for."""
    patient = task.patients.get()
    try:
        options = ReportOptions(**task.options)
        content = report_pdf(patient, options, task.owner)
    except PdfUnavailable:
        raise TaskFailed("no_pdf") from None
    progress(1, 1)
    # As with CSV files: neither the name nor the record number.
    which = options.number or f"{clinic_today().isoformat()}-{str(patient.pk)[:8]}"
    return TaskFile(f"affectline-report-{which}.pdf", "application/pdf", content)


def _title(task: Task) -> str:
    patient = next(iter(task.patients.all()), None)
    if patient is None:
        return _("Report of a record that is gone")
    words = _("Visit report of %(name)s") if task.options.get("visit") else _("Report of %(name)s")
    return words % {"name": patient.name}


def _about(task: Task) -> str:
    return _("PDF, for the patient") if task.options.get("reader") == "patient" else "PDF"


REPORT = Kind(
    icon="print",
    run=make_report,
    title=_title,
    about=_about,
    reasons={
        "no_pdf": (
            gettext_lazy("This server cannot make PDF files."),
            gettext_lazy("An administrator can install what is missing: Pango."),
        )
    },
)
