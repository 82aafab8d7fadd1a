"""`manage.py reapply_erasures FILE`: after a backup was restored, erase again what had been erased since."""

import sys
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from patients.consent.erasure import carry_out
from patients.consent.tombstones import Tombstone, ask_again, keyless, missing, own_lines
from patients.models import ErasureRequest, User


class Command(BaseCommand):
    """Erases again what a list says was erased and this database still holds. Run it before anyone signs in; twice does no harm.

    FILE is what export_erasures printed (`-` is standard input); without it, the list beside the keys of patients.
    """

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", nargs="?", metavar="FILE", help="the list of erasures")
        parser.add_argument("--by", metavar="EMAIL", help="in whose name it is logged; by default the first administrator")

    def handle(self, *args: object, file: str | None = None, by: str | None = None, **options: object) -> None:
        try:
            lines = sys.stdin.readlines() if file == "-" else Path(file).read_text().splitlines() if file else own_lines()
            listed = [Tombstone.from_line(line) for line in lines if line.strip()]
        except (OSError, ValueError) as error:
            raise CommandError(f"The list cannot be read: {error}") from error
        count = sum(self._erase(tombstone, by) for tombstone in listed)
        self.stdout.write(f"{len(listed)} erasures are listed; {count} were carried out again.")
        for key in keyless():
            self.stderr.write(f"Patient {key} has no keys and nothing of them opens: erased later than the list was made, or lost?")

    def _user(self, email: str | None) -> User:
        people = User.objects.filter(is_active=True).order_by("pk")
        chosen = people.filter(email=email) if email else people.filter(role=User.Role.ADMINISTRATOR)
        user = chosen.first()
        if user is None:
            raise CommandError("No such account. Name one that is active with --by EMAIL.")
        return user

    def _erase(self, tombstone: Tombstone, by: str | None) -> bool:
        """Carry one erasure out again; return whether there was anything to erase."""
        for each, patient in missing([tombstone]):
            claimed = ErasureRequest.objects.claim(ask_again(each, patient, self._user(by)).pk)
            if claimed is None:
                raise CommandError("A worker is erasing the same patient. Stop the workers, then run this again.")
            claimed.done_at = datetime.fromisoformat(each.done_at)  # as it was: so a second run, and the next list, know it
            carry_out(claimed)
            return True
        return False
