"""Starts processes, restarts those that die, and stops them all when it ends. Knows nothing about Affectline."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

LOG_MAX_BYTES = 5_000_000
BACKOFF_MAX_SECONDS = 10.0
AUTOGROUP_TRIES = 10
STEADY_SECONDS = 60.0  # a process that ran this long counts as recovered

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def end_with_parent() -> Callable[[], None] | None:
    """Return a preexec_fn by which a process gets SIGTERM when its parent dies, even by kill -9.

    None except on Linux: elsewhere, a parent killed by -9 leaves its processes behind.
    """
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl  # looked up here: nothing may be loaded after the fork
    parent = os.getpid()

    def ask_for_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died in between
            os._exit(1)

    return ask_for_signal


@dataclass(frozen=True)
class Part:
    """One process to keep running: its name, its command, and how long it may take to stop.

    Parts that others need while they stop are `stopped_last`. A part that runs `once` is not restarted after it succeeded. The
    larger `nice` is, from 0 to 19, the more it yields to the other parts.
    """

    name: str
    command: tuple[str, ...]
    stop_seconds: float = 10.0
    pass_fds: tuple[int, ...] = ()
    stopped_last: bool = False
    once: bool = False
    nice: int = 0


@dataclass
class _Running:
    part: Part
    process: subprocess.Popen[bytes]
    started_at: float
    crashes: int = 0
    again_at: float | None = None


@dataclass
class Supervisor:
    """Keeps every part running until `stop`.

    Each part leads a process group of its own: a Ctrl-C in the terminal reaches this process alone, the parts stop in order, and
    what a dead part leaves behind is found by its group.
    """

    folder: Path
    environment: Mapping[str, str]
    working_folder: Path
    say: Callable[[str], None] = print
    _parts: dict[str, _Running] = field(default_factory=dict)

    def start(self, part: Part) -> None:
        """Start `part`; its output goes to `NAME.log` in the folder."""
        self._parts[part.name] = _Running(part, self._launch(part), time.monotonic())

    def pid(self, name: str) -> int:
        """Return the current process id of the part."""
        return self._parts[name].process.pid

    def log_of(self, name: str) -> Path:
        """Return the log file of the part."""
        return self.folder / f"{name}.log"

    def restart_dead(self) -> None:
        """Restart parts that died: at once the first time, then with growing delays. Call this a few times a second."""
        now = time.monotonic()
        for running in list(self._parts.values()):
            if running.again_at is not None:
                if now >= running.again_at:
                    running.process, running.started_at, running.again_at = self._launch(running.part), now, None
            elif running.process.poll() is not None:
                if running.part.once and running.process.returncode == 0:
                    del self._parts[running.part.name]
                else:
                    self._record_crash(running, now)

    def stop(self) -> None:
        """Stop all parts at once, then those that are stopped last."""
        for last in (False, True):
            parts = [running for running in self._parts.values() if running.part.stopped_last is last]
            for running in parts:
                if running.process.poll() is None:
                    running.process.terminate()
            for running in parts:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    running.process.wait(running.part.stop_seconds)
                _kill_group(running.process)
        self._parts.clear()

    def _record_crash(self, running: _Running, now: float) -> None:
        _kill_group(running.process)
        running.crashes = 0 if now - running.started_at > STEADY_SECONDS else running.crashes + 1
        wait_seconds = 0.0 if running.crashes <= 1 else min(2.0 ** (running.crashes - 2), BACKOFF_MAX_SECONDS)
        running.again_at = now + wait_seconds
        name, status = running.part.name, running.process.returncode
        self.say(f"{name} ended with status {status}; starting it again. Its log: {self.log_of(name)}")

    def _launch(self, part: Part) -> subprocess.Popen[bytes]:
        log = self.log_of(part.name)
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if log.exists() and log.stat().st_size > LOG_MAX_BYTES:
            log.replace(log.with_suffix(".old.log"))
        with log.open("ab") as output:
            process = subprocess.Popen(
                part.command,
                cwd=self.working_folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                pass_fds=part.pass_fds,
                start_new_session=True,
                preexec_fn=end_with_parent(),
            )
        if part.nice:
            _lower(process.pid, part.nice)
        return process


def _lower(pid: int, nice: int) -> None:
    """Let the process and those that it will start yield to others, by `nice`."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.setpriority(os.PRIO_PROCESS, pid, nice)
    # Each part leads a session, and Linux on a desktop weighs sessions as a whole, by a number of their own.
    session = Path(f"/proc/{pid}/autogroup")
    for _ in range(AUTOGROUP_TRIES):
        try:
            session.write_text(str(nice))
        except BlockingIOError:  # it takes ten changes a second, of all users together
            time.sleep(0.1)
        except OSError:  # another system
            return
        else:
            return


def _kill_group(process: subprocess.Popen[bytes]) -> None:
    """Kill the process and what is left of its group, and reap it."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
