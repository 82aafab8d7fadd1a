"""The photo table as CSV: RFC 4180, UTF-8, streamed line by line, safe to open in a spreadsheet."""

import csv
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime

from django.db.models import Prefetch
from django.http import StreamingHttpResponse

from inference.models import Prediction
from patients.models import OwnLabel, Photo, User
from patients.models.photo import PhotoQuerySet
from patients.reports.columns import COLUMNS, Cell

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")
"""What a spreadsheet takes for the beginning of a formula; the wide signs too."""
AFTER_A_SEPARATOR = re.compile(r'([;\t\r\n][\s"]*)([=+\-@＝＋－＠])')
"""The same where a spreadsheet of another language begins a cell: many take the semicolon, and then our quotes do not hold."""
BOM = "\ufeff"


def written(cell: Cell) -> str:
    """Return the text of one cell. Text that a spreadsheet would run as a formula gets a leading apostrophe; numbers never do."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return f"{cell:.4f}"
    if isinstance(cell, datetime):
        return cell.isoformat(timespec="seconds")
    if isinstance(cell, int | date):
        return str(cell)
    cell = AFTER_A_SEPARATOR.sub(r"\1'\2", cell)
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell


class Line:
    """A file for csv.writer that hands each line back."""

    def write(self, line: str) -> str:
        return line


def csv_rows(photos: Iterable[Photo]) -> Iterator[str]:
    """Yield the header and one line per photo, in the order they come."""
    writer = csv.writer(Line(), lineterminator="\r\n")
    yield writer.writerow([column.name for column in COLUMNS])
    for photo in photos:
        read = photo.prediction
        yield writer.writerow([written(column.value(photo, read)) for column in COLUMNS])


def photos_for_export(photos: PhotoQuerySet, reader: User | None = None) -> Iterator[Photo]:
    """Return the photos by visit and time, fetched in portions with all that the table needs.

    With the labels that `reader` may see; without a reader there are none.
    """
    labels = OwnLabel.objects.open_to(reader) if reader else OwnLabel.objects.none()
    predictions = Prediction.objects.order_by("-requested_at").defer("input_png", "explanation_png", "quality", "milliseconds")
    ordered = photos.select_related("visit__patient").order_by("visit__date", "visit_id", "uploaded_at", "id")
    return ordered.prefetch_related(Prefetch("predictions", predictions), Prefetch("own_labels", labels)).iterator(chunk_size=500)


def csv_response(photos: PhotoQuerySet, reader: User, file_name: str, with_bom: bool = False) -> StreamingHttpResponse:
    """Return the streamed download for `reader`. `with_bom` helps spreadsheets that guess the encoding."""

    def lines() -> Iterator[str]:
        if with_bom:
            yield BOM
        yield from csv_rows(photos_for_export(photos, reader))

    response = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8; header=present")
    response["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response
