"""Sends the file of a task to its owner."""

from django.http import Http404, HttpRequest, HttpResponse
from django.utils.http import content_disposition_header
from rest_framework.request import Request

from patients.audit.log import record_for_each
from patients.models import AccessLog, Task
from patients.photos.files import read_stored
from patients.tasks.kinds import KINDS


def task_file(task: Task, who: HttpRequest | Request) -> HttpResponse:
    """Return the file, after adding an entry to the access log of everyone in it.

    Raises Http404 when it is no longer kept, or its owner may not have it any more.
    """
    kind = KINDS.get(task.kind)
    if kind is None or not task.has_download or not kind.may_run(task):
        raise Http404
    content = read_stored(task.file)
    if content is None:
        raise Http404
    if kind.shows_patients:
        patients = list(task.patients.values_list("pk", flat=True))
        record_for_each(who, AccessLog.Action.EXPORT, patients, page=f"task_{task.kind}")
    response = HttpResponse(content, content_type=task.content_type)
    response["Content-Disposition"] = content_disposition_header(True, task.file_name) or "attachment"
    return response
