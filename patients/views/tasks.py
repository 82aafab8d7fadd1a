"""The page Tasks: what runs in the background, what needs its owner, and the files to download."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from patients.audit.outcome import lists
from patients.models import Task
from patients.tasks.download import task_file
from patients.tasks.kinds import KINDS
from patients.tasks.rows import task_rows
from patients.tasks.run import start_again
from patients.views.requests import ClinicianRequest


@require_GET
def show_tasks(request: ClinicianRequest) -> HttpResponse:
    """Show one's own tasks, or with `whose=teams` those of one's care teams. htmx asks for the lists alone."""
    of_teams = request.GET.get("whose") == "teams"
    rows = task_rows(request.user, of_teams)
    lists(request, rows.patients)
    context = {"rows": rows, "of_teams": of_teams, "section": "tasks"}
    return render(request, "patients/_tasks.html" if request.htmx else "patients/tasks.html", context)


@require_GET
def send_task_file(request: ClinicianRequest, task_id: UUID) -> HttpResponse:
    """Send the file of one's own task, after adding an entry to the access log of everyone in it."""
    return task_file(_own_task(request, task_id), request)


@require_POST
def cancel_task(request: ClinicianRequest, task_id: UUID) -> HttpResponse:
    """Cancel one's own task. One that is over stays as it is."""
    _own_task(request, task_id).cancel()
    return _back(request)


@require_POST
def retry_task(request: ClinicianRequest, task_id: UUID) -> HttpResponse:
    """Start one's own failed task again, or one whose file is no longer kept."""
    task = _own_task(request, task_id)
    if task.kind in KINDS and task.may_run_again:
        start_again(task)
    return _back(request)


@require_POST
def acknowledge_task(request: ClinicianRequest, task_id: UUID) -> HttpResponse:
    """Put the failure of one's own task away."""
    _own_task(request, task_id).acknowledge()
    return _back(request)


def _own_task(request: ClinicianRequest, task_id: UUID) -> Task:
    return get_object_or_404(Task.objects.select_related("owner"), pk=task_id, owner=request.user)


def _back(request: ClinicianRequest) -> HttpResponse:
    return redirect("patients:tasks")
