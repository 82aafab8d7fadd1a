"""Removes what a decoder of untrusted bytes does not need: memory, time, files, network, child processes.

It does so in layers, none of which can be lifted, and says which of them hold: a system may lack some. They overlap, so that a flaw
in one opens nothing.
"""

import contextlib
import ctypes
import os
import resource
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from .call_filter import filter_calls

MEMORY_BYTES = 1_000_000_000  # a lossless WebP of 40 megapixels, the hungriest photo that is taken in, needs 790 MB
CPU_SECONDS = 15
NICE = 5  # someone waits for a page, too; it comes first

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38  # linux/prctl.h
_LANDLOCK_CREATE_RULESET, _LANDLOCK_RESTRICT_SELF = 444, 446  # the same number on every architecture
_CLONE_NEWNET, _CLONE_NEWUSER = 0x40000000, 0x10000000  # linux/sched.h
_CAPABILITY_VERSION_3 = 0x20080522  # linux/capability.h


class _Ruleset(ctypes.Structure):
    """`struct landlock_ruleset_attr`: what is forbidden unless a rule allows it."""

    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scoped", ctypes.c_uint64))


class _CapabilityHeader(ctypes.Structure):
    """`struct __user_cap_header_struct`: which form the sets have, and of which process they are (0: this one)."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _Capabilities(ctypes.Structure):
    """`struct __user_cap_data_struct`: half of the bits of the three sets."""

    _fields_ = (("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32))


# Per version of Landlock: rights over files, rights over TCP, scopes (abstract sockets, signals), bytes of the structure.
_LANDLOCK = {1: (13, 0, 0, 8), 2: (14, 0, 0, 8), 3: (15, 0, 0, 8), 4: (15, 2, 0, 16), 5: (16, 2, 0, 16), 6: (16, 2, 2, 24)}


def limit_process() -> None:
    """Limit the memory, CPU time and priority of this process, and stop it from writing files."""
    with contextlib.suppress(OSError):  # a photo is opened at any priority
        os.nice(NICE)
    # The soft limit on time is reached first: its signal says what happened. The hard one kills.
    for what, soft, most in (
        ("RLIMIT_AS", MEMORY_BYTES, MEMORY_BYTES),
        ("RLIMIT_CPU", CPU_SECONDS, CPU_SECONDS + 1),
        ("RLIMIT_FSIZE", 0, 0),
        ("RLIMIT_CORE", 0, 0),
    ):
        kind = getattr(resource, what)
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(kind, (min(soft, most), most))


def confine_process(may_start_threads: bool = False) -> frozenset[str]:
    """Stop this process from opening files, connections and processes. Load every module before, and start no thread.

    Return the names of the LAYERS that hold.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if sys.platform == "linux":
        _detach(libc)
    return frozenset(name for name, apply in LAYERS.items() if apply(libc, may_start_threads))


def _detach(libc: ctypes.CDLL) -> None:
    """Let this process end with its parent and before all others, and let none look into it."""
    with contextlib.suppress(OSError):  # when the computer runs out of memory, this process goes first
        Path("/proc/self/oom_score_adj").write_text("1000")
    libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    libc.prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)  # no other process may read the picture from this one
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _own_network(libc: ctypes.CDLL, _may_start_threads: bool) -> bool:
    """Move into a network with nothing in it. False where user namespaces are switched off."""
    if sys.platform != "linux":
        return False
    return bool(libc.unshare(_CLONE_NEWNET) == 0 or libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0)


def _drop_capabilities(libc: ctypes.CDLL, _may_start_threads: bool) -> bool:
    """Drop every capability: in its own user namespace the process has all of them, enough to reach much of the kernel."""
    if sys.platform != "linux":
        return False
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    return bool(libc.capset(ctypes.byref(header), ctypes.byref((_Capabilities * 2)())) == 0)


def _close_files(libc: ctypes.CDLL, _may_start_threads: bool) -> bool:
    """Forbid every file, TCP and, from Linux 6.12, abstract sockets and signals. False on Linux before 5.13 or without Landlock."""
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, 1) if sys.platform == "linux" else 0
    if version < 1:
        return False
    files, network, scopes, size = _LANDLOCK[min(version, max(_LANDLOCK))]
    rules = _Ruleset((1 << files) - 1, (1 << network) - 1, (1 << scopes) - 1)
    handle = libc.syscall(_LANDLOCK_CREATE_RULESET, ctypes.byref(rules), size, 0)
    if handle < 0:
        return False
    holds = bool(libc.syscall(_LANDLOCK_RESTRICT_SELF, handle, 0) == 0)
    os.close(handle)
    return holds


def _limit_handles(_libc: ctypes.CDLL, may_start_threads: bool) -> bool:
    """Let nothing more be opened, and no process or thread be started. `limit_process` has limited memory and time."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))  # input, output and errors are open; nothing else will be
    if not may_start_threads:
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    return resource.getrlimit(resource.RLIMIT_AS)[1] in range(MEMORY_BYTES + 1)


def _filter_calls(libc: ctypes.CDLL, may_start_threads: bool) -> bool:
    return sys.platform == "linux" and filter_calls(libc, may_start_threads)


LAYERS: dict[str, Callable[[ctypes.CDLL, bool], bool]] = {
    "namespace": _own_network,
    "capabilities": _drop_capabilities,
    "landlock": _close_files,
    "limits": _limit_handles,
    "seccomp": _filter_calls,
}
"""The layers by name, in the order in which they are put on: the later ones forbid what the earlier ones need."""
