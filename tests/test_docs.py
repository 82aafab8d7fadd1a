"""The documents match the code: what they list exists, and what exists is listed."""

import ast
import re
from fnmatch import fnmatch

from django.core.management import get_commands

from patients.consent.consent import consent_text
from tests.documents import PROJECT, SCREENSHOTS, documents, pictures_shown

README = (PROJECT / "README.md").read_text()
README_MOST_WORDS = 900
OPERATORS = (PROJECT / "docs" / "operators.md").read_text()
CONTRIBUTING = (PROJECT / "CONTRIBUTING.md").read_text()
MAKEFILE = (PROJECT / "Makefile").read_text()
PACKAGES_OF_ROOMS = ("patients", "ml", "inference", "encryption")


def section(text: str, title: str) -> str:
    """Return the part of a document under a heading."""
    return text.split(f"\n## {title}\n", 1)[1].split("\n## ", 1)[0]


def first_cells(table: str) -> list[str]:
    """Return the names in backticks that begin the rows of a Markdown table."""
    return re.findall(r"^\| `(\w+)`", table, re.MULTILINE)


def variables_read() -> set[str]:
    """Return every environment variable that settings, supervisor and web server read by name."""
    names: set[str] = set()
    readers = {"env_str", "env_bool", "env_int", "env_list", "env_choices", "secret"}
    files = [PROJECT / "clinic" / name for name in ("settings.py", "oidc.py", "stores.py", "behind_proxy.py")]
    for node in (node for file in files for node in ast.walk(ast.parse(file.read_text()))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in readers:
            names |= {node.args[0].value for _ in [0] if isinstance(node.args[0], ast.Constant)}  # type: ignore[misc]  # str
    serve = (PROJECT / "clinic" / "serve.py").read_text()
    return names | set(re.findall(r'os\.environ(?:\.get\(|\[)"(\w+)"', serve))


def test_operators_page_lists_every_setting_and_no_other() -> None:
    listed = first_cells(section(OPERATORS, "Settings"))
    assert sorted(listed) == sorted(variables_read())


def test_readme_is_short() -> None:
    assert len(README.split()) < README_MOST_WORDS


def test_readme_names_the_two_commands_that_exist() -> None:
    for command in ("make run", "make test"):
        assert f"\n    {command}\n" in README
        assert re.search(rf"^{command.removeprefix('make ')}:", MAKEFILE, re.MULTILINE)


def test_every_make_target_in_the_documents_exists() -> None:
    named = {name for path in documents() for name in re.findall(r"(?:`|^    )make ([a-z-]+)", path.read_text(), re.MULTILINE)}
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    assert named <= targets


def test_continuous_integration_runs_the_readmes_test_command() -> None:
    assert (PROJECT / ".ci" / "run").read_text().splitlines()[-1] == "make test"


def test_walk_table_names_functions_that_exist() -> None:
    walk = section(README, "The walk of one photo")
    rows = re.findall(r"^\| \w+ \| `([\w/]+(?:\.py)?)` \| `(?:(\w+)\.)?(\w+)", walk, re.MULTILINE)
    assert len(rows) >= 10
    for place, owner, function in rows:
        path = PROJECT / place
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        source = "\n".join(file.read_text() for file in files)
        assert re.search(rf"^\s*(def|class) {function}\b", source, re.MULTILINE), f"{place} has no {function}"
        assert not owner or f"class {owner}" in source


def test_relative_links_lead_somewhere() -> None:
    broken = []
    for document in documents():
        for target in re.findall(r"\]\(([^)#]+)", document.read_text()):
            if "://" not in target and not (document.parent / target).exists():
                broken.append(f"{document.name}: {target}")
    assert broken == []


def test_links_to_a_heading_lead_to_one() -> None:
    broken = []
    for document in documents():
        for target, anchor in re.findall(r"\]\(([^)#:]*)#([^)]+)\)", document.read_text()):
            text = (document.parent / target).read_text() if target else document.read_text()
            headings = [
                re.sub(r"[^\w -]", "", each.lower()).replace("-", " ") for each in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
            ]
            if anchor.replace("-", " ") not in headings:
                broken.append(f"{document.name}: {target}#{anchor}")
    assert broken == []


def test_index_lists_every_document() -> None:
    index = (PROJECT / "docs" / "README.md").read_text()
    listed = {(PROJECT / "docs" / target).resolve() for target in re.findall(r"\]\(([^)#]+)", index)}
    assert [path.name for path in (PROJECT / "docs").rglob("*.md") if path not in listed and path.name != "README.md"] == []


def test_every_picture_is_shown_and_every_shown_picture_exists() -> None:
    assert pictures_shown() == {path.name for path in SCREENSHOTS.iterdir()}


def on_the_map() -> set[str]:
    """Return every folder and file that the tables of the map in CONTRIBUTING.md name."""
    return set(re.findall(r"^\| `([\w./]+)` \|", section(CONTRIBUTING, "The map"), re.MULTILINE))


def in_the_tree() -> set[str]:
    """Return the folders at the top, and the folders and modules of the packages that have rooms; without what git ignores."""
    ignored = [".git", *(line.strip("/") for line in (PROJECT / ".gitignore").read_text().splitlines())]
    folders = [path.name for path in PROJECT.iterdir() if path.is_dir()]
    found = {f"{name}/" for name in folders if not any(fnmatch(name, each) for each in ignored)}
    for package in PACKAGES_OF_ROOMS:
        for path in (PROJECT / package).iterdir():
            if path.name not in ("__init__.py", "__pycache__"):
                found.add(f"{package}/{path.name}/" if path.is_dir() else f"{package}/{path.name}")
    return found


def test_map_in_contributing_matches_the_tree() -> None:
    assert on_the_map() == in_the_tree()


def test_project_names_its_licence() -> None:
    assert (PROJECT / "LICENSE").read_text().lstrip().startswith("Apache License")
    assert '\nlicense = "Apache-2.0"\nlicense-files = ["LICENSE"]\n' in (PROJECT / "pyproject.toml").read_text()


def test_every_name_in_the_glossary_is_in_the_code() -> None:
    glossary = (PROJECT / "docs" / "glossary.md").read_text()
    names = {name for row in re.findall(r"^\|.*\|.*\|(.*)\|$", glossary, re.MULTILINE) for name in re.findall(r"`([\w./]+)`", row)}
    assert len(names) > 40
    code = "\n".join(path.read_text() for room in ("clinic", *PACKAGES_OF_ROOMS) for path in (PROJECT / room).rglob("*.py"))
    known = set(re.findall(r"\w+", code))
    assert [name for name in names if not (PROJECT / name).exists() and not set(name.split(".")) <= known] == []


def test_lock_files_name_no_address() -> None:
    for name in ("", "-serve", "-s3", "-dev", "-audit"):
        lock = (PROJECT / f"requirements{name}.lock").read_text()
        assert "--hash=sha256:" in lock
        assert "://" not in lock
        assert "index-url" not in lock


def test_every_test_that_a_document_names_exists() -> None:
    named = {each for path in documents() for each in re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", path.read_text())}
    assert len(named) > 70
    missing = [f"{path}::{name}" for path, name in named if f"\ndef {name}(" not in (PROJECT / path).read_text()]
    assert missing == []


def test_every_management_command_in_the_documents_exists() -> None:
    command = re.compile(r"(?:`|^    )deploy/manage ([a-z_]+)", re.MULTILINE)
    named = {name for path in documents() for name in command.findall(path.read_text())}
    assert len(named) > 10
    assert named <= set(get_commands())


def test_ai_act_page_quotes_the_consent_words_in_use() -> None:
    page = (PROJECT / "docs" / "ai-act.md").read_text()
    quote = " ".join(line.removeprefix("> ") for line in page.splitlines() if line.startswith("> "))
    assert quote == consent_text("care")


def test_every_row_of_security_names_a_clause_and_a_test() -> None:
    rows = re.findall(r"^\| (.+) \| (.+) \| (.+) \|$", (PROJECT / "docs" / "security.md").read_text(), re.MULTILINE)
    rows = [row for row in rows if row[0] not in ("what holds",)]
    assert len(rows) > 45
    clause = re.compile(r"V\d+\.\d+\.\d+|164\.\d{3}|Art\. \d+")
    assert [what for what, clauses, tests in rows if not clause.search(clauses) or "::test_" not in tests] == []
