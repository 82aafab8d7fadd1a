"""`manage.py restore FILE --key KEYFILE`: database and pictures out of a backup, after every byte of it was checked."""

import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from clinic.backup.archive import BrokenBackup
from clinic.backup.databases import DatabaseFault
from clinic.backup.run import RefusedRestore, check, identity_in, restore


class Command(BaseCommand):
    """Restores a backup. Stop the services first."""

    help = __doc__ or ""

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("source", type=Path, help="the file that `backup` wrote")
        parser.add_argument("--key", type=Path, required=True, help="file with the secret key, AGE-SECRET-KEY-1...")
        parser.add_argument("--check", action="store_true", help="only read it to its end, and change nothing")
        parser.add_argument("--force", action="store_true", help="replace the users, patients and pictures that are here")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        began = time.monotonic()
        try:
            identity = identity_in(options["key"])
            if options["check"]:
                manifest = check(options["source"], identity)
                size = f"{len(manifest.files)} files, {manifest.bytes / 1e6:.0f} MB"
                self.stdout.write(f"Whole, of {manifest.facts['made_at']}: {size}.")
                return
            done = restore(options["source"], identity, options["force"])
        except (RefusedRestore, BrokenBackup, DatabaseFault, OSError) as error:
            raise CommandError(f"Nothing was restored: {error}" if not isinstance(error, OSError) else str(error)) from error
        seconds = time.monotonic() - began
        self.stdout.write(f"Restored what was there on {done.manifest.facts['made_at']}, in {seconds:.0f} s.")
        self.stdout.write(
            f"Files that rows name but the backup lacks: {done.missing}. Files deleted that no row names: {done.removed}."
        )
        if done.missing:
            raise CommandError("`check_keys` lists what cannot be opened.")
