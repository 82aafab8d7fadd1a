"""`manage.py export_erasures`: print the list of erasures, to keep it somewhere else."""

from django.core.management.base import BaseCommand

from patients.consent.tombstones import known


class Command(BaseCommand):
    """Prints one line of JSON for each erasure that was carried out: pseudonym, level and time. For `reapply_erasures`."""

    help = __doc__ or ""

    def handle(self, *args: object, **options: object) -> None:
        for tombstone in known():
            self.stdout.write(tombstone.line)
