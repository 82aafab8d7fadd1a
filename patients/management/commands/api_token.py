"""`manage.py api_token EMAIL --scope write --days 90 --name PROGRAM`: make or revoke keys for the API.

A clinician's key sees that clinician's patients, a researcher's reaches studies alone (docs/rest.md).
"""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from patients.accounts.api_keys import make_key
from patients.audit.log import record_access
from patients.models import AccessLog, ApiToken, User
from patients.models.token import DAYS, MOST_DAYS


class Command(BaseCommand):
    """Makes an API key for a person and prints it once; with --revoke-all, revokes all their keys."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="whose key it is")
        parser.add_argument("--name", default="", help="the program that will use it")
        parser.add_argument("--scope", choices=ApiToken.Scope.values, default=ApiToken.Scope.READ.value, help="default: read")
        parser.add_argument("--days", type=int, default=DAYS, help=f"until it ends, {MOST_DAYS} at most; default: {DAYS}")
        parser.add_argument("--revoke-all", action="store_true", help="end all keys of this person instead")

    def handle(self, *, email: str, name: str, scope: str, days: int, revoke_all: bool, **options: object) -> None:
        if not 1 <= days <= MOST_DAYS:
            raise CommandError(f"A key lasts from 1 to {MOST_DAYS} days.")
        clinician = User.objects.filter(email__iexact=email, is_active=True).first()
        if clinician is None:
            raise CommandError(f"No account has the address {email}.")
        if revoke_all:
            with transaction.atomic():
                ended = ApiToken.revoke_all(clinician)
                record_access(None, AccessLog.Action.PERMISSION, obj=clinician, changed="keys revoked", keys=ended)
            self.stderr.write(f"{ended} keys revoked")
            return
        key = make_key(clinician, None, name, scope, days)
        self.stdout.write(key)
        self.stderr.write("Keep this key: it is not shown again. Send it as “Authorization: Bearer KEY”.")
