"""The task that writes the data package of a study."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.models import Participation, Patient, Study, Task
from patients.models.study import Right
from patients.reports.study.columns import TABLES
from patients.reports.study.forms import available_forms
from patients.reports.study.package import NothingToExport, study_package
from patients.reports.study.rows import TooFewPeople
from patients.tasks.kind import Kind, Progress, TaskFailed, TaskFile

NAME = Task.STUDY_EXPORT
NAMES = frozenset(table.name for table in TABLES)


def exportable(task: Task) -> Study | None:
    """Return the study of the task, if it has an ethics reference and its owner may export it now."""
    owned = Study.objects.open_to(task.owner, Right.EXPORT).exclude(ethics_reference="")
    return owned.filter(pk=str(task.options.get("study", ""))).first()


def last_export(study: Study) -> Task | None:
    """Return the newest finished export of the study."""
    done = Task.objects.filter(kind=NAME, state=Task.State.DONE, options__study=str(study.pk))
    return done.select_related("owner").order_by("-finished_at").first()


def export_study(task: Task, progress: Progress) -> TaskFile | None:
    """Return the package. The task is about the people in it from now on: one who withdraws takes the file with them."""
    study = exportable(task)
    assert study is not None  # may_run has asked
    form = str(task.options.get("form", "csv"))
    if form not in available_forms():
        raise TaskFailed("no_format")
    progress(0, 1)
    counted = list(Participation.objects.counted().filter(study=study).values_list("patient_id", flat=True))
    task.patients.set(Patient.objects.filter(pk__in=counted))
    try:
        content = study_package(study, form, frozenset(task.options.get("tables", [])) & NAMES)
    except TooFewPeople:
        raise TaskFailed("too_few") from None
    except NothingToExport:
        raise TaskFailed("nothing") from None
    now = set(Participation.objects.counted().filter(study=study).values_list("patient_id", flat=True))
    if now != set(counted):  # someone joined or withdrew in the meantime
        raise TaskFailed("changed")
    return TaskFile(f"study-{str(study.pk)[:8]}-{form}.zip", "application/zip", content)


def _may_run(task: Task) -> bool:
    return task.owner.is_active and task.owner.may_export and exportable(task) is not None


def _title(task: Task) -> str:
    study = exportable(task)
    return _("Export of %(study)s") % {"study": study.name} if study else _("Export of a study")


def _about(task: Task) -> str:
    return available_forms().get(str(task.options.get("form", "")), "")


STUDY_EXPORT = Kind(
    icon="down",
    run=export_study,
    title=_title,
    about=_about,
    reasons={
        "too_few": (
            gettext_lazy("The study has fewer people than its smallest cell."),
            gettext_lazy("Try again when more people take part."),
        ),
        "nothing": (gettext_lazy("The study may not use any of these tables."), gettext_lazy("Choose others.")),
        "no_format": (gettext_lazy("This format is not installed."), gettext_lazy("Choose another format.")),
        "changed": (gettext_lazy("Someone joined or withdrew while it ran."), gettext_lazy("Create it again.")),
    },
    may_run=_may_run,
    is_pseudonymous=True,
)
