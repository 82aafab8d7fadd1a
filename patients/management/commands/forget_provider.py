"""`manage.py forget_provider EMAIL`: let someone whom the hospital's provider signs in use a password or a passkey again.

For a person whose identity at the provider was replaced, and for the time when the provider is down.
"""

from argparse import ArgumentParser

from django.core.management.base import BaseCommand, CommandError

from patients.accounts.provider import forget_link
from patients.models import User


class Command(BaseCommand):
    """Removes the link between an account and the provider. Their next sign-in by the provider makes a new one."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email", help="whose link is removed")

    def handle(self, *, email: str, **options: object) -> None:
        user = User.objects.filter(email__iexact=email).first()
        if user is None or not forget_link(user):
            raise CommandError(f"The provider signs in no one with the address {email}.")
        self.stderr.write("The next sign-in can be by password or passkey.")
