"""`manage.py export_audit_head`: print the head of the access log, to keep it somewhere else."""

from django.core.management.base import BaseCommand

from patients.audit.head import read_head


class Command(BaseCommand):
    """Prints number, seal and time of the newest entry as JSON. Keep it on another computer, for `verify_audit --head`."""

    help = __doc__ or ""

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write(read_head().as_json())
