"""Say which keys are still needed: how many values each place holds by the key that opens them."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from encryption.fields import field_keys
from encryption.rotation import NOT_THERE, Survey, missing_files, walk_files, walk_rows


class Command(BaseCommand):
    """Changes nothing. Fails when a value opens with no key at all, or a picture is not there."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        survey = Survey()
        walk_rows(False, 1000, lambda place, done: None, survey)
        walk_files(False, lambda place, done: None, survey)
        self.stdout.write(f"{len(field_keys())} keys")
        for place, count in survey.counts.items():
            self.stdout.write(f"{place}: {count.newest} newest key, {count.older} older key, {count.unreadable} unreadable")
        if survey.unreadable:
            raise CommandError(f"{survey.unreadable} values open with no key. Is a key missing, or a file damaged?")
        if missing := missing_files():
            raise CommandError(NOT_THERE.format(count=len(missing), root=settings.MEDIA_ROOT))
