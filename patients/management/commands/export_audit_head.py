"""`manage.py export_audit_head`: print the head of the access log, to be kept somewhere else."""

from django.core.management.base import BaseCommand

from patients.audit.chain import read_head


class Command(BaseCommand):
    """Prints number, seal and time of the newest entry as JSON. Keep it off this computer; `verify_audit --head` takes it."""

    help = __doc__ or ""

    def handle(self, *args: object, **options: object) -> None:
        self.stdout.write(read_head().as_json())
