"""The system calls that a confined decoder may still make, as a filter that Linux runs before every call (seccomp).

A list of what is allowed: memory, reading and writing what is open already, time, its own end. Everything else fails with EPERM:
sockets of every kind, files, processes, signals, namespaces, keys, io_uring, and whatever a later kernel adds.

The program is the classic BPF of linux/filter.h. seccomp(2) describes how it sees a call.
"""

import ctypes
import errno
import platform
import struct

CALLS = {
    # What is open, and no more of it
    "read": (0, 63),
    "write": (1, 64),
    "close": (3, 57),
    # Memory; mmap and mprotect never to run it
    "mmap": (9, 222),
    "mprotect": (10, 226),
    "munmap": (11, 215),
    "brk": (12, 214),
    "mremap": (25, 216),
    "madvise": (28, 233),
    # Its own signals: Python and libraries set handlers and block signals; none can be sent
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sigaltstack": (131, 132),
    # Locks, time, chance
    "futex": (202, 98),
    "sched_yield": (24, 124),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "clock_gettime": (228, 113),
    "gettimeofday": (96, 169),
    "getrandom": (318, 278),
    "restart_syscall": (219, 128),
    # Who it is, and its end
    "getpid": (39, 172),
    "gettid": (186, 178),
    "exit": (60, 93),
    "exit_group": (231, 94),
}
"""Allowed calls and their numbers on x86_64 and aarch64 (asm/unistd_64.h, asm-generic/unistd.h)."""

THREAD_CALLS = {"clone": (56, 220), "set_robust_list": (273, 99), "rseq": (334, 293), "sched_getaffinity": (204, 123)}
"""What a decoder that starts threads needs in addition; clone for threads alone."""

CLONE3 = 435  # the same number on both
SET_FILTER = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
"""Architectures that have a filter: AUDIT_ARCH of linux/audit.h, and their place in CALLS."""

_PR_SET_SECCOMP, _FILTER_MODE = 22, 2  # linux/prctl.h, linux/seccomp.h
_KILL, _REFUSE, _ALLOW = 0x80000000, 0x00050000, 0x7FFF0000  # linux/seccomp.h; the error is added to the second
_LOAD, _IF_EQUAL, _IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_JMP|JSET|K, BPF_RET|K
_NUMBER, _ARCHITECTURE = 0, 4  # where struct seccomp_data holds them
_PROT_EXEC = 4
_THREAD = 0x00010000  # CLONE_THREAD
_OF_A_THREAD = 0x007D0F00  # all flags that the C libraries set for a thread; none makes a process or a namespace

Line = tuple[int, int, int, int]
"""One instruction: code, lines to skip when the test holds, lines to skip when it does not, operand."""


class _Program(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("lines", ctypes.c_char_p))


def program(machine: str, may_start_threads: bool = False) -> list[Line]:
    """Return the filter for an architecture of SET_FILTER. Raises KeyError for another."""
    architecture, column = SET_FILTER[machine]
    calls = CALLS | (THREAD_CALLS if may_start_threads else {})
    # Another architecture is how 32-bit calls with other numbers would come in.
    lines: list[Line] = [(_LOAD, 0, 0, _ARCHITECTURE), (_IF_EQUAL, 1, 0, architecture), (_RETURN, 0, 0, _KILL)]
    lines.append((_LOAD, 0, 0, _NUMBER))
    for name, numbers in calls.items():
        answer = _conditions(name)
        lines += [(_IF_EQUAL, 0, len(answer), numbers[column]), *answer]
    # As if the kernel had no clone3: its flags lie in memory, where no filter sees them. The C library then uses clone.
    lines += [(_IF_EQUAL, 0, 1, CLONE3), (_RETURN, 0, 0, _REFUSE | errno.ENOSYS)]
    return [*lines, (_RETURN, 0, 0, _REFUSE | errno.EPERM)]


def _conditions(name: str) -> list[Line]:
    """Return the lines that answer an allowed call. Both architectures store the lower half of an argument first."""
    allow, refuse = (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE | errno.EPERM)
    if name in ("mmap", "mprotect"):
        return [_load_argument(2), (_IF_ANY_BIT, 0, 1, _PROT_EXEC), refuse, allow]
    if name == "clone":
        foreign = ~_OF_A_THREAD & 0xFFFFFFFF
        return [_load_argument(0), (_IF_ANY_BIT, 1, 0, foreign), (_IF_ANY_BIT, 1, 0, _THREAD), refuse, allow]
    return [allow]


def _load_argument(number: int) -> Line:
    return (_LOAD, 0, 0, 16 + 8 * number)


def filter_calls(libc: ctypes.CDLL, may_start_threads: bool = False) -> bool:
    """Allow this thread, and those it starts, no other calls from now on. Needs no_new_privs.

    Return False, with nothing changed, on an architecture or a kernel without filters.
    """
    try:
        lines = program(platform.machine(), may_start_threads)
    except KeyError:
        return False
    packed = b"".join(struct.pack("=HBBI", *line) for line in lines)
    filter_ = _Program(len(lines), packed)
    return bool(libc.prctl(_PR_SET_SECCOMP, _FILTER_MODE, ctypes.byref(filter_), 0, 0) == 0)
