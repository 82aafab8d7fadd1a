"""`manage.py api_token EMAIL`: make or revoke keys for the API.

A clinician's key sees that clinician's patients, a researcher's reaches studies alone (docs/rest.md).
"""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from patients.audit.log import record_access
from patients.models import AccessLog, ApiToken, User


class Command(BaseCommand):
    """Makes an API key for a person and prints it once; with --revoke-all, revokes all their keys."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="whose key it is")
        parser.add_argument("--revoke-all", action="store_true", help="end all keys of this person instead")

    def handle(self, *, email: str, revoke_all: bool, **options: object) -> None:
        clinician = User.objects.filter(email__iexact=email, is_active=True).first()
        if clinician is None:
            raise CommandError(f"No account has the address {email}.")
        if revoke_all:
            with transaction.atomic():
                ended = ApiToken.revoke_all(clinician)
                record_access(None, AccessLog.Action.PERMISSION, obj=clinician, changed="keys revoked", keys=ended)
            self.stderr.write(f"{ended} keys revoked")
            return
        with transaction.atomic():
            key = ApiToken.issue(clinician)
            record_access(None, AccessLog.Action.PERMISSION, obj=clinician, changed="key made")
        self.stdout.write(key)
        self.stderr.write("Keep this key: it is not shown again. Send it as “Authorization: Bearer KEY”.")
