"""Open everything that is sealed where it stands, and say which keys are still needed."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from encryption.keys import field_keys
from encryption.rotation import NOT_THERE, Survey, missing_files, walk_house, walk_keys, walk_records
from encryption.watch import clear


class Command(BaseCommand):
    """Changes nothing. Fails when a value does not open where it stands, or a picture is not there."""

    help = __doc__ or ""

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        survey, records = Survey(), Survey()
        walk_keys(False, self._tell, survey)
        walk_house(False, 1000, self._tell, survey)
        walk_records(self._tell, records)
        self.stdout.write(f"{len(field_keys())} keys")
        for place, count in survey.counts.items():
            self.stdout.write(f"{place}: {count.newest} newest key, {count.older} older key, {count.unreadable} unreadable")
        for place, count in records.counts.items():
            self.stdout.write(f"{place}: {count.newest} open, {count.unreadable} unreadable")
        if unreadable := survey.sum("unreadable") + records.sum("unreadable"):
            raise CommandError(f"{unreadable} values do not open where they stand. The log names each, and why: docs/keys.md.")
        if missing := missing_files():
            raise CommandError(NOT_THERE.format(count=len(missing), root=settings.MEDIA_ROOT))
        clear()

    def _tell(self, place: str, done: int) -> None:
        """Say nothing on the way: the counts follow."""
