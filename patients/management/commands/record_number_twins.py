"""`manage.py record_number_twins`: which patients share a record number."""

from django.core.management.base import BaseCommand
from django.db import transaction

from patients.models.number_twins import rehash, twins


class Command(BaseCommand):
    """Hashes every record number in its canonical form and lists, by id, the patients who share one.

    An update does the first part itself. Run this once more afterwards, in case someone added a patient while it ran.
    """

    help = __doc__ or ""

    def handle(self, **options: object) -> None:
        with transaction.atomic():
            rehash()
        found = twins()
        for patients in found:
            self.stdout.write("  ".join(str(patient.pk) for patient in patients))
        number = "number belongs" if len(found) == 1 else "numbers belong"
        self.stdout.write(f"{len(found)} record {number} to several patients.")
