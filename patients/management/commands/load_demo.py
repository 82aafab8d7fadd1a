"""Fills an empty database with six patients who do not exist, so that the first start has something to show."""

import os
import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from patients.demo.clinic import Waiting, bring_photos, make_patients, withdraw
from patients.models import Membership, Team, User

EMAIL = "ada@demo.example"
ADMINISTRATOR = "kim@demo.example"
TEAM = "Day clinic"


def demo_password() -> str:
    """Return this installation's demo password, made at the first call and kept in a file of mode 600."""
    path = settings.VAR / "demo_password"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(12))
    return path.read_text().strip()


def load_people() -> Waiting:
    """Make the clinician with her patients and her team, and an administrator, who sees no patient. Return what is to follow."""
    ada = User.objects.create_user(EMAIL, demo_password(), display_name="Ada Demo", may_export=True, may_erase=True)
    User.objects.create_user(ADMINISTRATOR, demo_password(), display_name="Kim Demo", role=User.Role.ADMINISTRATOR)
    waiting = make_patients(ada)
    team = Team.objects.create(name=TEAM)
    Membership.objects.create(team=team, clinician=ada, is_lead=True)
    for patient in ada.patients.all():
        team.assignments.create(patient=patient)
    return waiting


class Command(BaseCommand):
    """Prints `demo sign-in: EMAIL PASSWORD`, or nothing where other people sign in.

    The photos follow with `--photos`, which `clinic.serve` runs beside the server: the pages answer first, the results come in.
    """

    help = "Fill an empty database with six rendered patients and print how to sign in (only where DEMO is on)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--photos", action="store_true", help="take the demo's photos in that are still missing")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        if not settings.DEMO:
            raise CommandError("DEMO is off. A clinic's database takes no made-up patients.")
        if options["photos"]:
            self.take_photos_in()
            return
        if not User.objects.exists():
            with transaction.atomic():  # interrupted half-way, the next start begins anew
                load_people().keep()
        user = User.objects.filter(email=EMAIL).first()
        if user and user.check_password(demo_password()):
            self.stdout.write(f"demo sign-in: {EMAIL} {demo_password()}")
            self.stdout.write(f"(the same password signs an administrator in, {ADMINISTRATOR})")

    def take_photos_in(self) -> None:
        """Take in what is missing. Does nothing when all is there."""
        waiting, user = Waiting.kept(), User.objects.filter(email=EMAIL).first()
        if waiting is None or user is None:
            return
        os.nice(5)  # a photo that a person adds meanwhile goes before
        count = sum(1 for _ in bring_photos(waiting, user))
        self.stdout.write(f"{count} photos of the demo were taken in")
        if withdraw(waiting, user):
            Waiting.place().unlink()
