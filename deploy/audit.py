"""Look at the code, the licences and the installed packages from outside: `python deploy/audit.py`, for `make audit`.

Every part runs to its end, whatever another found. Exits with status 1 when something was found, 3 when nothing was found but
packages could not be looked up, for example without a network, and 0 when all was looked at and nothing found.
"""

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parent.parent
TOOLS = PROJECT / ".audit" / "bin"
CODE = ("clinic", "demo", "patients", "inference", "encryption", "ml", "deploy", "manage.py")
LOCKS = ("requirements-dev.lock", "requirements-audit.lock")  # the first holds the other two
SERVICES = ("pypi", "osv")  # each is asked for what the one before does not know
FOUND, NOT_LOOKED_UP = 1, 3


def locked(lock: str) -> set[str]:
    """Return name and version of every package of a lock, such as `django 5.2.1`."""
    return {f"{name} {version}" for name, version in re.findall(r"^([a-z0-9._-]+)==([^\s;]+)", lock, re.MULTILINE)}


def judged(reports: Sequence[dict[str, Any]]) -> tuple[set[str], set[str]]:  # Any: JSON of pip-audit
    """Return the packages that one of the reports looked up, and what it knows against them, one line each."""
    looked_up, known = set(), set()
    for package in (each for report in reports for each in report["dependencies"] if "vulns" in each):
        name = f"{package['name']} {package['version']}"
        looked_up.add(name)
        for each in package["vulns"]:
            known.add(f"{name}: {each['id']}, repaired in {', '.join(each['fix_versions']) or 'no version yet'}")
    return looked_up, known


def report(lock: str, service: str) -> dict[str, Any]:  # Any: JSON
    """Return the report of pip-audit on a lock; an empty one when the service does not answer."""
    options = ("--disable-pip", "--require-hashes", "--progress-spinner", "off", "--format", "json")
    command = (str(TOOLS / "pip-audit"), "--vulnerability-service", service, *options, "--requirement", lock)
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    try:
        answer: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        print(f"{service} does not answer: {(done.stderr.strip().splitlines() or ['no reason given'])[-1][:200]}")
        return {"dependencies": []}
    return answer


def packages() -> tuple[set[str], set[str]]:
    """Return what is known against the packages of all locks, and the packages that no service could look up."""
    wanted = {name for lock in LOCKS for name in locked((PROJECT / lock).read_text())}
    looked_up: set[str] = set()
    known: set[str] = set()
    for service in SERVICES:
        if wanted - looked_up:
            found, against = judged([report(lock, service) for lock in LOCKS])
            looked_up |= found
            known |= against
    return known, wanted - looked_up


def passes(*command: str) -> bool:
    """Run a command that prints what it finds; return whether it found nothing."""
    return subprocess.run(command, cwd=PROJECT, check=False).returncode == 0


def licences_are_listed() -> bool:
    """Whether docs/licences.md is what deploy/licences.py prints."""
    made = subprocess.run((sys.executable, "deploy/licences.py"), cwd=PROJECT, capture_output=True, text=True, check=False)
    return made.returncode == 0 and made.stdout == (PROJECT / "docs" / "licences.md").read_text()


def main() -> int:
    """Run every part, say what each found, and return the exit status."""
    code = passes(str(TOOLS / "bandit"), "--quiet", "--recursive", "--configfile", "pyproject.toml", *CODE)
    licences = licences_are_listed()
    known, unknown = packages()
    print("code:", "nothing found" if code else "see above")
    print("licences:", "as listed" if licences else "docs/licences.md is not what `make licences` writes")
    print("packages:", *sorted(known) or ["nothing known against those that were looked up"], sep="\n  ")
    if unknown:
        print(f"not looked up, {len(unknown)} packages:", *sorted(unknown), sep="\n  ")
    return FOUND if known or not code or not licences else NOT_LOOKED_UP if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
