"""The record of a patient as FHIR: a task, because a record of many visits takes longer than a page may."""

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from patients.models import Task
from patients.reports.fhir.bundle import CONTENT_TYPE, bundle_lines, resources
from patients.reports.scope import Scope
from patients.tasks.kind import Kind, Progress, TaskFile


def make_bundle(task: Task, progress: Progress) -> TaskFile:
    """Return the bundle of the patient with all visits."""
    scope = Scope([task.patients.get()])
    content = "".join(bundle_lines(resources(scope, task.owner, progress)))
    return TaskFile(scope.file_name("fhir", "json"), CONTENT_TYPE, content.encode())


def _title(task: Task) -> str:
    patient = next(iter(task.patients.all()), None)
    return _("FHIR record of %(name)s") % {"name": patient.name} if patient else _("FHIR record of a patient who is gone")


def _counted(done: int, total: int) -> str:
    return ngettext("%(done)d of %(total)d visit", "%(done)d of %(total)d visits", total) % {"done": done, "total": total}


FHIR = Kind(icon="file", run=make_bundle, title=_title, about=lambda task: "FHIR R4, JSON", counted=_counted)
