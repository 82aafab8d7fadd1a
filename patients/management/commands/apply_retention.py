"""`manage.py apply_retention`: erase the pictures whose retention period is over, or list them."""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand

from patients.consent.retention import apply_retention, expired_pictures


class Command(BaseCommand):
    """Erases the pictures that no purpose keeps any longer (RETENTION_*_DAYS), as the worker does every day.

    With --dry-run it erases nothing and prints one line per patient.
    """

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only say what would be erased")

    def handle(self, *args: object, dry_run: bool = False, **options: object) -> None:
        if not dry_run:
            self.stdout.write(f"{apply_retention()} photos erased")
            return
        total = 0
        for expired in expired_pictures():
            count = expired.photos.count()
            self.stdout.write(f"{expired.patient.pk}: {count} photos")
            total += count
        self.stdout.write(f"{total} photos would be erased")
