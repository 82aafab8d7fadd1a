"""The architecture: a web process without TensorFlow, files and functions of readable size, no view that imports another."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent
ROOMS = ("clinic", "demo", "patients", "inference", "encryption", "ml", "tests", "benchmarks")
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 40
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "services.py", "managers.py", "signals.py"}
HEAVY = ("tensorflow", "keras", "torch")


def sources() -> Iterator[Path]:
    for room in ROOMS:
        yield from (path for path in sorted((PROJECT / room).rglob("*.py")) if "migrations" not in path.parts)


def loaded_by(statement: str) -> set[str]:
    """Return the modules that a fresh interpreter has loaded after `statement`."""
    code = f"{statement}\nimport sys; print(*sys.modules)"
    done = subprocess.run((sys.executable, "-c", code), cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True)
    return set(done.stdout.split())


def test_web_process_loads_no_network_library() -> None:
    loaded = loaded_by("import clinic.wsgi, clinic.urls")
    assert "django" in loaded
    assert loaded.isdisjoint(HEAVY)
    assert "onnxruntime" not in loaded
    assert loaded.isdisjoint({"statsmodels", "pandas", "scipy"})


@pytest.mark.parametrize("module", ["ml", "ml.serve.expressions", "ml.decode.rebuild"])
def test_ml_without_a_network_loads_no_network_library_and_no_django(module: str) -> None:
    loaded = loaded_by(f"import {module}")
    assert loaded.isdisjoint({*HEAVY, "onnxruntime", "django", "celery"})


def test_every_file_stays_readable() -> None:
    long = {str(path.relative_to(PROJECT)): len(path.read_text().splitlines()) for path in sources()}
    assert {name: lines for name, lines in long.items() if lines > MAX_FILE_LINES} == {}


def test_every_function_stays_readable() -> None:
    long = {}
    for path in sources():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
                lines = node.end_lineno - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    long[f"{path.relative_to(PROJECT)}:{node.name}"] = lines
    assert long == {}


def test_no_file_is_named_for_being_leftover() -> None:
    assert [str(path) for path in sources() if path.name in FORBIDDEN_NAMES] == []


def test_every_module_says_what_it_is() -> None:
    mute = [
        str(path.relative_to(PROJECT))
        for path in sources()
        if path.read_text().strip() and ast.get_docstring(ast.parse(path.read_text())) is None
    ]
    assert mute == []


def test_no_view_imports_another() -> None:
    shared = {f"patients.views.{name}" for name in ("lookups", "requests", "upload_answers")}
    imported = {
        f"{path.name}: {node.module}"
        for path in (PROJECT / "patients/views").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("patients.views.")
        if node.module not in shared
    }
    assert imported == set()


def test_templates_hold_no_inline_code_and_no_foreign_address() -> None:
    offences = []
    for path in sorted((PROJECT / "templates").rglob("*.html")):
        text = path.read_text()
        for sign in ("<style", "style=", "onclick=", "onload=", "onchange=", "javascript:", 'src="http', 'href="http', "<script>"):
            if re.search(rf"(?<![\w-]){re.escape(sign)}", text):  # data-allauth-onload is data
                offences.append(f"{path.relative_to(PROJECT)}: {sign}")
    assert offences == []
