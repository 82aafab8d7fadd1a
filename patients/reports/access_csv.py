"""The access log of a patient as CSV: one row per entry, newest first, in the words of the page."""

import csv
from collections.abc import Iterator

from django.http import StreamingHttpResponse
from django.utils import translation

from patients.audit.report import READ_AT_ONCE, Line, log_page
from patients.models import Patient, User
from patients.models.access import AccessLogQuerySet
from patients.reports.csv_export import BOM, Echo, csv_cell
from patients.reports.dialects import Dialect

HEADER = ("time", "person", "what", "emergency_access", "by_program", "reason")


def access_csv(patient: Patient, reader: User, entries: AccessLogQuerySet, dialect: Dialect) -> StreamingHttpResponse:
    """Return the entries as a download for `reader`."""
    language = translation.get_language()

    def rows() -> Iterator[str]:
        writer = csv.writer(Echo(), delimiter=dialect.separator, lineterminator="\r\n")
        yield (BOM if dialect.has_bom else "") + writer.writerow(HEADER)
        before: int | None = None
        while True:
            # The middleware that set the reader's language is done by now.
            with translation.override(language):
                page = log_page(patient, reader, entries, before, is_grouped=False, size=READ_AT_ONCE)
                written = [writer.writerow(_cells(line, dialect)) for line in page.lines]
            yield from written
            if (before := page.older) is None:
                return

    response = StreamingHttpResponse(rows(), content_type="text/csv; charset=utf-8; header=present")
    response["Content-Disposition"] = f'attachment; filename="affectline-access-log-{patient.pk}.csv"'
    return response


def _cells(line: Line, dialect: Dialect) -> list[str]:
    what = "".join(part.text for part in line.what)
    cells = (line.ends, line.who or "Affectline", what, line.in_emergency, line.by_program, line.reason)
    return [csv_cell(cell, dialect) for cell in cells]
