"""Wiring: settings, addresses, the Celery application and the servers. No domain words."""

from clinic.celery import app as celery_app

__all__ = ["celery_app"]
