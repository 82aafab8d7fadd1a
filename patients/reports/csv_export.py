"""The photo table as CSV: RFC 4180, UTF-8, streamed row by row, safe to open in a spreadsheet."""

import csv
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from django.db.models import Prefetch
from django.http import StreamingHttpResponse

from inference.models import Prediction
from patients.formats import EXPORTED_PLACES, rounded
from patients.models import OwnLabel, Patient, Photo, User, Visit
from patients.models.photo import PhotoQuerySet
from patients.reports.columns import COLUMNS, Cell
from patients.reports.dialects import PROGRAMS, Dialect

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
"""The characters that start a formula in a spreadsheet, full-width ones included."""
BOM = "\ufeff"


def csv_cell(cell: Cell, dialect: Dialect = PROGRAMS) -> str:
    """Return the text of one cell. Text that a spreadsheet would run as a formula gets a leading apostrophe, numbers do not."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{rounded(cell, EXPORTED_PLACES):.{EXPORTED_PLACES}f}".replace(".", dialect.decimal)
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, int | date):
        return str(cell)
    cell = dialect.after_a_separator.sub(r"\1'\2", cell)
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


class Echo:
    """A file for csv.writer whose `write` returns the row."""

    def write(self, row: str) -> str:
        return row


def csv_rows(photos: Iterable[Photo], dialect: Dialect = PROGRAMS) -> Iterator[str]:
    """Yield the header and one row per photo, in the given order."""
    writer = csv.writer(Echo(), delimiter=dialect.separator, lineterminator="\r\n")
    yield writer.writerow([column.name for column in COLUMNS])
    for photo in photos:
        read = photo.prediction
        yield writer.writerow([csv_cell(column.value(photo, read), dialect) for column in COLUMNS])


def photos_for_export(photos: PhotoQuerySet, reader: User | None = None) -> Iterator[Photo]:
    """Return the photos by visit and time, fetched in batches with all that the table needs.

    Labels are those that `reader` may see; none without a reader.
    """
    labels = OwnLabel.objects.open_to(reader) if reader else OwnLabel.objects.none()
    predictions = Prediction.objects.order_by("-requested_at").defer("input_png", "explanation_png", "quality", "milliseconds")
    ordered = photos.select_related("visit__patient").order_by("visit__date", "visit_id", "uploaded_at", "id")
    return ordered.prefetch_related(Prefetch("predictions", predictions), Prefetch("own_labels", labels)).iterator(chunk_size=500)


def patient_csv(patient: Patient, reader: User, dialect: Dialect = PROGRAMS) -> StreamingHttpResponse:
    """Return every photo of the patient as a download for `reader`."""
    return _csv_response(Photo.objects.filter(visit__patient=patient), reader, f"affectline-{patient.pk}.csv", dialect)


def visit_csv(visit: Visit, reader: User, dialect: Dialect = PROGRAMS) -> StreamingHttpResponse:
    """Return every photo of the visit as a download for `reader`."""
    return _csv_response(Photo.objects.filter(visit=visit), reader, f"affectline-visit-{visit.pk}.csv", dialect)


def _csv_response(photos: PhotoQuerySet, reader: User, file_name: str, dialect: Dialect) -> StreamingHttpResponse:
    """Return the streamed download for `reader`."""

    def lines() -> Iterator[str]:
        if dialect.has_bom:
            yield BOM
        yield from csv_rows(photos_for_export(photos, reader), dialect)

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8; header=present")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response
