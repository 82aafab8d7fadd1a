"""Every text that code and templates hand to gettext."""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from django.utils.translation.template import templatize

PROJECT = Path(__file__).resolve().parents[2]
ROOMS = ("clinic", "patients", "inference")
# How many of the first arguments are texts, and whether the very first one is a context.
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
    """One text: `plural` is empty for most, `context` tells equal texts of different meaning apart."""

    text: str
    plural: str = ""
    context: str = ""


def texts() -> dict[Text, list[str]]:
    """Return every text with the files it appears in, in the order of the files."""
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
        words = [word.value for word in call.args if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        if name in CALLS and len(words) >= CALLS[name][0]:
            yield _text(words, *CALLS[name])


def in_template(source: str) -> Iterator[Text]:
    """Yield the texts of a Django template, in order."""
    for call in IN_TEMPLATE.finditer(templatize(source)):
        words = [ast.literal_eval(word) for word in re.findall(LITERAL, call[2])]
        yield _text(words, *CALLS[call[1]])


def _text(words: list[str], count: int, has_context: bool) -> Text:
    context, *words = words[:count] if has_context else ["", *words[:count]]
    return Text(words[0], words[1] if len(words) > 1 else "", context)


def _files() -> list[Path]:
    code = [path for room in ROOMS for path in sorted((PROJECT / room).rglob("*.py")) if "migrations" not in path.parts]
    return [*code, *sorted((PROJECT / "templates").rglob("*.html")), *sorted((PROJECT / "templates").rglob("*.txt"))]
