"""Bring the German translations up to date: `python -m clinic.catalogue`. Prints the texts without a translation."""

import sys

from clinic.catalogue import po
from clinic.catalogue.sources import texts


def main() -> int:
    """Write the .po and the .mo file; return 1 while a text has no translation."""
    found = texts()
    translations = po.read(po.GERMAN)
    catalogue = po.catalogue(translations, found)
    po.GERMAN.parent.mkdir(parents=True, exist_ok=True)
    po.GERMAN.write_text(str(catalogue), encoding="utf-8")
    po.GERMAN.with_suffix(".mo").write_bytes(catalogue.to_binary())
    missing = [text.text for text in found if not all(translations.get(text, ("",)))]
    sys.stdout.write(f"{len(found)} texts, {len(missing)} without a translation\n")
    sys.stdout.writelines(f"  {text!r}\n" for text in missing)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
