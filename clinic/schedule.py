"""What happens by the clock: the sweep sends these tasks, workers carry them out."""

from typing import Any

from celery.schedules import crontab


def schedule(seconds: int) -> dict[str, dict[str, Any]]:  # Any: Celery's own shape
    """Return Celery's schedule; `seconds` is how often lost photos are searched for."""
    return {
        # An unsent sweep is worthless once the next one is due.
        "sweep": {"task": "inference.sweep.sweep", "schedule": seconds, "options": {"expires": seconds}},
        "heartbeat": {"task": "inference.health.beat_heart", "schedule": seconds, "options": {"expires": seconds}},
        "tasks": {"task": "patients.tasks.sweep.sweep_tasks", "schedule": seconds, "options": {"expires": seconds}},
        "summaries": {
            "task": "patients.timeline.background.refresh_summaries",
            "schedule": seconds,
            "options": {"expires": seconds},
        },
        "erase": {"task": "patients.consent.erasure.carry_out_erasures", "schedule": 60, "options": {"expires": 60}},
        "retain": {"task": "patients.consent.retention.retain", "schedule": crontab(hour=2, minute=30)},
        "audit-head": {"task": "patients.audit.chain.log_head", "schedule": crontab(hour=3, minute=0)},
        "audit-unsent": {"task": "patients.audit.shipping.send_unsent", "schedule": 60, "options": {"expires": 60}},
        "audit-heads": {"task": "patients.audit.shipping.send_head", "schedule": 300, "options": {"expires": 300}},
        # In the queue of the long tasks: photos do not wait for it.
        "audit-verify": {
            "task": "patients.accounts.log_check.verify_log",
            "schedule": crontab(hour=3, minute=15),
            "options": {"queue": "tasks", "expires": 6 * 3600},
        },
    }
