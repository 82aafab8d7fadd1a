"""The task that fits the mixed model of a study. Only here, in a worker, is statsmodels loaded."""

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from patients.models import GroupModel, Study, Task, User
from patients.studies.group import Group, group_of
from patients.studies.mixed import fit, observations, why_not
from patients.tasks.kind import Kind, Progress, TaskFailed, TaskFile

NAME = "study_model"


def study_of(task: Task) -> Study | None:
    """Return the study of a task, if its owner is still a member."""
    return Study.objects.of(task.owner).filter(pk=str(task.options.get("study", ""))).first()


def is_waiting(study: Study) -> bool:
    """Whether a task for this study waits or runs."""
    return Task.objects.open().filter(kind=NAME, options__study=str(study.pk)).exists()


def is_current(group: Group) -> bool:
    """Whether the stored model holds for the group as it is now."""
    return GroupModel.objects.filter(study=group.study, checksum=group.checksum()).exists()


def fit_study(task: Task, progress: Progress) -> TaskFile | None:
    """Fit the model and store it. It leaves no file."""
    study = study_of(task)
    assert study is not None  # may_run has asked
    group = group_of(study)
    if why_not(group):
        raise TaskFailed("too_few")
    progress(0, 1)
    rows = observations(group)
    # Whose values are in it: when one of them leaves the group, the result goes too.
    result = fit(rows, group.arms) | {"participants": sorted({row.person for row in rows})}
    stored = {"checksum": group.checksum(), "result": result, "computed_at": timezone.now()}
    GroupModel.objects.update_or_create(study=study, defaults=stored)
    return None


def _may_run(task: Task) -> bool:
    owner: User = task.owner
    return owner.is_active and study_of(task) is not None


def _title(task: Task) -> str:
    study = study_of(task)
    return _("Mixed-effects model of %(study)s") % {"study": study.name} if study else _("Mixed-effects model")


STUDY_MODEL = Kind(
    icon="split",
    run=fit_study,
    title=_title,
    about=lambda task: _("of a study"),
    reasons={
        "too_few": (
            gettext_lazy("An arm has fewer people than the smallest cell."),
            gettext_lazy("Try again when more people take part."),
        ),
    },
    may_run=_may_run,
    shows_patients=False,
)
