"""Runs a command under the restrictions of a systemd unit that a kernel can enforce without systemd.

`python -m tests.engines.unit_filter UNIT COMMAND...` applies SystemCallFilter=, RestrictNamespaces=, RestrictAddressFamilies=,
MemoryDenyWriteExecute= and NoNewPrivileges= of the unit file, as systemd translates them, and becomes the command.
"""

import ctypes
import errno
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_ALLOW, _REFUSE = 0x7FFF0000, 0x00050000  # seccomp.h; the error number is added to the second
_EQUAL, _MASKED_EQUAL = 4, 7  # enum scmp_compare
_PR_SET_NO_NEW_PRIVS, _PR_SET_MDWE, _PR_MDWE_REFUSE_EXEC_GAIN = 38, 65, 1  # linux/prctl.h
_NAMESPACES = {
    "mnt": 0x00020000,
    "cgroup": 0x02000000,
    "uts": 0x04000000,
    "ipc": 0x08000000,
    "user": 0x10000000,
    "pid": 0x20000000,
    "net": 0x40000000,
}


class _Comparison(ctypes.Structure):
    """`struct scmp_arg_cmp`: one condition on an argument of a system call."""

    _fields_ = (("arg", ctypes.c_uint), ("op", ctypes.c_int), ("a", ctypes.c_uint64), ("b", ctypes.c_uint64))


class Filter:
    """A seccomp filter that answers `default` unless a rule says otherwise."""

    def __init__(self, default: int) -> None:
        self.library = ctypes.CDLL("libseccomp.so.2")
        self.library.seccomp_init.restype = ctypes.c_void_p
        self.context = ctypes.c_void_p(self.library.seccomp_init(ctypes.c_uint32(default)))

    def add(self, action: int, call: str, comparison: _Comparison | None = None) -> None:
        """Answer the call `call`, where the comparison holds, with `action`. A call that this computer lacks is left out."""
        number = self.library.seccomp_syscall_resolve_name(call.encode())
        if number >= 0:
            rules = (_Comparison * 1)(comparison) if comparison else None
            failed = self.library.seccomp_rule_add_array(self.context, ctypes.c_uint32(action), number, int(bool(rules)), rules)
            assert not failed, f"{call}: {os.strerror(-failed)}"

    def load(self) -> None:
        """Confine this process, and all that it starts."""
        failed = self.library.seccomp_load(self.context)
        assert not failed, os.strerror(-failed)


def directives(unit: Path) -> dict[str, list[str]]:
    """Return the values of each directive of a unit file, in order."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^([A-Za-z]+)=(.*)$", unit.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def calls_in(name: str) -> Iterator[str]:
    """Yield the system calls of a group such as @process, or the call itself."""
    if not name.startswith("@"):
        yield name
        return
    listed = subprocess.run(("systemd-analyze", "syscall-filter", name), capture_output=True, text=True, check=True).stdout
    for each in listed.split("\n")[1:]:
        if each.strip() and not each.strip().startswith("#"):
            yield from calls_in(each.strip())


def allowed_calls(lines: list[str]) -> set[str]:
    """Return the calls that the lines of SystemCallFilter= leave. Each line allows its calls or, with ~, forbids them."""
    allowed = {call for name in calls_in("@default") for call in calls_in(name)}
    for line in lines:
        calls = {call for name in line.removeprefix("~").split() for call in calls_in(name)}
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


def docker_profile(unit: Path) -> dict[str, Any]:  # Any: JSON
    """Return the seccomp profile for Docker that allows what the unit does: its calls, and its namespaces."""
    found = directives(unit)
    allowed = allowed_calls(found["SystemCallFilter"]) - {"clone", "clone3", "unshare", "setns"}
    forbidden = sum(flag for name, flag in _NAMESPACES.items() if name not in found["RestrictNamespaces"][0].split())
    without = {"index": 0, "value": forbidden, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    return {
        "defaultAction": "SCMP_ACT_ERRNO",
        "defaultErrnoRet": errno.EPERM,
        "syscalls": [
            {"names": sorted(allowed), "action": "SCMP_ACT_ALLOW"},
            {"names": ["clone", "unshare"], "action": "SCMP_ACT_ALLOW", "args": [without]},
            {"names": ["clone3"], "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS},
        ],
    }


def restrict(unit: Path) -> None:
    """Apply the restrictions of the unit to this process."""
    found = directives(unit)
    allowed = allowed_calls(found["SystemCallFilter"])
    libc = ctypes.CDLL(None, use_errno=True)
    assert found["NoNewPrivileges"] == found["MemoryDenyWriteExecute"] == ["yes"]
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_SET_MDWE, _PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0)  # from Linux 6.3
    kept = set(found["RestrictNamespaces"][0].split())
    special = Filter(_ALLOW)
    for name, flag in _NAMESPACES.items():
        if name not in kept:
            for call, argument in (("unshare", 0), ("clone", 0), ("setns", 1)):
                special.add(_REFUSE | errno.EPERM, call, _Comparison(argument, _MASKED_EQUAL, flag, flag))
    special.add(_REFUSE | errno.ENOSYS, "clone3")  # its flags cannot be seen by a filter
    families = {getattr(socket, name) for name in found["RestrictAddressFamilies"][0].split()}
    for family in set(range(46)) - families:
        special.add(_REFUSE | errno.EAFNOSUPPORT, "socket", _Comparison(0, _EQUAL, family, 0))
    main = Filter(_REFUSE | errno.EPERM)
    for call in sorted(allowed | {"seccomp"}):  # seccomp: to load the second filter
        main.add(_ALLOW, call)
    main.load()
    special.load()


if __name__ == "__main__":
    restrict(Path(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
