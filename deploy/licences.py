"""Print the licence of every package that Affectline runs with, as a Markdown table: `python deploy/licences.py`.

Reads requirements.lock, requirements-s3.lock and the metadata of each installed package. Exits with status 1 when a package states
no licence, or one that has not been reviewed: see REVIEWED.
"""

import re
import sys
from importlib.metadata import PackageNotFoundError, files, metadata
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
LOCKS = ("requirements.lock", "requirements-s3.lock")

REVIEWED = (
    "0BSD",
    "Apache",
    "BSD",
    "HPND",
    "ISC",
    "LGPL",
    "MIT",
    "MPL",
    "PSF",
    "Python Software Foundation",
    "Unlicense",
    "Zlib",
    "ZPL",
)
"""Licences under which a clinic may run the packages unchanged. LGPL and MPL add duties only for changes to a package itself."""
IN_FILES = {"Apache License, Version 2.0": "Apache-2.0", "Permission is hereby granted, free of charge, to any": "MIT"}
"""Words at the beginning of a licence, for packages that state none."""
HEAD = """# Licences

Every package of requirements.lock and requirements-s3.lock with the licence that it states. Written by `make licences`; vendored
files (Plotly, the face detector, the demo's portraits) have their licence beside them.

| package | version | licence |
|---|---|---|"""
TEXT_MAX = 60


def locked() -> list[tuple[str, str]]:
    """Return name and version of each package in the locks."""
    text = "".join((PROJECT / lock).read_text() for lock in LOCKS)
    return sorted(set(re.findall(r"^([a-z0-9._-]+)==([^ ;]+)", text, re.MULTILINE | re.IGNORECASE)))


def licence_of(name: str) -> str:
    """Return the licence that the installed package states; empty without one, a remark when the package is not installed."""
    try:
        facts = metadata(name)
    except PackageNotFoundError:
        return "not for this platform"
    classified = [each.rpartition(" :: ")[2] for each in facts.get_all("Classifier") or [] if each.startswith("License :: OSI")]
    stated = (facts["License"] or "").strip().splitlines() if "License" in facts else []
    expression = facts.get_all("License-Expression", [""])[0]
    return expression or ", ".join(classified) or (stated[0][:TEXT_MAX] if stated else "") or in_its_file(name)


def in_its_file(name: str) -> str:
    """Return the licence with which the package's LICENSE file begins, if it is one of IN_FILES; otherwise empty."""
    begins = [path.read_text()[:400] for path in files(name) or [] if path.name.startswith("LICENSE")]
    return next((licence for words, licence in IN_FILES.items() if any(words in text for text in begins)), "")


def main() -> int:
    """Print the table; return 1 when a licence was not reviewed."""
    print(HEAD)
    unreviewed = []
    for name, version in locked():
        licence = licence_of(name)
        print(f"| {name} | {version} | {licence} |")
        if licence != "not for this platform" and not any(each in licence for each in REVIEWED):
            unreviewed.append(f"{name}: {licence or 'nothing stated'}")
    print(*(f"not reviewed: {each}" for each in unreviewed), sep="\n", end="\n" if unreviewed else "", file=sys.stderr)
    return 1 if unreviewed else 0


if __name__ == "__main__":
    sys.exit(main())
