"""`manage.py invite EMAIL NAME`: let a clinician in."""

from argparse import ArgumentParser

from allauth.account.forms import default_token_generator
from allauth.account.utils import user_pk_to_url_str
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.core.validators import validate_email
from django.urls import reverse

from patients.models import User


class Command(BaseCommand):
    """Makes an account without a password and prints the path of the page where its owner sets one.

    Run again for the same address, it prints a new path: the way back in for a lost password where no mail is set up.
    """

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")
        parser.add_argument("name", help="as colleagues know them, for example “Dr Ada Lind”")

    def handle(self, *, email: str, name: str, **options: object) -> None:
        try:
            validate_email(email)
        except ValidationError as error:
            raise CommandError(f"{email} is not an email address.") from error
        user = User.objects.filter(email__iexact=email).first() or User.objects.create_user(email, display_name=name)
        key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
        uid, _, token = key.partition("-")
        self.stdout.write(reverse("account_reset_password_from_key", kwargs={"uidb36": uid, "key": token}))
