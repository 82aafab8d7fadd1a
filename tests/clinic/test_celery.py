"""The tasks that a worker knows."""

import subprocess
import sys


def test_scheduled_jobs_are_tasks_that_the_worker_knows() -> None:
    code = (  # in a process of its own: in this one, other tests have imported the tasks
        "from clinic.celery import app\n"
        "app.loader.import_default_modules()\n"
        "scheduled = {entry['task'] for entry in app.conf.beat_schedule.values()}\n"
        "print(*sorted(scheduled), '|', *sorted(scheduled - set(app.tasks)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    scheduled, unknown = (part.split() for part in done.stdout.split("|"))
    assert set(scheduled) >= {
        "patients.consent.erasure.carry_out_erasures",
        "patients.consent.retention.retain",
        "patients.audit.chain.log_head",
    }
    assert unknown == []
