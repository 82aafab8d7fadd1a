"""The health of the installation, for administrators: services, queue and retention. No patient is named."""

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from encryption.watch import Broken, broken
from inference.health import Heartbeat, Readiness, last_heartbeat, layers, messages_waiting, readiness
from inference.models import Prediction
from patients.accounts.log_check import LogState, log_state
from patients.audit.head import read_head
from patients.models import BreakGlass, Consent, ErasureRequest, Patient
from patients.views.requests import ClinicianRequest


@dataclass(frozen=True)
class Kept:
    """How long pictures are kept for one purpose; 0 days means without limit."""

    purpose: str
    days: int


@dataclass(frozen=True)
class Queue:
    """What waits for a worker, and what failed recently."""

    waiting: int
    running: int
    oldest_at: datetime | None
    failed_today: int
    messages: int | None


@dataclass(frozen=True)
class Health:
    """All that the page shows."""

    ready: Readiness
    layers: dict[str, bool]  # around the decoder of uploads: whether each holds
    heartbeat: Heartbeat | None
    queue: Queue
    erasures_due: int
    erasures_scheduled: int  # they wait, in case the withdrawal was a mistake
    reviews_open: int
    unattended: int
    number_twins: int
    free_gigabytes: float
    log_lines: int
    log: LogState
    kept: list[Kept]
    broken: list[Broken]


def read_queue() -> Queue:
    """Return the state of the queue, from the rows of the database."""
    State = Prediction.State
    waiting = Prediction.objects.filter(state=State.QUEUED)
    failed = Prediction.objects.filter(state=State.FAILED, finished_at__gt=timezone.now() - timedelta(days=1))
    oldest = waiting.order_by("queued_at").values_list("queued_at", flat=True).first()
    running = Prediction.objects.filter(state=State.RUNNING).count()
    return Queue(waiting.count(), running, oldest, failed.count(), messages_waiting())


@require_GET
def show_health(request: ClinicianRequest) -> HttpResponse:
    """Show the health page."""
    erasures, now = ErasureRequest.objects.open(), timezone.now()
    health = Health(
        ready=readiness(),
        layers=layers(),
        heartbeat=last_heartbeat(),
        queue=read_queue(),
        erasures_due=erasures.filter(due_at__lte=now).count(),
        erasures_scheduled=erasures.filter(due_at__gt=now).count(),
        reviews_open=BreakGlass.objects.filter(reviewed_at=None).count(),
        unattended=Patient.objects.without_carer().count(),
        number_twins=Patient.objects.filter(record_number_twin__gt=0).count(),
        free_gigabytes=min(shutil.disk_usage(path).free for path in (settings.VAR, settings.MEDIA_ROOT) if path.exists()) / 1e9,
        log_lines=read_head().sequence,
        log=log_state(),
        kept=[Kept(str(purpose.label), settings.RETENTION_DAYS[purpose.value]) for purpose in Consent.Purpose],
        broken=broken(),
    )
    return render(request, "patients/health.html", {"health": health, "section": "health"})
