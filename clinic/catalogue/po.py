"""Translations as a text file that people edit (.po) and as the file that Django reads (.mo). polib knows both formats."""

from collections.abc import Mapping
from pathlib import Path

import polib

from clinic.catalogue.sources import PROJECT, Text

GERMAN = PROJECT / "locale" / "de" / "LC_MESSAGES" / "django.po"
METADATA = {
    "Language": "de",
    "MIME-Version": "1.0",
    "Content-Type": "text/plain; charset=UTF-8",
    "Content-Transfer-Encoding": "8bit",
    "Plural-Forms": "nplurals=2; plural=(n != 1);",
}
Translations = dict[Text, tuple[str, ...]]
"""One translation for a text, two where it has a plural."""


def read(path: Path) -> Translations:
    """Return the translations in a .po file; empty strings where one is still missing."""
    entries = polib.pofile(str(path)) if path.exists() else []
    return {Text(entry.msgid, entry.msgid_plural, entry.msgctxt or ""): _forms(entry) for entry in entries}


def catalogue(translations: Translations, files: Mapping[Text, list[str]]) -> polib.POFile:
    """Return all texts in `files` with their translations; texts that no file has any more are left out."""
    # Not wrapped: a text that is searched for, or compared in a merge, stands on one line.
    made = polib.POFile(wrapwidth=0)
    made.metadata = METADATA
    for text, names in files.items():
        forms = translations.get(text) or ("",) * (2 if text.plural else 1)
        entry = polib.POEntry(msgid=text.text, msgctxt=text.context or None, occurrences=[(name, "") for name in names])
        if text.plural:
            entry.msgid_plural, entry.msgstr_plural = text.plural, dict(enumerate(forms))
        else:
            entry.msgstr = forms[0]
        made.append(entry)
    return made


def _forms(entry: polib.POEntry) -> tuple[str, ...]:
    return tuple(entry.msgstr_plural[k] for k in sorted(entry.msgstr_plural)) if entry.msgid_plural else (entry.msgstr,)
