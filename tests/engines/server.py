"""A server of another maker that a test starts, stops and starts again."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

from clinic.supervisor import end_with_parent

TRIES = 300  # a tenth of a second apart


class Server:
    """One process. A subclass says by which command it runs, and when it answers."""

    _process: subprocess.Popen[bytes] | None = None

    def command(self) -> tuple[str, ...]:
        """Return the command."""
        raise NotImplementedError

    def answers(self) -> bool:
        """Return whether the server answers now."""
        raise NotImplementedError

    def start(self) -> None:
        """Start the server and return once it answers."""
        self._process = subprocess.Popen(self.command(), preexec_fn=end_with_parent())
        for _ in range(TRIES):
            if self.answers():
                return
            time.sleep(0.1)
        raise RuntimeError(f"{self.command()[0]} does not answer.")

    def stop(self) -> None:
        """Stop the server, if it runs."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    @contextmanager
    def running(self) -> Iterator[Self]:
        """Run the server during the block."""
        self.start()
        try:
            yield self
        finally:
            self.stop()
