"""A complete Affectline for one test: started by its real command, driven over HTTP, checked in its database."""

import contextlib
import json
import os
import queue
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from clinic.supervisor import end_with_parent

PROJECT = Path(__file__).resolve().parent.parent.parent
PATIENCE_SECONDS = 300.0  # the cores may be busy
FINAL = ("done", "no_face", "choose_face", "rejected", "failed")
# Runs each line of its input, code encoded as JSON, and answers with one line: what the code printed.
SHELL = """
import contextlib, io, json, sys
for line in sys.stdin:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(json.loads(line), {})
    print(json.dumps(printed.getvalue()), flush=True)
"""


def eventually(
    question: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS
) -> Any:  # Any: whatever the caller waits for
    """Return the first true value. Raises AssertionError naming `what` if there is none in time."""
    give_up_at = time.monotonic() + seconds
    while time.monotonic() < give_up_at:
        if answer := question():
            return answer
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds:.0f} s: {what}")


class Installation:
    """`python -m clinic.serve` on a private folder and a free port, with this Python or another one."""

    python = sys.executable

    def __init__(self, var: Path, **environment: str) -> None:
        self.var = var
        inherited = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG", "TMPDIR")}
        # Of the demo only the newest visit of each patient: nineteen photos instead of two hundred.
        self.environment = (
            inherited | {"AFFECTLINE_VAR": str(var), "DEMO_VISITS": "1", "API_REQUESTS_PER_MINUTE": "100000"} | environment
        )
        self._process: subprocess.Popen[str] | None = None
        self._shell: subprocess.Popen[str] | None = None
        self._reader: threading.Thread | None = None
        self._lines: queue.Queue[str | None] = queue.Queue()
        self.printed: list[str] = []
        self.address = ""
        self.email = self.password = ""
        self._key = ""

    # --- The command

    def launch(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the command without waiting for anything."""
        self._process = subprocess.Popen(
            (self.python, "-m", "clinic.serve", *(arguments or ("--port", "0"))),
            cwd=PROJECT,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=end_with_parent(),
        )
        self._lines = queue.Queue()  # so that the end of the last run is not taken for this one's
        self._reader = threading.Thread(target=self._collect, args=(self._process,), daemon=True)
        self._reader.start()
        return self._process

    def start(self) -> None:
        """Start the command. Return once it has printed its address and how to sign in."""
        self.launch()
        for line in self._printed_lines():
            if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                self.address = found.group()
            if line.startswith("demo sign-in: "):
                self.email, self.password = line.removeprefix("demo sign-in: ").split()
                return
        self.stop()
        raise AssertionError("clinic.serve did not start:\n" + "\n".join(self.printed) + self.logs())

    def start_from(self, seed: Path) -> None:
        """Start with a copy of the folder of a stopped installation: its keys, rows, photos and static files."""
        shutil.copytree(seed, self.var)
        self.start()

    def has_its_demo(self) -> bool:
        """Return whether all photos of the demo were added and read, and the demo's withdrawal of consent has happened."""
        return not (self.var / "demo_pending.json").exists()

    def has_read_its_demo(self) -> bool:
        """Return whether the demo is loaded and all its photos are final."""
        with self.database() as connection:
            states = {state for (state,) in connection.execute("SELECT DISTINCT state FROM inference_prediction")}
        return self.has_its_demo() and bool(states) and not states & {"queued", "running"}

    @contextlib.contextmanager
    def running(self) -> Iterator[Self]:
        """Run the command during the block, and stop it also when it did not start."""
        try:
            self.start()
            yield self
        finally:
            self.stop()

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Send the signal to the command and wait for its end."""
        if self._shell is not None:
            self._shell.communicate()  # it ends when its input does
            self._shell = None
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(PATIENCE_SECONDS)
            if self._reader is not None:
                self._reader.join(PATIENCE_SECONDS)
            self._process = None

    def _collect(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.printed.append(line.rstrip())
                self._lines.put(line.rstrip())
        self._lines.put(None)

    def _printed_lines(self) -> Iterator[str]:
        while True:
            try:
                line = self._lines.get(timeout=PATIENCE_SECONDS)
            except queue.Empty:
                return
            if line is None:
                return
            yield line

    def logs(self) -> str:
        """Return the end of every log."""
        return "\n".join(f"--- {log.name}\n" + log.read_text()[-3000:] for log in sorted((self.var / "log").glob("*.log")))

    # --- Its processes

    def processes(self) -> dict[int, str]:
        """Return pid and command of every running process of this installation, orphans too: each names its folder."""
        mark = f"AFFECTLINE_VAR={self.var}\0".encode()
        found = {}
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):  # gone while we looked
                if mark in (folder / "environ").read_bytes() + b"\0":
                    found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        return found

    def worker(self) -> int:
        """Return the pid of the Celery worker for photos that the command started; 0 if there is none."""
        for pid, command in self.processes().items():
            with contextlib.suppress(OSError):  # gone while we looked
                parent = int((Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[1])
                is_ours = self._process and parent == self._process.pid
                if is_ours and " celery " in command and " worker " in command and " --exclude-queues " in command:
                    return pid
        return 0

    def signal_workers(self, number: signal.Signals) -> None:
        """Pause every worker process that the command started, or resume it.

        Paused only while we lock the database: a worker paused in a transaction would block all other writers.
        """
        with self.database() as connection:
            if number == signal.SIGSTOP:
                connection.execute("BEGIN IMMEDIATE")
            for pid, command in self.processes().items():
                if " worker " in command:
                    os.kill(pid, number)

    # --- Its pages

    def get(self, path: str) -> bytes:
        """Return the body of a page."""
        with urllib.request.urlopen(f"{self.address}{path}", timeout=30) as answer:
            body: bytes = answer.read()
        return body

    def manage(self, *command: str) -> str:
        """Return what a Django command printed."""
        process = self._django(*command)
        printed, _ = process.communicate()
        assert process.returncode == 0, f"{command} failed"
        return printed

    def run(self, code: str) -> str:
        """Return what `code` prints within Django. All calls share one process, because its start takes a second."""
        if self._shell is None:
            self._shell = self._django("shell", "--verbosity", "0", "-c", SHELL)
        assert self._shell.stdin is not None
        assert self._shell.stdout is not None
        print(json.dumps(code), file=self._shell.stdin, flush=True)
        if not (answer := self._shell.stdout.readline()):
            self._shell.communicate()
            self._shell = None
            raise AssertionError(f"this failed:\n{code}")
        return str(json.loads(answer))

    def _django(self, *command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            (sys.executable, "manage.py", *command),
            cwd=PROJECT,
            env=self.environment | {"HTTPS": "0", "DEMO": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=end_with_parent(),
        )

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # Any: JSON
        """Return what the API answers to the demo's clinician."""
        text = self.ask_raw(method, path, body)
        return json.loads(text) if text else None

    def ask_raw(self, method: str, path: str, body: dict[str, Any] | None = None) -> bytes:  # Any: JSON
        """Return the body of the API's answer to the demo's clinician."""
        if not self._key:
            self._key = self.manage("api_token", self.email, "--scope", "write").strip()
        request = urllib.request.Request(f"{self.address}/api/v1/{path}", method=method)
        request.add_header("Authorization", f"Bearer {self._key}")
        request.add_header("Content-Type", MULTIPART_CONTENT if body and "file" in body else "application/json")
        if body is not None:
            request.data = encode_multipart(BOUNDARY, body) if "file" in body else json.dumps(body).encode()
        with urllib.request.urlopen(request, timeout=60) as answer:
            text: bytes = answer.read()
        return text

    def forget_key(self) -> None:
        """Make the next call of `ask` use a new API key."""
        self._key = ""

    def new_visit(self, patient: str = "") -> str:
        """Return the id of a new visit, by default of a patient of the demo who consents to photos."""
        patient = patient or self.ask("GET", "patients/")["results"][0]["id"]
        visit = self.ask("POST", f"patients/{patient}/visits/", {"date": "2026-03-02"})
        return str(visit["id"])

    def upload(self, visit: str, file: SimpleUploadedFile) -> None:
        """Send a photo, also if another visit of the patient has it."""
        self.ask("POST", f"visits/{visit}/photos/", {"file": file, "keep_duplicate": "true"})

    def photos(self, visit: str) -> list[dict[str, Any]]:  # Any: JSON
        """Return the photos of a visit as the API shows them."""
        answer = self.ask("GET", f"visits/{visit}/photos/?limit=100")
        found: list[dict[str, Any]] = answer["results"]
        return found

    def states(self, visit: str) -> list[str]:
        """Return the state of each photo of a visit."""
        return [photo["prediction"]["state"] for photo in self.photos(visit)]

    def all_final(self, visit: str) -> bool:
        """Return whether every photo of a visit is final."""
        return all(state in FINAL for state in self.states(visit))

    # --- Its database

    @contextlib.contextmanager
    def database(self) -> Iterator[sqlite3.Connection]:
        """Yield a connection to the database file."""
        with contextlib.closing(sqlite3.connect(self.var / "db.sqlite3", timeout=30)) as connection, connection:
            yield connection

    def count_endings(self) -> None:
        """From now on let the database record every time that a prediction becomes final."""
        final = ", ".join(f"'{state}'" for state in FINAL)
        with self.database() as connection:
            connection.execute("CREATE TABLE ending (photo_id TEXT, state TEXT)")
            connection.execute(
                f"CREATE TRIGGER note_ending AFTER UPDATE OF state ON inference_prediction WHEN NEW.state IN ({final}) "
                "BEGIN INSERT INTO ending VALUES (NEW.photo_id, NEW.state); END"
            )

    def endings(self, visit: str) -> dict[str, list[str]]:
        """Return for each photo of the visit the final states it has reached, in order."""
        with self.database() as connection:
            rows = connection.execute(
                "SELECT photo.id, ending.state FROM patients_photo photo LEFT JOIN ending ON ending.photo_id = photo.id "
                "WHERE photo.visit_id = ? ORDER BY ending.rowid",
                (visit.replace("-", ""),),
            ).fetchall()
        found: dict[str, list[str]] = {}
        for photo, state in rows:
            found.setdefault(photo, []).extend([state] if state else [])
        return found
