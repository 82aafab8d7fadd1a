"""Translations as a text file for editing (.po) and as the compiled file that Django reads (.mo)."""

from collections.abc import Mapping
from pathlib import Path

import polib

from clinic.catalogue.sources import PROJECT, Text

PLURAL = {"de": "n != 1", "es": "n != 1", "fr": "n > 1"}
"""For each language when the second of its two forms is used; French says "0 photo"."""
Translations = dict[Text, tuple[str, ...]]
"""One translation for each text, two for a text with a plural."""


def path_of(language: str) -> Path:
    """Return where the translations into a language are kept."""
    return PROJECT / "locale" / language / "LC_MESSAGES" / "django.po"


def read(path: Path) -> Translations:
    """Return the translations in a .po file, with empty strings for missing ones; an empty dict when there is no file."""
    entries = polib.pofile(str(path)) if path.exists() else []
    return {Text(entry.msgid, entry.msgid_plural, entry.msgctxt or ""): _forms(entry) for entry in entries}


def catalogue(language: str, translations: Translations, files: Mapping[Text, list[str]]) -> polib.POFile:
    """Return a catalogue of the texts in `files` with their translations. Leaves out translations of other texts."""
    # Unwrapped, so that searches and merges see each text on one line.
    result = polib.POFile(wrapwidth=0)
    result.metadata = {
        "Language": language,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": f"nplurals=2; plural=({PLURAL[language]});",
    }
    for text, names in files.items():
        forms = translations.get(text) or ("",) * (2 if text.plural else 1)
        entry = polib.POEntry(msgid=text.text, msgctxt=text.context or None, occurrences=[(name, "") for name in names])
        if text.plural:
            entry.msgid_plural, entry.msgstr_plural = text.plural, dict(enumerate(forms))
        else:
            entry.msgstr = forms[0]
        result.append(entry)
    return result


def _forms(entry: polib.POEntry) -> tuple[str, ...]:
    return tuple(entry.msgstr_plural[k] for k in sorted(entry.msgstr_plural)) if entry.msgid_plural else (entry.msgstr,)
