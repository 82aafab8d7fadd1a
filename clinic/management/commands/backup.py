"""`manage.py backup DIR|FILE`: database and pictures in one encrypted file, without the keys, read back after it was written."""

import os
import time
from pathlib import Path
from typing import Any

import pyrage
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from clinic.backup.archive import BrokenBackup
from clinic.backup.databases import DatabaseFault
from clinic.backup.run import back_up


class Command(BaseCommand):
    """Backs up database and pictures while the site is up."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("target", type=Path, help="a folder, or a file that is not there yet")
        parser.add_argument("--to", action="append", default=[], help="public key, age1...; default: BACKUP_KEYS. May be repeated")
        parser.add_argument(
            "--new-key", action="store_true", help="only write a new secret key to TARGET, and print its public key"
        )

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        target: Path = options["target"]
        if options["new_key"]:
            self.stdout.write(self._new_key(target))
            return
        keys = options["to"] or settings.BACKUP_KEYS
        if not keys:
            raise CommandError("To which key? Name it with --to or in BACKUP_KEYS; --new-key FILE makes one.")
        if target.is_dir():
            target /= f"affectline-{timezone.now():%Y-%m-%dT%H%M%S}.age"
        began = time.monotonic()
        try:
            manifest, missing = back_up(target, keys)
        except (pyrage.RecipientError, BrokenBackup, DatabaseFault, OSError) as error:
            raise CommandError(f"No backup was made: {error}") from error
        seconds = time.monotonic() - began
        self.stdout.write(
            f"{target}: {len(manifest.files) - 1} pictures and the database, {manifest.bytes / 1e6:.0f} MB, "
            f"written and read back in {seconds:.0f} s. The keys are not in it."
        )
        if missing:
            self.stderr.write(f"{missing} files that rows name were not there: erased meanwhile, or lost (check_keys).")

    @staticmethod
    def _new_key(target: Path) -> str:
        identity = pyrage.x25519.Identity.generate()
        try:
            handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except OSError as error:
            raise CommandError(str(error)) from error
        with os.fdopen(handle, "w") as file:
            file.write(f"# public key: {identity.to_public()}\n{identity}\n")
        return str(identity.to_public())
