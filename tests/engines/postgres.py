"""A private PostgreSQL server. `python -m tests.engines.postgres COMMAND...` runs a command with DATABASE_URL set to one."""

import contextlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg

from clinic.serve import HOST, free_port
from clinic.supervisor import end_with_parent


def program(name: str) -> str:
    """Return the path of a PostgreSQL server program. Raises FileNotFoundError when there is none."""
    # Debian does not put the server programs on the PATH.
    debian = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    found = shutil.which(name) or (str(debian[-1]) if debian else None)
    if found is None:
        raise FileNotFoundError(f"{name} is missing: run `make engines`")
    return found


@contextlib.contextmanager
def postgres() -> Iterator[str]:
    """Start an empty server on a free loopback port; yield the URL of its database. It is removed afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="affectline-postgres-"))
    password = secrets.token_urlsafe(12)
    (folder / "password").write_text(password)
    # PostgreSQL refuses to run as root; Any: keyword arguments of Popen.
    owner: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.geteuid() == 0 else {}
    if owner:
        for path in (folder, folder / "password"):
            shutil.chown(path, "postgres", "postgres")
    locale = ("--encoding", "UTF8", "--locale", "C")
    login = ("--username", "affectline", "--auth", "scram-sha-256", "--pwfile", str(folder / "password"))
    initdb = [program("initdb"), "--pgdata", str(folder / "data"), "--no-sync", *login, *locale]
    subprocess.run(initdb, check=True, stdout=subprocess.DEVNULL, cwd=folder, **owner)
    port = free_port()
    command = [program("postgres"), "-D", str(folder / "data"), "-p", str(port)]
    # Nothing outlives the run, so nothing needs to reach the disk.
    for option in (f"listen_addresses={HOST}", "unix_socket_directories=", "fsync=off", "full_page_writes=off"):
        command += ["-c", option]
    log = (folder / "log").open("wb")
    server = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder, preexec_fn=end_with_parent(), **owner)
    try:
        address = f"postgres://affectline:{password}@{HOST}:{port}/postgres"
        _wait_for(address, server, folder / "log")
        yield address
    finally:
        server.send_signal(signal.SIGINT)  # fast shutdown: TERM would wait for idle connections
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(5)
        server.kill()
        server.wait()
        log.close()
        shutil.rmtree(folder, ignore_errors=True)


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        with contextlib.suppress(psycopg.OperationalError), psycopg.connect(address):
            return
        if server.poll() is not None:
            break
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")


if __name__ == "__main__":
    with postgres() as database_url:
        status = subprocess.run(sys.argv[1:], env=os.environ | {"DATABASE_URL": database_url}, check=False).returncode
    sys.exit(status)
