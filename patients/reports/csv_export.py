"""Tables as CSV: RFC 4180, UTF-8, streamed at constant memory, safe to open in a spreadsheet."""

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from functools import cache, lru_cache, partial
from itertools import islice
from typing import Any, TypeVar

from django.http import StreamingHttpResponse
from django.utils import timezone, translation

from ml.cells import EXPORTED_PLACES, TOLERANCE, decimal_text, safe_text
from patients.models import User
from patients.reports.columns import COLUMNS, Cell, Column
from patients.reports.dialects import PROGRAMS, Dialect
from patients.reports.events_table import EVENT_COLUMNS, event_rows
from patients.reports.photo_rows import PhotoRow, photo_rows
from patients.reports.scope import Scope
from patients.reports.visits_table import VISIT_COLUMNS, visit_rows

BOM = "\ufeff"
LINES_AT_ONCE = 250
Row = TypeVar("Row")


def csv_cell(cell: Cell, dialect: Dialect = PROGRAMS) -> str:
    """Return the text of one cell. Text that a spreadsheet would run as a formula gets a leading apostrophe, numbers do not."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return decimal_text(cell).replace(".", dialect.decimal)
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, int | date):
        return str(cell)
    return safe_text(cell, dialect.separator)


@cache
def _shares(decimal: str) -> tuple[str, ...]:
    """Return how every share from 0 to 1 is written, in steps of the last decimal: looking it up is faster than writing it."""
    steps = 10**EXPORTED_PLACES
    return tuple(f"{step / steps:.{EXPORTED_PLACES}f}".replace(".", decimal) for step in range(steps + 1))


Writer = Callable[[Iterable[Any]], Iterable[str]]  # Any: cells of one kind
"""Returns the texts of the cells of one column, in their order: one call for many rows is faster than a call for each."""


def writer_of(kind: str, dialect: Dialect) -> Writer:
    """Return what writes the cells of one kind of column as `csv_cell` does, and faster; text in quotes where it needs them."""
    if kind in ("number, 0 to 1", "number, -1 to 1"):
        return _share_writer(dialect)
    if kind == "time":
        return _time_writer()
    if kind == "yes or no":
        return partial(map, {True: "yes", False: "no", None: ""}.__getitem__)
    if kind in ("number", "pixels"):
        return lambda cells: ["" if cell is None else str(cell) for cell in cells]
    if kind in ("id", "word"):  # ours: no one types them
        return lambda cells: [cell or "" for cell in cells]
    if kind == "date":
        return partial(map, lru_cache(maxsize=10_000)(lambda cell: "" if cell is None else cell.isoformat()))
    write = csv.writer(Echo(), delimiter=dialect.separator, lineterminator="").writerow
    # A record number or a version stands in many lines.
    return partial(map, lru_cache(maxsize=10_000)(lambda cell: write([csv_cell(cell, dialect)]) if cell else ""))


def _share_writer(dialect: Dialect) -> Writer:
    """Return what writes numbers from -1 to 1."""
    steps, half, shares = 10**EXPORTED_PLACES, 0.5 + TOLERANCE, _shares(dialect.decimal)

    def negative(cell: float) -> str:
        size = int(half - cell * steps)
        return f"-{shares[size]}" if size else shares[0]

    def write(cells: Iterable[float | None]) -> list[str]:
        return ["" if cell is None else shares[int(cell * steps + half)] if cell >= 0 else negative(cell) for cell in cells]

    return write


def _time_writer() -> Writer:
    """Return what writes times, given in UTC as the database writes them, in the reader's zone and with its offset."""
    zone = timezone.get_current_timezone()

    @lru_cache(maxsize=10_000)  # the photos of a visit come within minutes
    def minute(text: str) -> tuple[str, str]:
        local = datetime.fromisoformat(text).replace(tzinfo=UTC).astimezone(zone).isoformat(timespec="minutes")
        return local[:16], local[16:]

    # The seconds join what stands before them and the offset.
    return lambda cells: [cell[16:19].join(minute(cell[:16])) if cell else "" for cell in cells]


class Echo:
    """A file for csv.writer whose `write` returns the row."""

    def write(self, row: str) -> str:
        return row


def csv_rows(columns: Sequence[Column[Row]], rows: Iterable[Row], dialect: Dialect = PROGRAMS) -> Iterator[str]:
    """Yield the header and one line per row, in the given order."""
    join = dialect.separator.join
    yield join([column.name for column in columns]) + "\r\n"
    writers = [(column.value, writer_of(column.kind, dialect)) for column in columns]
    rows = iter(rows)
    while some := list(islice(rows, LINES_AT_ONCE)):
        texts = [write(map(value, some)) for value, write in writers]
        for cells in zip(*texts, strict=True):
            yield join(cells) + "\r\n"


Table = Callable[[Scope, User | None, Dialect], Iterator[str]]


def photos_csv(scope: Scope, reader: User | None, dialect: Dialect = PROGRAMS) -> Iterator[str]:
    """Yield the photo table: one line per photo. Labels are those that `reader` may see."""
    rows: Iterator[PhotoRow] = photo_rows(scope, reader)
    yield from csv_rows(COLUMNS, rows, dialect)


def visits_csv(scope: Scope, reader: User | None, dialect: Dialect = PROGRAMS) -> Iterator[str]:
    """Yield the visit table: one line per visit."""
    yield from csv_rows(VISIT_COLUMNS, visit_rows(scope), dialect)


def events_csv(scope: Scope, reader: User | None, dialect: Dialect = PROGRAMS) -> Iterator[str]:
    """Yield the event table: one line per event."""
    yield from csv_rows(EVENT_COLUMNS, event_rows(scope), dialect)


TABLES: dict[str, Table] = {"photos": photos_csv, "visits": visits_csv, "events": events_csv}
"""The tables that can be exported, by name."""


def csv_response(table: str, scope: Scope, reader: User, dialect: Dialect = PROGRAMS) -> StreamingHttpResponse:
    """Return the streamed download of a table for `reader`. Raises KeyError for a table that does not exist."""
    language, zone, make = translation.get_language(), timezone.get_current_timezone(), TABLES[table]

    def parts() -> Iterator[str]:
        # The middleware that set the reader's language and zone is done by now.
        with translation.override(language), timezone.override(zone):
            yield BOM if dialect.has_bom else ""
            yield from joined(make(scope, reader, dialect))

    response = StreamingHttpResponse(parts(), content_type="text/csv; charset=utf-8; header=present")
    response["Content-Disposition"] = f'attachment; filename="{scope.file_name(table)}"'
    return response


def joined(lines: Iterable[str]) -> Iterator[str]:
    """Yield the lines, many at once: the server sends each part by itself."""
    part: list[str] = []
    for line in lines:
        part.append(line)
        if len(part) == LINES_AT_ONCE:
            yield "".join(part)
            part.clear()
    yield "".join(part)
