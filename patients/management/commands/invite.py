"""`manage.py invite EMAIL NAME`: invite a user."""

from argparse import ArgumentParser

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email

from patients.accounts.people import invitation_path, is_name_taken, log_permissions
from patients.models import User
from patients.models.identifiers import canonical_address


class Command(BaseCommand):
    """Creates an account without a password and prints the path of the page where its owner sets one.

    Run again for the same email, it prints a new path: that replaces a lost password where no mail server is set up.
    """

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("name", help="as colleagues know them, for example “Dr Ada Lind”")
        parser.add_argument("--role", choices=User.Role.values, help="default for a new account: clinician")

    def handle(self, *, email: str, name: str, role: str | None, **options: object) -> None:
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email} is not an email address.") from error
        email = canonical_address(email)
        user = User.objects.filter(email__iexact=email).first()
        if user is None:
            if is_name_taken(name):
                raise CommandError(f"Someone already has the name {name}. Add what tells the two apart.")
            user = User.objects.create_user(email, display_name=name)
        if role:
            user.role = role
            user.save(update_fields=["role"])
        log_permissions(user, None, "invited at the command line")
        self.stdout.write(invitation_path(user))
