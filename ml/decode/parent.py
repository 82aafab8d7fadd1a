"""The process that decoders are forked from, one for each photo: loading their libraries takes longer than opening most photos.

It has no secret, opens no photo and reads no answer, so that nothing in a photo can reach the next one.
"""

import contextlib
import gc
import os
import selectors
import signal
import socket

from .__main__ import rebuild_input
from .rebuild import load_decoder
from .request import BUSY, REQUEST_BYTES, Request, read


class Parent:
    """Forks a decoder for each request, kills it when its control is closed, and tells the control how it ended."""

    def __init__(self, requests: socket.socket) -> None:
        self.requests = requests
        self.controls: dict[int, socket.socket] = {}
        self.selector = selectors.DefaultSelector()

    def serve(self) -> None:
        """Answer requests until the process that sends them is gone."""
        told, telling = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler, no byte is written when a child ends
        signal.set_wakeup_fd(telling, warn_on_full_buffer=False)
        self.selector.register(told, selectors.EVENT_READ)
        self.selector.register(self.requests, selectors.EVENT_READ)
        while True:
            for key, _ in self.selector.select():
                if key.fileobj is self.requests:
                    if not self._fork():
                        return
                elif key.fileobj == told:
                    os.read(told, 1000)
                    self._reap()
                else:
                    self.selector.unregister(key.fileobj)
                    _kill(key.data)

    def close(self) -> None:
        """Kill every decoder."""
        for pid in self.controls:
            _kill(pid)

    def _fork(self) -> bool:
        request, handles, _, _ = socket.recv_fds(self.requests, REQUEST_BYTES, 3)
        if not request:
            return False
        source, answer, control = handles
        try:
            pid = os.fork()
        except OSError:
            os.write(control, BUSY)
        else:
            if pid == 0:
                _become_decoder(source, answer, read(request))
            self.controls[pid] = socket.socket(fileno=os.dup(control))
            self.selector.register(self.controls[pid], selectors.EVENT_READ, pid)
        for handle in handles:
            os.close(handle)
        return True

    def _reap(self) -> None:
        while self.controls and (ended := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)):
            # While it is not reaped, its id is that of its group: what it left behind ends with it.
            _kill(ended.si_pid)
            _, status = os.waitpid(ended.si_pid, 0)
            with self.controls.pop(ended.si_pid) as control:
                with contextlib.suppress(KeyError):
                    self.selector.unregister(control)
                with contextlib.suppress(OSError):  # no one waits for it any more
                    control.send(str(os.waitstatus_to_exitcode(status)).encode())


def _kill(pid: int) -> None:
    """Kill a decoder that was not reaped, and any process it started."""
    with contextlib.suppress(ProcessLookupError):  # it has no group of its own yet
        os.killpg(pid, signal.SIGKILL)
    os.kill(pid, signal.SIGKILL)


def _become_decoder(source: int, answer: int, request: Request) -> None:
    """Decode one photo in the forked process, with nothing open but its two pipes and errors that go nowhere. Never returns."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        # A group, by which it is killed, not a session: Linux may weigh a session as a whole, whatever the priorities in it.
        os.setpgid(0, 0)
        os.dup2(source, 0)
        os.dup2(answer, 1)
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        rebuild_input(request)
        status = 0
    finally:
        os._exit(status)


def main() -> None:
    """Load every decoder, and serve the socket that is standard input."""
    os.environ["OPENBLAS_NUM_THREADS"] = "1"  # numpy would keep memory for a thread on every core
    for kind in ("JPEG", "HEIF"):  # the others are loaded with each
        load_decoder(kind)
    gc.freeze()  # no collection in a child copies the pages that it shares
    with socket.socket(fileno=0) as requests, contextlib.closing(Parent(requests)) as parent:
        parent.serve()


if __name__ == "__main__":
    main()
