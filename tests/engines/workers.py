"""A further worker for photos, as on another host: its own folder, and the database, queue, keys and photos of an installation."""

import os
import signal
import subprocess
from pathlib import Path

from clinic.supervisor import end_with_parent
from tests.engines.installation import PATIENCE_SECONDS, PROJECT, Installation, eventually

OPTIONS = "--loglevel INFO --concurrency 1 --exclude-queues tasks --without-gossip --without-mingle --hostname"


class Worker:
    """`celery worker` as the unit of systemd starts it."""

    def __init__(self, installation: Installation, folder: Path, name: str, **environment: str) -> None:
        folder.mkdir(parents=True)
        self.folder, self.name, self.log = folder, name, folder / "worker.log"
        there = installation.var
        shared = {
            "AFFECTLINE_VAR": str(folder),
            "DATABASE_URL": f"sqlite:///{there}/db.sqlite3",
            "PATIENT_KEYS": str(there / "patient_keys"),
            "MEDIA_ROOT": str(there / "photos"),
            "DEMO": "1",
            **{f"{key.upper()}_FILE": str(there / key) for key in ("secret_key", "field_keys", "search_key")},
        }
        self.environment = installation.environment | shared | environment
        self._installation, self.python = installation, installation.python
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, and return once it takes photos."""
        command = (self.python, "-m", "celery", "--app", "clinic", "worker", *OPTIONS.split(), f"{self.name}@%h")
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                cwd=PROJECT,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )
        eventually(lambda: "ready." in self.log.read_text(), f"{self.name} is ready\n{self.log.read_text()}")

    def pause(self, number: signal.Signals) -> None:
        """Pause its processes (SIGSTOP), or let them go on (SIGCONT), while they hold no lock of the database."""
        assert self._process
        with self._installation.database() as connection:
            connection.execute("BEGIN IMMEDIATE")
            os.killpg(self._process.pid, number)

    def ask_to_end(self) -> None:
        """Ask it to end, as systemd does: it finishes the photo in hand."""
        assert self._process
        self._process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        if self._process is not None:
            self.ask_to_end()
            assert self._process.wait(PATIENCE_SECONDS) == 0
            self._process = None
