"""`manage.py erase_due`: carry out every erasure that is due, without waiting for a worker."""

from django.core.management.base import BaseCommand

from patients.consent.erasure import carry_out_due
from patients.models import ErasureRequest


class Command(BaseCommand):
    """Carries out the erasures that are due, including those that a crash interrupted."""

    help = __doc__ or ""

    def handle(self, *args: object, **options: object) -> None:
        carry_out_due()
        self.stdout.write(f"{ErasureRequest.objects.open().count()} erasures are still to come")
