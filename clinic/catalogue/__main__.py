"""Bring the translations up to date: `python -m clinic.catalogue`. Prints the texts without a translation."""

import sys

from clinic.catalogue import po
from clinic.catalogue.sources import texts


def main() -> int:
    """Write the .po and the .mo file of each language; return 1 while a text has no translation."""
    found, is_complete = texts(), True
    for language in po.PLURAL:
        path = po.path_of(language)
        translations = po.read(path)
        catalogue = po.catalogue(language, translations, found)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(str(catalogue), encoding="utf-8")
        path.with_suffix(".mo").write_bytes(catalogue.to_binary())
        missing = [text.text for text in found if not all(translations.get(text, ("",)))]
        sys.stdout.write(f"{language}: {len(found)} texts, {len(missing)} without a translation\n")
        sys.stdout.writelines(f"  {text!r}\n" for text in missing)
        is_complete = is_complete and not missing
    return 0 if is_complete else 1


if __name__ == "__main__":
    sys.exit(main())
