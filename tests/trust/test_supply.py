"""What is installed: every package is locked by hash, and has a reviewed licence in the list of licences."""

import importlib.util
import json
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROJECT = Path(__file__).resolve().parent.parent.parent


def script(name: str) -> ModuleType:
    """Return a file of deploy/, which is a script and no package."""
    spec = importlib.util.spec_from_file_location(name, PROJECT / "deploy" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_locked_package_stands_in_the_list_of_licences() -> None:
    listed = re.findall(r"^\| ([a-z0-9._-]+) \| (\S+) \| (.+) \|$", (PROJECT / "docs" / "licences.md").read_text(), re.MULTILINE)
    listed = listed[1:]  # the header
    assert len(listed) > 50
    assert [(name, version) for name, version, _licence in listed] == script("licences").locked()
    known = (*script("licences").REVIEWED, "not for this platform")
    assert [name for name, _version, licence in listed if not any(each in licence for each in known)] == []


def test_licence_is_read_from_the_package_itself() -> None:
    module = script("licences")
    assert module.licence_of("django").startswith("BSD")
    assert module.licence_of("no-such-package") == "not for this platform"


def test_every_line_of_every_lock_has_a_hash() -> None:
    for name in ("", "-serve", "-s3", "-dev", "-audit"):
        blocks = re.split(r"\n(?=[a-z0-9])", (PROJECT / f"requirements{name}.lock").read_text(), flags=re.IGNORECASE)
        assert [block.splitlines()[0] for block in blocks if "==" in block and "--hash=sha256:" not in block] == []


# As pip-audit writes it: one package without a fault, one with, one that the service does not know.
LOOKED_UP: dict[str, list[Any]] = {
    "dependencies": [
        {"name": "django", "version": "5.2.9", "vulns": []},
        {
            "name": "pillow",
            "version": "12.0",
            "vulns": [{"id": "PYSEC-1", "fix_versions": ["12.1"]}],
        },
        {"name": "rare", "skip_reason": "Dependency not found on PyPI and could not be audited: rare (1.0)"},
    ]
}
KNOWN = {"dependencies": LOOKED_UP["dependencies"][:1]}
LOCK = "django==5.2.9 \\\n    --hash=sha256:0\npillow==12.0 \\\n    --hash=sha256:0\nrare==1.0 ; python_version < '3.14' \\\n"


@pytest.mark.parametrize(
    ("lock", "reports", "status", "told"),
    [
        ("django==5.2.9", {"pypi": LOOKED_UP}, 1, "pillow 12.0: PYSEC-1, repaired in 12.1"),
        ("django==5.2.9", {"pypi": KNOWN}, 0, "nothing known"),
        (
            LOCK,
            {"pypi": {"dependencies": LOOKED_UP["dependencies"][:1]}},
            3,
            "not looked up, 2 packages:\n  pillow 12.0\n  rare 1.0",
        ),
        (LOCK, {}, 3, "not looked up, 3 packages:\n  django 5.2.9\n"),  # no network
        ("rare==1.0", {"osv": {"dependencies": [{"name": "rare", "version": "1.0", "vulns": []}]}}, 0, "nothing known"),
    ],
)
def test_audit_runs_to_its_end_and_says_what_it_could_not_look_up(
    lock: str,
    reports: dict[str, Any],
    status: int,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    audit = script("audit")
    for service in audit.SERVICES:  # what pip-audit prints for each service, or nothing
        (tmp_path / service).write_text(json.dumps(reports[service]) if service in reports else "")
    (tmp_path / "pip-audit").write_text(f'#!/bin/sh\ncat {tmp_path}/$2\necho "no address for $2" >&2\n')
    (tmp_path / "bandit").write_text("#!/bin/sh\n")
    for tool in ("pip-audit", "bandit"):
        (tmp_path / tool).chmod(0o700)
    monkeypatch.setattr(audit, "TOOLS", tmp_path)
    monkeypatch.setattr(audit, "licences_are_listed", lambda: True)
    (tmp_path / "lock").write_text(lock)
    monkeypatch.setattr(audit, "LOCKS", (str(tmp_path / "lock"),))
    assert audit.main() == status
    printed = capsys.readouterr().out
    assert told in printed
    assert ("osv does not answer: no address for osv" in printed) == (status == 3)
