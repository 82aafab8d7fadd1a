"""The Celery application. Its settings are those that begin with CELERY_ in clinic/settings.py."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")

# Listed, not discovered: if a module has moved, the worker fails to start instead of silently losing its tasks.
TASK_MODULES = (
    "inference.health",
    "inference.sweep",
    "inference.tasks",
    "patients.accounts.log_check",
    "patients.audit.chain",
    "patients.audit.shipping",
    "patients.consent.erasure",
    "patients.consent.retention",
    "patients.tasks.run",
    "patients.tasks.sweep",
    "patients.timeline.background",
)

app = Celery("affectline", include=TASK_MODULES)
app.config_from_object("django.conf:settings", namespace="CELERY")
