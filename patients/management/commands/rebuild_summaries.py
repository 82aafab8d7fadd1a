"""manage.py rebuild_summaries."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import connection

from patients.models import Outdated, Patient
from patients.models.summary_triggers import put_triggers
from patients.timeline.background import refresh_some


class Command(BaseCommand):
    """Computes the summaries of every patient anew, and puts the triggers in place that keep them true."""

    help = "Compute what lists and timelines show of every patient anew, from photos and readings."

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        """Mark every patient, then compute until no mark is left."""
        put_triggers(connection)
        count = len(Outdated.objects.bulk_create([Outdated(patient=each) for each in Patient.objects.only("pk")], batch_size=1000))
        while refresh_some():
            pass
        self.stdout.write(f"The summaries of {count} patients are computed anew.")
