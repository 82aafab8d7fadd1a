"""Give everything encrypted a new key."""

from argparse import ArgumentParser
from typing import Any

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from encryption.keys import field_keys
from encryption.rotation import NO_KEYS, Survey, keyless, walk_house, walk_keys, write_keys

NO_FILE = (
    "The keys come from the variable FIELD_KEYS, which this command cannot change. Put a new key behind the others, restart every "
    "process, put it first, restart again, then run this command without --new. A new key: {key}"
)


class Command(BaseCommand):
    """Re-encrypts whatever the newest key does not open. May be stopped and run again, also while the site is up."""

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--new", action="store_true", help="make a new key first")
        parser.add_argument("--drop-old", action="store_true", help="forget the older keys; refused while anything needs them")
        parser.add_argument("--portion", type=int, default=200, help="rows that are changed at once (default: 200)")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        if options["drop_old"]:
            self._drop_old(options["portion"])
            return
        if options["new"]:
            self._make_key()
        before = self._walk(change=True, portion=options["portion"])
        self.stdout.write(f"{before.sum('older')} values have the newest key now. Next: check_keys, then rotate_keys --drop-old.")

    def _make_key(self) -> None:
        key = Fernet.generate_key().decode()
        if settings.FIELD_KEYS_FILE is None:
            raise CommandError(NO_FILE.format(key=key))
        write_keys(settings.FIELD_KEYS_FILE, (key, *field_keys()))
        self.stdout.write(f"A new key is the first of {settings.FIELD_KEYS_FILE}. Back the file up before you go on.")

    def _drop_old(self, portion: int) -> None:
        newest, *older = field_keys()
        found = self._walk(change=False, portion=portion)
        if not found.of("keys of patients").newest + found.sum("older"):
            raise CommandError(
                f"{settings.PATIENT_KEYS} holds no keys of patients. Is it the folder of the site? Nothing was dropped."
            )
        if needing := found.sum("older") + found.sum("unreadable"):
            raise CommandError(f"{needing} values still need an older key. Run rotate_keys first; nothing was dropped.")
        if count := keyless():
            raise CommandError(NO_KEYS.format(count=count, root=settings.PATIENT_KEYS) + " Nothing was dropped.")
        if settings.FIELD_KEYS_FILE is None:
            raise CommandError("Nothing needs the older keys. Leave only the first in the variable FIELD_KEYS and restart.")
        if field_keys() != (newest, *older):
            raise CommandError("The keys were changed meanwhile. Run this again; nothing was dropped.")
        write_keys(settings.FIELD_KEYS_FILE, (newest,))
        self.stdout.write(f"{len(older)} older keys are dropped. Backups made with them need them: keep both apart from here.")

    def _walk(self, change: bool, portion: int) -> Survey:
        self.stdout.write(f"Database: {self._database()}")
        survey = Survey()
        walk_keys(change, self._tell, survey)
        walk_house(change, portion, self._tell, survey)
        if unreadable := survey.sum("unreadable"):
            self.stderr.write(f"{unreadable} values open with no key: see check_keys.")
        return survey

    def _database(self) -> str:
        return str(connection.settings_dict["NAME"])

    def _tell(self, place: str, done: int) -> None:
        self.stdout.write(f"{place}: {done}")
