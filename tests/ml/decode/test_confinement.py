"""A hijacked decoder: what it tries, and that each layer refuses it, alone where the other layers are away."""

import ctypes
import errno
import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ml.decode.call_filter import CALLS, CLONE3, SET_FILTER, THREAD_CALLS, program
from ml.decode.confinement import LAYERS

on_linux = pytest.mark.skipif(sys.platform != "linux", reason="the layers are Linux's")
# Not skipped where a layer is missing: there the tests below fail, and name it.
ARM = platform.machine() == "aarch64"
TOOLS = """import ctypes, errno, mmap, os, signal, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    if libc.syscall(number, *arguments) == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
def told(attempt):
    try:
        attempt()
    except OSError as error:
        return errno.errorcode[error.errno]
    return "done"
"""


def confined(code: str, setup: str = "", without: tuple[str, ...] = ()) -> str:
    """Return what `code` prints in a process as confined as the decoder's, but for the layers in `without`."""
    script = f"""{TOOLS}
{setup}
from ml.decode.confinement import *
limit_process()
for name in {without!r}:
    del LAYERS[name]
held = confine_process()
{code}"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout.strip() or done.stderr.strip().splitlines()[-1]


@on_linux
def test_every_layer_holds_on_this_computer() -> None:
    assert set(confined("print(*held)").split()) == set(LAYERS)


@on_linux
def test_no_socket_of_any_family_is_made() -> None:
    kinds = "(socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_RAW, socket.SOCK_SEQPACKET)"
    attempts = f"{{told(lambda: socket.socket(family, kind)) for family in range(46) for kind in {kinds}}}"
    assert confined(f"os.close(0); print(*{attempts}, told(socket.socketpair))") == "EPERM EPERM"


@on_linux
@pytest.mark.parametrize(
    "attempt",
    [
        "ours.connect('/nowhere')",
        "ours.send(b'x')",
        "ours.sendmsg([b'x'])",
        "os.kill(os.getppid(), 0)",
        "os.kill(os.getpid(), signal.SIGTERM)",
        "call(131 if ARM else 234, os.getppid(), os.getppid(), 0)",  # tgkill
        "call(117 if ARM else 101, 16, os.getppid(), 0, 0)",  # ptrace, to attach
        "call(270 if ARM else 310, os.getppid(), 0, 0, 0, 0, 0)",  # process_vm_readv
        "call(271 if ARM else 311, os.getppid(), 0, 0, 0, 0, 0)",  # process_vm_writev
        "os.open(ours_too, os.O_RDONLY)",
        "os.stat(ours_too)",
        "os.chmod(ours_too, 0o777)",
        "os.fchmod(1, 0o777)",
        "os.chown(ours_too, 0, 0)",
        "os.utime(ours_too)",
        "os.utime(1)",
        "os.rename(ours_too, ours_too + 'x')",
        "os.unlink(ours_too)",
        "os.mkdir('/tmp/never')",
        "os.listdir('/')",
        "os.fork()",
        "os.execv('/bin/true', ['true'])",
        "os.pipe()",
        "os.dup(1)",
        "os.memfd_create('x')",
        "mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)",
        "call(425, 8, 0)",  # io_uring_setup
        "call(217 if ARM else 248, b'user', b'x', b'x', 1, -3)",  # add_key
        "call(219 if ARM else 250, 0, -3, 0)",  # keyctl
        "call(280 if ARM else 321, 0, 0, 0)",  # bpf
        "call(241 if ARM else 298, 0, 0, -1, -1, 0)",  # perf_event_open
        "call(282 if ARM else 323, 0)",  # userfaultfd
        "call(40 if ARM else 165, b'none', b'/tmp', b'tmpfs', 0, 0)",  # mount
        "call(97 if ARM else 272, 0x10000000)",  # unshare
        "call(434, os.getppid(), 0)",  # pidfd_open
        "os.setpriority(os.PRIO_PROCESS, 0, 5)",
        "os.sched_setaffinity(0, {0})",
    ],
)
def test_hijacked_decoder_is_refused(attempt: str, tmp_path: Path) -> None:
    (tmp_path / "ours").touch()
    setup = f"ARM = {ARM}; ours = socket.socketpair()[0]; ours_too = {str(tmp_path / 'ours')!r}"
    assert confined(f"os.close(0); print(told(lambda: {attempt}))", setup) == "EPERM"


@on_linux
def test_every_other_call_is_refused_whatever_its_number() -> None:
    # 335 and 336 are for probes alone: the kernel sends SIGILL to whatever else makes them, before any filter.
    allowed = {numbers[ARM] for numbers in CALLS.values()} | {335, 336}
    # As 64-bit calls, and as the calls of the x32 interface, which have a bit more.
    numbers = [number for number in range(600) if number not in allowed] + [number | 0x40000000 for number in range(600)]
    refusals = f"((number, told(lambda: call(number, 0, 0, 0, 0, 0, 0))) for number in {numbers})"
    code = f"print(*(each for each in {refusals} if each[1] != 'EPERM'))"
    assert confined(code) == f"({CLONE3}, 'ENOSYS')"


@on_linux
@pytest.mark.parametrize(
    ("without", "attempt", "refusal"),
    [
        (("seccomp",), "open('/etc/hostname')", "EMFILE"),
        (("seccomp",), "open('/tmp/never', 'w')", "EMFILE"),
        (("seccomp",), "socket.socket()", "EMFILE"),
        (("seccomp",), "os.pipe()", "EMFILE"),
        (("seccomp", "limits"), "os.open('/etc/hostname', os.O_RDONLY)", "EACCES"),
        (("seccomp", "limits"), "os.mkdir('/tmp/never')", "EACCES"),
        (("seccomp", "limits"), "os.listdir('/')", "EACCES"),
        (("seccomp", "limits"), "os.execv('/bin/true', ['true'])", "EACCES"),
        (("seccomp", "limits", "landlock"), "socket.socket(type=socket.SOCK_DGRAM).connect(('127.0.0.1', 9))", "ENETUNREACH"),
        (("seccomp", "limits", "landlock"), "socket.socket().connect(('127.0.0.1', 9))", "ENETUNREACH"),
        (("seccomp", "limits", "landlock"), "socket.sethostname('x')", "EPERM"),
    ],
)
def test_each_layer_refuses_without_those_after_it(without: tuple[str, ...], attempt: str, refusal: str) -> None:
    assert confined(f"print(told(lambda: {attempt}))", without=without) == refusal


@on_linux
def test_decoder_has_no_capability_in_any_namespace() -> None:
    code = "print(*(line for line in status.read().splitlines() if line.startswith('Cap')))"
    told = confined(code, "status = open('/proc/self/status')", without=("seccomp",))
    sets = dict(re.findall(r"(Cap\w+):\s*([0-9a-f]+)", told))
    assert {sets[name] for name in ("CapInh", "CapPrm", "CapEff")} == {"0" * 16}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can become another user")
def test_limits_alone_let_no_process_be_started() -> None:
    as_another_user = "import ml.decode.confinement\nos.setgroups([]); os.setgid(65534); os.setuid(65534)"
    assert confined("print(told(os.fork))", as_another_user, without=("seccomp",)) == "EAGAIN"


class Call:
    """A system call as a filter sees it: the values of `struct seccomp_data` by their offset."""

    def __init__(self, architecture: int, number: int, *arguments: int) -> None:
        self.at = {0: number, 4: architecture} | {16 + 8 * place: value for place, value in enumerate(arguments)}

    def answer(self, machine: str, may_start_threads: bool = False) -> str:
        """Return what the program of `machine` answers, line by line as the kernel runs it."""
        lines, at, value = program(machine, may_start_threads), 0, 0
        while True:
            code, when_true, when_false, operand = lines[at]
            if code == 0x06:
                return {0x7FFF0000: "allowed", 0x80000000: "killed"}.get(operand) or errno.errorcode[operand - 0x50000]
            if code == 0x20:
                value = self.at[operand]
                at += 1
            else:
                holds = value == operand if code == 0x15 else bool(value & operand)
                at += 1 + (when_true if holds else when_false)


@pytest.mark.parametrize("machine", SET_FILTER)
def test_filter_allows_its_list_on_both_architectures(machine: str) -> None:
    architecture, column = SET_FILTER[machine]

    def answers(may_start_threads: bool) -> set[int]:
        calls = (Call(architecture, number, 0x10000, 0, 0) for number in range(600))
        return {call.at[0] for call in calls if call.answer(machine, may_start_threads) == "allowed"}

    plain = {numbers[column] for numbers in CALLS.values()}
    assert answers(may_start_threads=False) == plain
    assert answers(may_start_threads=True) == plain | {numbers[column] for numbers in THREAD_CALLS.values()}
    foreign = {name: other for name, (other, _) in SET_FILTER.items() if name != machine} | {"i386": 0x40000003, "arm": 0x40000028}
    assert {Call(other, 0).answer(machine) for other in foreign.values()} == {"killed"}


@pytest.mark.parametrize("machine", SET_FILTER)
def test_memory_is_never_run_and_clone_makes_threads_alone(machine: str) -> None:
    architecture, column = SET_FILTER[machine]
    for name in ("mmap", "mprotect"):
        protections = [Call(architecture, CALLS[name][column], 0, 4096, bits).answer(machine) for bits in range(8)]
        assert protections == ["allowed"] * 4 + ["EPERM"] * 4

    def clone(flags: int) -> str:
        return Call(architecture, THREAD_CALLS["clone"][column], flags).answer(machine, may_start_threads=True)

    assert (clone(0x003D0F00), clone(0x007D0F00)) == ("allowed", "allowed")  # a thread of glibc, of musl
    # A process; a process that shares memory (vfork); a thread with a user or a network namespace of its own; one that is traced.
    hostile = (17, 0x4111, 0x003D0F00 | 0x10000000, 0x003D0F00 | 0x40000000, 0x003D0F00 | 0x2000)
    assert {clone(flags) for flags in hostile} == {"EPERM"}
    assert Call(architecture, CLONE3).answer(machine, may_start_threads=True) == "ENOSYS"


@on_linux
def test_numbers_of_the_calls_are_those_of_libseccomp() -> None:
    library = ctypes.CDLL("libseccomp.so.2")  # part of every Debian
    tokens = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
    for machine, (_, column) in SET_FILTER.items():
        found = {
            name: library.seccomp_syscall_resolve_name_arch(ctypes.c_uint32(tokens[machine]), name.encode())
            for name in CALLS | THREAD_CALLS
        }
        assert found == {name: numbers[column] for name, numbers in (CALLS | THREAD_CALLS).items()}
