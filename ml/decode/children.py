"""Decoders as this process uses them: two pipes, and how the decoder ended."""

import atexit
import os
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from io import FileIO
from pathlib import Path
from types import TracebackType

from .request import BUSY, Request

# The folder that holds this package: the root of a checkout, or site-packages.
_FOLDER = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-s", "-B", "-m", f"{__package__}.parent"]


class Decoder:
    """A process that carries out one request. `source` takes the file, `answer` gives what it says.

    Leaving the `with` statement kills it. `returncode` is that of a subprocess, negative after a signal.
    """

    def __init__(self, request: Request) -> None:
        """Start it. Raises OSError when the system has no memory, process or handle left."""
        self.returncode: int | None = None
        with ExitStack() as ours, ExitStack() as theirs:
            source, self.source = _pipe(theirs, ours)
            self.answer, answer = _pipe(ours, theirs)
            self._control, control = socket.socketpair()
            ours.enter_context(self._control)
            theirs.enter_context(control)
            _send(request.written(), [source.fileno(), answer.fileno(), control.fileno()])
            self._open = ours.pop_all()

    def __enter__(self) -> "Decoder":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        with self._open:
            if self.returncode is None:
                with suppress(OSError):  # its parent is gone, and it too
                    self._control.shutdown(socket.SHUT_WR)  # then its parent kills it
                self.wait()

    def wait(self, seconds: float | None = None) -> None:
        """Wait until it has ended. Raises TimeoutError, and OSError when the system had no process left for it."""
        self._control.settimeout(seconds)
        said = self._control.recv(100)
        # Nothing is said when the parent was killed, and its decoders with it.
        self.returncode = -9 if said in (b"", BUSY) else int(said)
        if said == BUSY:
            raise OSError("no process could be started")


def _pipe(readers: ExitStack, writers: ExitStack) -> tuple[FileIO, FileIO]:
    """Return the ends of a new pipe, which the two stacks will close."""
    reader, writer = os.pipe()
    return readers.enter_context(FileIO(reader, "r")), writers.enter_context(FileIO(writer, "w"))


class _Parent:
    """The process that this one's decoders are forked from (ml.decode.parent)."""

    def __init__(self) -> None:
        with ExitStack() as opened:
            ours, theirs = (opened.enter_context(end) for end in socket.socketpair())
            self.process = subprocess.Popen(
                COMMAND,
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # a traceback could write part of the picture to a log
                cwd=_FOLDER,
                env={"MALLOC_ARENA_MAX": "2"} | _where_libraries_are(),  # nothing else, so that no secret reaches a decoder
            )
            self.requests = ours.dup()

    def end(self) -> None:
        """Let it end, and its decoders with it."""
        self.requests.close()
        self.process.wait()

    def forget(self) -> None:
        """Leave it to the process that this one was forked from."""
        self.requests.close()
        self.process.returncode = 0  # it is not ours to wait for


def _where_libraries_are() -> dict[str, str]:
    """Return the variable without which Python itself does not start on computers where it is loaded as a module of a cluster."""
    return {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}


_lock = threading.Lock()
_parents: list[_Parent] = []  # none or one


def _send(request: bytes, handles: list[int]) -> None:
    """Send a request to the parent, to a new one where there is none or it was killed."""
    with _lock:
        if _parents:
            with suppress(OSError):
                socket.send_fds(_parents[0].requests, [request], handles)
                return
            _parents.pop().end()
        _parents.append(_Parent())
        socket.send_fds(_parents[0].requests, [request], handles)


def end_parent() -> None:
    """End the parent of all decoders, and them with it. The next photo starts another."""
    with _lock:
        while _parents:
            _parents.pop().end()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()  # another thread may have held the old one
    while _parents:
        _parents.pop().forget()


atexit.register(end_parent)
os.register_at_fork(after_in_child=_after_fork)
