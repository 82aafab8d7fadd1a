"""The documents against the code: what they list exists, and what exists is listed."""

import ast
import re
from pathlib import Path

from ml.decode.rebuild import RejectedPhoto
from patients.photos.receive import MESSAGES

PROJECT = Path(__file__).resolve().parent.parent
README = (PROJECT / "README.md").read_text()
MAKEFILE = (PROJECT / "Makefile").read_text()


def section(title: str) -> str:
    """Return the part of the README under a heading."""
    return README.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def first_cells(table: str) -> list[str]:
    """Return the names in backticks that begin the rows of a Markdown table."""
    return re.findall(r"^\| `(\w+)`", table, re.MULTILINE)


def variables_read() -> set[str]:
    """Return every environment variable that settings, supervisor and model read by name."""
    names: set[str] = set()
    readers = {"env_str", "env_bool", "env_int", "env_list", "secret"}
    for node in ast.walk(ast.parse((PROJECT / "clinic" / "settings.py").read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in readers:
            names |= {node.args[0].value for _ in [0] if isinstance(node.args[0], ast.Constant)}  # type: ignore[misc]  # str
    serve = (PROJECT / "clinic" / "serve.py").read_text()
    return names | set(re.findall(r'os\.environ(?:\.get\(|\[)"(\w+)"', serve))


def test_readme_lists_every_setting_and_no_other() -> None:
    listed = first_cells(section("Settings"))
    assert sorted(listed) == sorted(variables_read())


def test_readme_names_the_two_commands_that_exist() -> None:
    for command in ("make run", "make test"):
        assert f"\n    {command}\n" in README
        assert re.search(rf"^{command.removeprefix('make ')}:", MAKEFILE, re.MULTILINE)


def test_every_make_target_in_the_documents_exists() -> None:
    texts = [README, *(path.read_text() for path in (PROJECT / "docs").rglob("*.md"))]
    named = {name for text in texts for name in re.findall(r"`make ([a-z-]+)", text)}
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert named <= targets


def test_continuous_integration_runs_the_readmes_test_command() -> None:
    assert (PROJECT / ".ci" / "run").read_text().splitlines()[-1] == "make test"


def test_walk_table_names_functions_that_exist() -> None:
    rows = re.findall(r"^\| \w+ \| `([\w/]+(?:\.py)?)` \| `(?:(\w+)\.)?(\w+)", section("The walk of one photo"), re.MULTILINE)
    assert len(rows) >= 10
    for place, owner, function in rows:
        path = PROJECT / place
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        source = "\n".join(file.read_text() for file in files)
        assert re.search(rf"^\s*(def|class) {function}\b", source, re.MULTILINE), f"{place} has no {function}"
        assert not owner or f"class {owner}" in source


def codes_raised() -> set[str]:
    """Return every code that is written in a `RejectedPhoto("...")` of the code."""
    found: set[str] = set()
    for room in ("ml", "patients"):
        for path in (PROJECT / room).rglob("*.py"):
            found |= set(re.findall(rf'{RejectedPhoto.__name__}\(\s*"(\w+)"', path.read_text()))
    return found


def test_upload_codes_are_documented_and_have_a_sentence() -> None:
    listed = first_cells((PROJECT / "docs" / "upload-codes.md").read_text())
    assert sorted(listed) == sorted(MESSAGES)
    assert codes_raised() <= set(MESSAGES)


def test_relative_links_lead_somewhere() -> None:
    documents = [
        PROJECT / "README.md",
        PROJECT / "CHANGELOG.md",
        *(PROJECT / "docs").rglob("*.md"),
        *(PROJECT / "deploy").rglob("*.md"),
    ]
    broken = []
    for document in documents:
        for target in re.findall(r"\]\(([^)#]+)", document.read_text()):
            if "://" not in target and not (document.parent / target).exists():
                broken.append(f"{document.name}: {target}")
    assert broken == []


def test_lock_files_name_no_address() -> None:
    for name in ("requirements.lock", "requirements-dev.lock", "requirements-audit.lock"):
        lock = (PROJECT / name).read_text()
        assert "--hash=sha256:" in lock
        assert "://" not in lock
        assert "index-url" not in lock


def test_every_test_that_security_names_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", (PROJECT / "docs" / "security.md").read_text())
    assert len(named) > 70
    missing = [f"{path}::{name}" for path, name in named if f"\ndef {name}(" not in (PROJECT / path).read_text()]
    assert missing == []


def test_every_line_of_security_names_a_clause_and_a_test() -> None:
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", (PROJECT / "docs" / "security.md").read_text(), re.MULTILINE)
    rows = [row for row in rows if row[0] not in ("what holds",)]
    assert len(rows) > 45
    clause = re.compile(r"V\d+\.\d+\.\d+|164\.\d{3}|Art\. \d+")
    assert [what for what, clauses, tests in rows if not clause.search(clauses) or "::test_" not in tests] == []
