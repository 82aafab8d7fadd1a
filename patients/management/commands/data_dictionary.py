"""Print the data dictionary as Markdown: `manage.py data_dictionary > docs/data-dictionary.md`."""

from django.core.management.base import BaseCommand
from django.utils import translation

from patients.reports.dictionary import as_markdown


class Command(BaseCommand):
    """Prints what each column of each CSV file means."""

    help = "Print the data dictionary of the CSV files as Markdown."
    requires_system_checks = ()

    def handle(self, *args: object, **options: object) -> None:
        """Print it in English, as all documents are."""
        with translation.override("en"):
            self.stdout.write(as_markdown(), ending="")
