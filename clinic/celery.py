"""The Celery application. Everything it is told stands in settings under CELERY_."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")

app = Celery("affectline")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks(["inference"])
for file in ("sweep", "health"):
    app.autodiscover_tasks(["inference"], related_name=file)
for file in ("access_chain", "erasure", "retention"):
    app.autodiscover_tasks(["patients"], related_name=file)
