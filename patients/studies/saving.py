"""A study is created and changed, and the access log says by whom and what, on the pages and by REST alike."""

from django.db import transaction
from rest_framework.request import Request

from patients.audit.log import record_access
from patients.audit.outcome import AdmittedRequest
from patients.forms.study import StudyForm
from patients.models import AccessLog, Study


def create_study(request: AdmittedRequest | Request, form: StudyForm) -> Study:
    """Save the valid form of a new study, which its user leads, and return the study."""
    with transaction.atomic():
        study = form.save()
        record_access(request, AccessLog.Action.ADD, obj=study)
    return study


def change_study(request: AdmittedRequest | Request, form: StudyForm) -> Study:
    """Save the valid form of an existing study and return it. Call it in the transaction in which the form was bound."""
    before = _lists(form.instance)
    study = form.save()
    after = _lists(study)
    changed = {*form.changed_columns, *(name for name in before if before[name] != after[name])}
    record_access(request, AccessLog.Action.EDIT, obj=study, changed=" ".join(sorted(changed))[:100])
    return study


def _lists(study: Study) -> dict[str, list[tuple[object, ...]]]:
    """Return what belongs to a study and is in other tables."""
    return {
        "people": sorted(study.members.values_list("person", "may_export", "may_change")),
        "arms": sorted(study.arms.values_list("pk", "name")),
    }
