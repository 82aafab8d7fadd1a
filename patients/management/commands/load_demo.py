"""Fills an empty database with two made-up patients, so that the first start has something to show."""

import io
import os
import secrets
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils import timezone
from PIL import Image, ImageEnhance

from patients.intake import receive_photo
from patients.models import Consent, Membership, Patient, Team, User, Visit

EMAIL = "ada@demo.example"
ADMINISTRATOR = "kim@demo.example"
TEAM = "Day clinic"
PORTRAIT = Path(settings.BASE_DIR) / "patients" / "demo" / "portrait.jpg"

PATIENTS = (
    # name, record number, born, days since each visit
    ("Ines Aalto", "DEMO-1", date(1988, 4, 17), (91, 63, 35, 14, 0)),
    ("Jonas Brandt", "DEMO-2", date(1971, 11, 2), (49, 7)),
)
PHOTOS_EACH = 3  # the fewest that give an interval
FRAMES = (
    # left, top, side in pixels of the portrait; brightness; degrees the head leans
    (90, 0, 300, 1.0, 0),
    (60, 0, 360, 0.75, 6),
    (120, 10, 240, 1.2, -8),
    (40, 0, 420, 0.9, -3),
)
NO_FACE = (330, 300, 180, 1.0, 0)  # the helmet: a photo without a face is a result too


def frame(left: int, top: int, side: int, brightness: float, lean: int, step: int) -> SimpleUploadedFile:
    """Return one frame of the portrait as an upload; `step` moves it a little, so that no two files are the same."""
    with Image.open(PORTRAIT) as portrait:
        turned = portrait.convert("RGB").rotate(lean, Image.Resampling.BICUBIC, center=(225, 120), fillcolor=(190, 185, 180))
    cut = turned.crop((left + step, top + step, left + step + side, top + step + side)).resize((720, 720), Image.Resampling.LANCZOS)
    out = io.BytesIO()
    ImageEnhance.Brightness(cut).enhance(brightness).save(out, "JPEG", quality=88)
    return SimpleUploadedFile(f"session-{step}.jpg", out.getvalue(), "image/jpeg")


def demo_password() -> str:
    """Return this installation's demo password, made at the first call and kept in a file of mode 600."""
    path = settings.VAR / "demo_password"
    if not path.exists():
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(12))
    return path.read_text().strip()


def load_patients(user: User) -> None:
    """Make the patients of `user`, their visits and photos. The photos walk the same way as a clinician's."""
    step = 0
    for name, record_number, born, visit_days in PATIENTS:
        patient = Patient.objects.create(name=name, record_number=record_number, birth_date=born)
        patient.assign(user)
        Consent.give(patient, Consent.Purpose.CARE, user, on=timezone.localdate() - timedelta(days=visit_days[0]))
        for days in visit_days:
            visit = Visit.objects.create(patient=patient, date=timezone.localdate() - timedelta(days=days), created_by=user)
            for _ in range(PHOTOS_EACH):
                receive_photo(visit, frame(*FRAMES[step % len(FRAMES)], step=step), user)
                step += 1
        receive_photo(visit, frame(*NO_FACE, step=step), user)


def load_people() -> None:
    """Make the clinician with her patients and her team, and an administrator, who sees no patient."""
    ada = User.objects.create_user(EMAIL, demo_password(), display_name="Ada Demo", may_export=True, may_erase=True)
    User.objects.create_user(ADMINISTRATOR, demo_password(), display_name="Kim Demo", role=User.Role.ADMINISTRATOR)
    load_patients(ada)
    team = Team.objects.create(name=TEAM)
    Membership.objects.create(team=team, clinician=ada, is_lead=True)
    for patient in ada.patients.all():
        team.assignments.create(patient=patient)


class Command(BaseCommand):
    """Prints `demo sign-in: EMAIL PASSWORD`, or nothing where other people sign in."""

    help = "Fill an empty database with two made-up patients and print how to sign in (only where DEMO is on)."

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        if not settings.DEMO:
            raise CommandError("DEMO is off. A clinic's database takes no made-up patients.")
        if not User.objects.exists():
            with transaction.atomic():  # interrupted half-way, the next start begins anew
                load_people()
        user = User.objects.filter(email=EMAIL).first()
        if user and user.check_password(demo_password()):
            self.stdout.write(f"demo sign-in: {EMAIL} {demo_password()}")
            self.stdout.write(f"(the same password signs an administrator in, {ADMINISTRATOR})")
