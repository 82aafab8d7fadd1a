"""Finds every text that code and templates pass to gettext."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation.template import templatize

PROJECT = Path(__file__).resolve().parents[2]
FOLDERS = ("clinic", "demo", "patients", "inference")
# How many of the first arguments are texts, and whether a context comes before them.
CALLS = {
    **dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop"), (1, False)),
    **dict.fromkeys(("ngettext", "ngettext_lazy"), (2, False)),
    **dict.fromkeys(("pgettext", "pgettext_lazy"), (2, True)),
    **dict.fromkeys(("npgettext", "npgettext_lazy"), (3, True)),
}
LITERAL = r"u?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")"
IN_TEMPLATE = re.compile(rf"\b(_|n?p?gettext)\(\s*((?:{LITERAL}\s*,?\s*)+)")


@dataclass(frozen=True)
class Text:
    """One text. `plural` and `context` are empty for most; `context` distinguishes equal texts of different meaning."""

    text: str
    plural: str = ""
    context: str = ""


def texts() -> dict[Text, list[str]]:
    """Return every text with the files in which it appears, in the order of the files."""
    found: dict[Text, list[str]] = {}
    for path in _files():
        source = path.read_text(encoding="utf-8")
        of_file = in_code(source) if path.suffix == ".py" else in_template(source)
        name = path.relative_to(PROJECT).as_posix()
        for text in of_file:
            files = found.setdefault(text, [])
            if name not in files:
                files.append(name)
    return found


def in_code(source: str) -> Iterator[Text]:
    """Yield the texts of Python code, in order."""
    calls = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call)]
    for call in sorted(calls, key=lambda node: (node.lineno, node.col_offset)):
        name = call.func.id if isinstance(call.func, ast.Name) else getattr(call.func, "attr", "")
        strings = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
        if name in CALLS and len(strings) >= CALLS[name][0]:
            yield _text(strings, *CALLS[name])


def in_template(source: str) -> Iterator[Text]:
    """Yield the texts of a Django template, in order."""
    for call in IN_TEMPLATE.finditer(templatize(source)):
        strings = [ast.literal_eval(each) for each in re.findall(LITERAL, call[2])]
        yield _text(strings, *CALLS[call[1]])


def _text(strings: list[str], count: int, has_context: bool) -> Text:
    context, *forms = strings[:count] if has_context else ["", *strings[:count]]
    return Text(forms[0], forms[1] if len(forms) > 1 else "", context)


def _files() -> list[Path]:
    code = [path for folder in FOLDERS for path in sorted((PROJECT / folder).rglob("*.py")) if "migrations" not in path.parts]
    return [*code, *sorted((PROJECT / "templates").rglob("*.html")), *sorted((PROJECT / "templates").rglob("*.txt"))]
