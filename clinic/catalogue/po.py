"""Translations as a text file that people edit (.po) and as the file that Django reads (.mo)."""

import ast
import struct
from collections.abc import Mapping
from pathlib import Path

from clinic.catalogue.sources import PROJECT, Text

GERMAN = PROJECT / "locale" / "de" / "LC_MESSAGES" / "django.po"
HEADER = (
    "Content-Type: text/plain; charset=UTF-8\n"
    "Content-Transfer-Encoding: 8bit\n"
    "Language: de\n"
    "MIME-Version: 1.0\n"
    "Plural-Forms: nplurals=2; plural=(n != 1);\n"
)
MAGIC = 0x950412DE
Translations = dict[Text, tuple[str, ...]]
"""One translation for a text, two where it has a plural."""


def read(path: Path) -> Translations:
    """Return the translations in a .po file; empty strings where somebody has still to write one."""
    found: Translations = {}
    for block in path.read_text(encoding="utf-8").split("\n\n") if path.exists() else []:
        fields = _fields(block)
        if fields.get("msgid"):
            text = Text(fields["msgid"], fields.get("msgid_plural", ""), fields.get("msgctxt", ""))
            names = ("msgstr[0]", "msgstr[1]") if text.plural else ("msgstr",)
            found[text] = tuple(fields.get(name, "") for name in names)
    return found


def written(translations: Translations, files: Mapping[Text, list[str]]) -> str:
    """Return the .po file of all texts in `files`; texts that nobody shows any more are left out."""
    blocks = [f'msgid ""\nmsgstr ""\n{_lines(HEADER)}']
    for text, names in files.items():
        done = translations.get(text) or ("",) * (2 if text.plural else 1)
        lines = [f"#: {name}" for name in names]
        lines += [f"msgctxt {_quoted(text.context)}"] if text.context else []
        lines += [f"msgid {_quoted(text.text)}"]
        if text.plural:
            lines += [f"msgid_plural {_quoted(text.plural)}"]
            lines += [f"msgstr[{k}] {_quoted(form)}" for k, form in enumerate(done)]
        else:
            lines += [f"msgstr {_quoted(done[0])}"]
        blocks.append("\n".join(lines))
    return "\n\n".join(blocks) + "\n"


def compiled(translations: Translations) -> bytes:
    """Return the .mo file: gettext's binary table, sorted by key, without what is not translated."""
    table = {b"": HEADER.encode()}
    for text, forms in translations.items():
        if all(forms):
            key = f"{text.key}\x00{text.plural}" if text.plural else text.key
            table[key.encode()] = "\x00".join(forms).encode()
    keys = sorted(table)
    values = [table[key] for key in keys]
    count, head = len(keys), 7 * 4
    at = head + 16 * count
    index, body = b"", b""
    for group in (keys, values):
        for each in group:
            index += struct.pack("<II", len(each), at + len(body))
            body += each + b"\x00"
    return struct.pack("<7I", MAGIC, 0, count, head, head + 8 * count, 0, at) + index + body


def _fields(block: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    name = ""
    for line in block.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if not line.startswith('"'):
            name, line = line.split(" ", 1)
            fields[name] = ""
        fields[name] += str(ast.literal_eval(line.strip()))
    return fields


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _lines(text: str) -> str:
    return "\n".join(_quoted(line) for line in text.splitlines(keepends=True))
