"""`manage.py prepare`: what a start of `clinic.serve` needs before the server, in one process: the start of each takes a second."""

from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection
from django.db.migrations.executor import MigrationExecutor


def has_migrations_to_apply() -> bool:
    """Return whether the database is behind the code. `migrate` itself takes a second even if it is not."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


class Command(BaseCommand):
    """Prints what `load_demo` prints where the demo is on."""

    help = "Apply migrations, collect the static files with --static, and load the demo where it is on."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--static", action="store_true", help="collect and compress the static files")

    def handle(self, *args: Any, **options: Any) -> None:  # Any: Django's own signature
        if has_migrations_to_apply():
            call_command("migrate", interactive=False, verbosity=0)
        if options["static"]:
            call_command("collectstatic", interactive=False, verbosity=0)
        if settings.DEMO:
            call_command("load_demo", stdout=self.stdout)
