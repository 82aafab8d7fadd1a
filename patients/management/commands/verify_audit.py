"""`manage.py verify_audit`: check that the access log was not changed."""

import sys
from argparse import ArgumentParser
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from patients.audit.chain import find_faults
from patients.audit.head import Head, read_head
from patients.audit.shipping import kept_heads, read_shipped

FAULT_TEXTS = {
    "gap": "entry {0} is missing, or others were moved",
    "changed": "entry {0} is not as it was written",
    "cut_off": "the log ends before entry {0}; the head that was kept lies beyond",
    "empty": "the log is empty, although people have signed in",
}


class Command(BaseCommand):
    """Checks every entry of the access log. Exits with status 1 and one line per fault if any was changed, removed or moved.

    It compares with the head in AUDIT_HEAD_FILE, and with the file that LOG_SHIP names: so it detects that the end was cut off.
    `--head FILE` (from `export_audit_head`; `-` is standard input) and `--shipped FILE` (lines that LOG_SHIP sent) add others.
    """

    help = __doc__ or ""

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--head", metavar="FILE", help="a head that export_audit_head printed earlier")
        parser.add_argument("--shipped", metavar="FILE", help="lines that LOG_SHIP sent, as a receiver wrote them")

    def handle(self, *args: object, head: str | None = None, shipped: str | None = None, **options: object) -> None:
        try:
            kept = kept_heads()
            if head:
                kept.append(Head.from_json(sys.stdin.read() if head == "-" else Path(head).read_text()))
            if shipped and (last := read_shipped(Path(shipped))):
                kept.append(last)
        except (OSError, ValueError) as error:
            raise CommandError(f"The head cannot be read: {error}") from error
        faults = list(find_faults(kept))
        for fault in faults:
            self.stderr.write(FAULT_TEXTS[fault.kind].format(fault.sequence))
        if faults:
            raise CommandError(f"The access log was tampered with: {len(faults)} faults.")
        count = read_head().sequence
        self.stdout.write(f"{count} entries, all as they were written." if count else "The log is empty: no one has signed in yet.")
