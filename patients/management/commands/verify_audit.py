"""`manage.py verify_audit`: check that the access log was not changed."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from patients.audit.chain import Head, find_faults, read_head

FAULT_TEXTS = {
    "gap": "entry {0} is missing, or others were moved",
    "changed": "entry {0} is not as it was written",
    "cut_off": "the log ends before entry {0}; the head that was kept lies beyond",
}


class Command(BaseCommand):
    """Checks every entry of the access log. Exits with status 1 and one line per fault if any was changed, removed or moved.

    `--head FILE` (from `export_audit_head`; `-` is standard input) also detects that the end of the log was cut off.
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
            self.stderr.write(FAULT_TEXTS[fault.kind].format(fault.sequence))
        if faults:
            raise CommandError(f"The access log was tampered with: {len(faults)} faults.")
        self.stdout.write(f"{read_head().sequence} entries, all as they were written.")
