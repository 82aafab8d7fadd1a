"""`manage.py verify_audit`: find out whether the access log is as it was written."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from patients.audit.chain import Head, find_faults, read_head

WORDS = {
    "gap": "entry {0} is missing, or others were moved",
    "changed": "entry {0} is not as it was written",
    "cut_off": "the log ends before entry {0}; the head that was kept lies beyond",
}


class Command(BaseCommand):
    """Checks the whole access log. Ends with status 1 and one line per fault when anything was changed, removed or moved.

    With `--head FILE` (from `export_audit_head`; `-` reads it from standard input) a log whose end was cut off is found too.
    """

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--head", metavar="FILE", help="a head that export_audit_head printed earlier")

    def handle(self, *args: object, head: str | None = None, **options: object) -> None:
        try:
            kept = Head.from_json(sys.stdin.read() if head == "-" else Path(head).read_text()) if head else None
        except (OSError, ValueError) as error:
            raise CommandError(f"The head cannot be read: {error}") from error
        faults = list(find_faults(kept))
        for fault in faults:
            self.stderr.write(WORDS[fault.kind].format(fault.sequence))
        if faults:
            raise CommandError(f"The access log was tampered with: {len(faults)} faults.")
        self.stdout.write(f"{read_head().sequence} entries, all as they were written.")
