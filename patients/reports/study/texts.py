"""What stands beside the tables: the codebook, what was left out and why, the read-me."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from ml.cells import decimal_text
from patients.models import Study
from patients.reports.csv_export import csv_cell
from patients.reports.study.columns import Column, Table, Value
from patients.reports.study.rows import StudyTables

CODEBOOK = ("table", "column", "type", "unit", "lowest", "highest", "values", "meaning")


def cell_text(value: Value, missing: str = "") -> str:
    """Return a value as the text of a cell: true or false, four decimals, and no text that a spreadsheet would run."""
    if value is None:
        return missing
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return decimal_text(value)
    return csv_cell(value)


def as_csv(header: Sequence[str], rows: Iterable[Sequence[str]], separator: str = ",") -> bytes:
    """Return a table as UTF-8 text with a header and newlines."""
    file = io.StringIO()
    writer = csv.writer(file, delimiter=separator, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return file.getvalue().encode()


def limits(column: Column) -> tuple[str, str]:
    """Return the lowest and the highest value as text, empty where there is none."""
    low, high = ("" if each is None else f"{each:g}" for each in (column.low, column.high))
    return low, high


def codebook(study: Study, tables: Iterable[Table]) -> bytes:
    """Return one row per column of the tables."""
    rows = []
    for table in tables:
        for column in table.seen_by(study):
            values = " ".join(column.values)
            rows.append([table.name, column.name, column.kind, column.unit, *limits(column), values, column.meaning])
    return as_csv(CODEBOOK, rows)


def left_out(made: StudyTables) -> list[str]:
    """Return what was left out and why, one sentence each."""
    said = [
        f"People who withdrew consent to research: {made.withdrew}. Nothing of theirs is here.",
        "Names, record numbers, dates of birth and all dates: study numbers, age bands and days stand for them. "
        "Ages over 89 are never told apart: the highest band has no end.",
        "Notes, event texts, remarks and reasons of exclusion: someone could be recognised.",
        "Pictures: numbers only.",
        "Events outside the time from a person's first to last visit in the study, and how long before it an event began.",
        "Values of photos that gave no result: the reason is kept.",
        "Items of questionnaires: only totals are stored.",
    ]
    unseen = [field.value for field in Study.Field if not made.study.shows(field)]
    if unseen:
        said.append(f"Fields that the study does not use: {', '.join(unseen)}.")
    return [*said, *made.hidden]


def read_me(made: StudyTables, tables: Iterable[Table], form: str) -> bytes:
    """Return the text that explains the files."""
    study = made.study
    lines = [
        f"# {study.name}",
        "",
        f"Ethics reference: {study.ethics_reference}. Smallest cell: {study.smallest_cell} people. Format: {form}.",
        "",
        "Facial expressions that a model estimated from session photos, and self-reports, by visit. A probability says how many of",
        "ten people who name one of seven expressions would name this one. It does not measure felt emotion. Compare people and",
        "arms with care: read the model card first.",
        "",
        "## Tables",
        "",
        *(f"- {table.name}: {len(made.rows[table.name])} rows; {table.holds}" for table in tables),
        "",
        "## Left out",
        "",
        *(f"- {sentence}" for sentence in left_out(made)),
        "",
        "SHA256SUMS holds the checksum of every file: `sha256sum --check SHA256SUMS`.",
        "",
    ]
    return "\n".join(lines).encode()
