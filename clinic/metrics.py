"""/metrics for Prometheus: how the service is doing, in numbers without ids and names.

Every figure is counted from stored rows when it is asked for. Counters in memory would tell of one web process out of several.
"""

import os
import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db.models import Avg, Count, F, Max, Min, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from inference.health import last_heartbeat, messages_waiting
from inference.models import Prediction
from patients.models import ImportFailure, Task

RECENT = timedelta(minutes=15)
Metric = GaugeMetricFamily | InfoMetricFamily


class Figures:
    """What Prometheus collects. `describe` spares the registry a query at its start."""

    def describe(self) -> Iterable[Metric]:
        """Return nothing: the names are known when they are collected."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """Yield every figure."""
        heartbeat = last_heartbeat()
        versions = {"build": settings.BUILD, "model": heartbeat.model if heartbeat else ""}
        yield InfoMetricFamily("affectline", "Build, and model that the workers have loaded.", versions)
        if heartbeat:
            yield _gauge("affectline_worker_heartbeat_age_seconds", "Since a worker last said that it lives.", _age(heartbeat.at))
        messages = messages_waiting()
        if messages is not None:
            yield _gauge("affectline_queue_messages", "Messages in the broker's queues.", messages)
        yield from _photos()
        yield from _tasks()
        yield _gauge("affectline_process_resident_bytes", "Resident memory of the process that answers.", resident_bytes())


def _photos() -> Iterator[Metric]:
    State = Prediction.State
    rows = Prediction.objects.order_by()
    yield _by("affectline_photos", "Readings of photos by state.", rows, "state", State.values)
    refused = rows.filter(state__in=(State.REJECTED, State.FAILED))
    yield _by("affectline_refusals", "Photos that could not be read, by code.", refused, "reason")
    yield _by(
        "affectline_import_failures", "Files of imports that were refused, by code.", ImportFailure.objects.order_by(), "code"
    )
    oldest = rows.filter(state=State.QUEUED).aggregate(at=Min("queued_at"))["at"]
    yield _gauge("affectline_photos_oldest_waiting_seconds", "How long the oldest photo waits; 0 when none does.", _age(oldest))
    recent = rows.filter(state=State.DONE, finished_at__gte=timezone.now() - RECENT)
    took = F("finished_at") - F("started_at")
    read = recent.aggregate(count=Count("pk"), mean=Avg(took), most=Max(took))
    yield _gauge("affectline_readings_recent", "Photos read in the last 15 minutes.", read["count"])
    yield _gauge("affectline_reading_seconds_mean", "Mean time of reading one of them.", _seconds(read["mean"]))
    yield _gauge("affectline_reading_seconds_max", "Longest time of reading one of them.", _seconds(read["most"]))


def _tasks() -> Iterator[Metric]:
    rows = Task.objects.order_by()
    yield _by("affectline_tasks", "Tasks by state.", rows, "state", Task.State.values)
    oldest = rows.filter(state=Task.State.WAITING).aggregate(at=Min("created_at"))["at"]
    yield _gauge("affectline_tasks_oldest_waiting_seconds", "How long the oldest task waits; 0 when none does.", _age(oldest))


def _gauge(name: str, help_text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, help_text, value=value)


def _by(
    name: str, help_text: str, rows: QuerySet[Any], field: str, values: Iterable[str] = ()
) -> GaugeMetricFamily:  # Any: any model
    """Return the number of rows for each value of a field; 0 for those of `values` that no row has."""
    label = "state" if field == "state" else "code"
    metric = GaugeMetricFamily(name, help_text, labels=[label])
    counted = dict.fromkeys(values, 0) | dict(rows.values_list(field).annotate(Count("pk")))
    for value, count in counted.items():
        metric.add_metric([value], count)
    return metric


def _age(at: datetime | None) -> float:
    return max(0.0, (timezone.now() - at).total_seconds()) if at else 0.0


def _seconds(time: timedelta | None) -> float:
    return time.total_seconds() if time else 0.0


def resident_bytes() -> int:
    """Return the resident memory of this process; 0 where /proc is missing, as on macOS."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


REGISTRY = CollectorRegistry(auto_describe=False)
REGISTRY.register(Figures())


@login_not_required
@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with every figure if METRICS_TOKEN is sent. Without it, and where none is set, there is no such page."""
    sent = request.headers.get("Authorization", "")
    expected = f"Bearer {settings.METRICS_TOKEN}"
    if not settings.METRICS_TOKEN or not secrets.compare_digest(sent.encode(), expected.encode()):
        raise Http404
    return HttpResponse(generate_latest(REGISTRY), content_type=CONTENT_TYPE_LATEST)
