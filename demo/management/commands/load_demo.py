"""`manage.py load_demo`: fill an empty database with fictitious patients, so that the first start has something to show."""

import os
import secrets
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from demo.clinic import PendingDemo, make_patients, take_in_photos, withdraw
from demo.study import add_photos, make_study
from patients.models import Membership, Team, User

EMAIL = "ada@demo.example"
ADMINISTRATOR = "kim@demo.example"
RESEARCHER = "rosa@demo.example"
STUDY_CLINICIAN = "noor@demo.example"
TEAM = "Day clinic"


def demo_password() -> str:
    """Return the demo password of this installation, made at the first call and kept in a file of mode 600."""
    path = settings.VAR / "demo_password"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(12))
    return path.read_text().strip()


def load_people() -> PendingDemo:
    """Create the clinician with her patients and team, an administrator, a researcher and her study. Return what is left to load.

    A demo of a few visits (settings.DEMO_VISITS) has no study: its participants reuse portraits of all visits.
    """
    ada = User.objects.create_user(EMAIL, demo_password(), display_name="Ada Demo", may_export=True, may_erase=True)
    User.objects.create_user(ADMINISTRATOR, demo_password(), display_name="Kim Demo", role=User.Role.ADMINISTRATOR)
    rosa = User.objects.create_user(
        RESEARCHER, demo_password(), display_name="Rosa Demo", role=User.Role.RESEARCHER, may_export=True
    )
    pending = make_patients(ada)
    if not settings.DEMO_VISITS:
        noor = User.objects.create_user(STUDY_CLINICIAN, demo_password(), display_name="Noor Demo", may_export=True)
        make_study(rosa, noor, ada)
    team = Team.objects.create(name=TEAM)
    Membership.objects.create(team=team, clinician=ada, is_lead=True)
    for patient in ada.patients.all():
        team.assignments.create(patient=patient)
    return pending


class Command(BaseCommand):
    """Prints `demo sign-in: EMAIL PASSWORD`, or nothing if the database has other users.

    `--photos` adds the photos. `clinic.serve` runs it beside the server: the pages answer at once, and the results come in.
    """

    help = "Fill an empty database with six rendered patients and print how to sign in (only where DEMO is on)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--photos", action="store_true", help="take the demo's photos in that are still missing")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        if not settings.DEMO:
            raise CommandError("DEMO is off. A clinic's database takes no made-up patients.")
        if options["photos"]:
            self.load_photos()
            return
        if not User.objects.exists():
            with transaction.atomic():  # if interrupted, the next start begins anew
                load_people().save()
        user = User.objects.filter(email=EMAIL).first()
        if user and user.check_password(demo_password()):
            self.stdout.write(f"demo sign-in: {EMAIL} {demo_password()}")
            self.stdout.write(f"(the same password signs in an administrator, {ADMINISTRATOR}, and a researcher, {RESEARCHER})")

    def load_photos(self) -> None:
        """Add the photos that are missing, then withdraw the consents that the story withdraws."""
        pending, user = PendingDemo.load(), User.objects.filter(email=EMAIL).first()
        if pending is None or user is None:
            return
        os.nice(5)  # photos that a person adds go first
        count = sum(1 for _ in take_in_photos(pending, user))
        self.stdout.write(f"{count} photos of the demo were taken in")
        if add_photos() and withdraw(pending, user):
            PendingDemo.path().unlink()
