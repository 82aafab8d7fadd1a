"""What is installed: every package is locked by hash, and has a reviewed licence in the list of licences."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

PROJECT = Path(__file__).resolve().parent.parent.parent


def licences() -> ModuleType:
    """Return deploy/licences.py, which is a script and no package."""
    spec = importlib.util.spec_from_file_location("licences", PROJECT / "deploy" / "licences.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_locked_package_stands_in_the_list_of_licences() -> None:
    listed = re.findall(r"^\| ([a-z0-9._-]+) \| (\S+) \| (.+) \|$", (PROJECT / "docs" / "licences.md").read_text(), re.MULTILINE)
    listed = listed[1:]  # the header
    assert len(listed) > 50
    assert [(name, version) for name, version, _licence in listed] == licences().locked()
    known = (*licences().REVIEWED, "not for this platform")
    assert [name for name, _version, licence in listed if not any(each in licence for each in known)] == []


def test_licence_is_read_from_the_package_itself() -> None:
    module = licences()
    assert module.licence_of("django").startswith("BSD")
    assert module.licence_of("no-such-package") == "not for this platform"


def test_every_line_of_every_lock_has_a_hash() -> None:
    for name in ("requirements.lock", "requirements-serve.lock", "requirements-dev.lock", "requirements-audit.lock"):
        blocks = re.split(r"\n(?=[a-z0-9])", (PROJECT / name).read_text(), flags=re.IGNORECASE)
        assert [block.splitlines()[0] for block in blocks if "==" in block and "--hash=sha256:" not in block] == []
