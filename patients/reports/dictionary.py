"""The data dictionary as a document, from the columns themselves."""

from collections.abc import Sequence

from patients.readings.wording import reason_meanings
from patients.reports.columns import COLUMNS, ColumnDescription
from patients.reports.events_table import EVENT_COLUMNS
from patients.reports.research import OWN_COLUMNS
from patients.reports.visits_table import VISIT_COLUMNS

HEAD = """# Data dictionary

Every column of every CSV file. Written by `manage.py data_dictionary`; the page **Data dictionary** shows the same in each
language. An empty cell means no value. Numbers have four decimals, times their offset. Text that a spreadsheet would run as a
formula starts with an apostrophe.
"""
TABLES: tuple[tuple[str, str, Sequence[ColumnDescription]], ...] = (
    ("photos.csv", "One line per photo.", COLUMNS),
    ("visits.csv", "One line per visit: what the timeline shows, to the digit.", VISIT_COLUMNS),
    ("events.csv", "One line per event.", EVENT_COLUMNS),
    (
        "The research CSV",
        "One line per photo: these columns, then those of `photos.csv` that identify no one.",
        [*OWN_COLUMNS, *(column for column in COLUMNS if column.in_research)],
    ),
)


def as_markdown() -> str:
    """Return the document."""
    parts = [HEAD]
    for name, words, columns in TABLES:
        rows = [f"| `{column.name}` | {column.kind} | {column.meaning} |" for column in columns]
        parts.append("\n".join([f"## {name}", "", words, "", "| column | kind | meaning |", "|---|---|---|", *rows, ""]))
    reasons = [f"| `{code}` | {words} |" for code, words in reason_meanings().items()]
    parts.append("\n".join(["## Codes in the column `reason`", "", "| code | meaning |", "|---|---|", *reasons, ""]))
    return "\n".join(parts)
