"""The package of a study as one ZIP. The same data and key make the same bytes."""

from __future__ import annotations

import io
import zipfile
from hashlib import sha256
from pathlib import Path

from django.conf import settings

from patients.models import Study
from patients.reports.study.forms import FORMS, Files
from patients.reports.study.rows import StudyTables, study_tables
from patients.reports.study.texts import codebook, read_me

MODEL_CARD = Path(settings.BASE_DIR) / "docs" / "model-card.md"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The time of every file in the ZIP, the earliest that the format knows: the true one would differ each time."""


class NothingToExport(Exception):
    """None of the wanted tables can be exported."""


def package_files(made: StudyTables, form: str, wanted: frozenset[str] | None = None) -> Files:
    """Return the files of the package in one of FORMS. The participants are always in it. Raises NothingToExport."""
    tables = made.tables(None if wanted is None else wanted | {"participants"})
    if len(tables) < 1:
        raise NothingToExport
    name, write = FORMS[form]
    files = {"README.md": read_me(made, tables, name), "codebook.csv": codebook(made.study, tables), **write(made, tables)}
    if MODEL_CARD.exists():
        files["model-card.md"] = MODEL_CARD.read_bytes()
    sums = "".join(f"{sha256(content).hexdigest()}  {path}\n" for path, content in sorted(files.items()))
    return files | {"SHA256SUMS": sums.encode()}


def study_package(study: Study, form: str = "csv", wanted: frozenset[str] | None = None) -> bytes:
    """Return the package of the study as it is now. Raises TooFewPeople and NothingToExport."""
    return zipped(package_files(study_tables(study), form, wanted))


def zipped(files: Files) -> bytes:
    """Return the files as a ZIP, in the order of their names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, LONG_AGO)
            entry.compress_type, entry.external_attr, entry.create_system = zipfile.ZIP_DEFLATED, 0o600 << 16, 3
            archive.writestr(entry, content)
    return buffer.getvalue()
