"""Texts that do harm where they are taken for more than text, in every file that leaves."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Sequence
from html.parser import HTMLParser

import pytest

from patients.audit.log import record_access
from patients.models import AccessLog, BreakGlass, Event, Patient, Photo, User, Visit
from patients.reports.access_csv import access_csv
from patients.reports.csv_export import TABLES
from patients.reports.dialects import COMMA, PROGRAMS, SEMICOLON, Dialect
from patients.reports.paper.options import ReportOptions
from patients.reports.paper.pdf import report_html
from patients.reports.patient_zip import zip_chunks
from patients.reports.scope import Scope
from tests.factories import make_photo, make_prediction
from tests.hostile.texts import FORMULAS, HARMFUL, MARKUP

pytestmark = pytest.mark.django_db


STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")
NUMBER = re.compile(r"-?\d+(\.\d+)?")


class Tags(HTMLParser):
    """Collects the tags of a page, with the names of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, tuple[str, ...]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, tuple(name for name, _value in attrs)))


def spoil(visit: Visit, texts: Sequence[str]) -> Patient:
    """Put each text into a photo and an event, and all into what there is one of. Return the patient."""
    patient, by = visit.patient, visit.created_by
    patient.name = patient.record_number = visit.note = "\n".join(texts)
    visit.save()
    of_all = {"visit": visit, "uploaded_by": by, "width": 64, "height": 48, "excluded_at": visit.created_at}
    Photo.objects.bulk_create(
        Photo(fingerprint=f"{k}", original_name=text, excluded_reason=text, **of_all) for k, text in enumerate(texts)
    )
    Event.objects.bulk_create(
        Event(patient=patient, kind="note", label=text, starts_on=visit.date, created_by=by) for text in texts
    )
    return patient


def cells(text: str) -> list[str]:
    """Return the cells as a spreadsheet of any language finds them: it splits at its own separator."""
    found = []
    for separator in (",", ";", "\t"):
        rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=separator)
        found += [cell for row in rows for cell in row]
    return found


def is_run(cell: str) -> bool:
    """Whether a spreadsheet takes the cell for a formula; a negative number is none."""
    return cell.lstrip("\t\r\n\0 ").startswith(STARTS) and not NUMBER.fullmatch(cell)


def tags(html: str) -> set[tuple[str, tuple[str, ...]]]:
    parser = Tags()
    parser.feed(html)
    return set(parser.found)


@pytest.mark.parametrize("dialect", [PROGRAMS, COMMA, SEMICOLON], ids=lambda dialect: dialect.name)
def test_no_cell_of_a_csv_file_is_run(visit: Visit, ada: User, dialect: Dialect) -> None:
    scope = Scope([spoil(visit, HARMFUL)])
    for make in TABLES.values():
        assert not [cell for cell in cells("".join(make(scope, ada, dialect))) if is_run(cell)]


def test_no_cell_of_the_access_log_is_run(visit: Visit, ada: User) -> None:
    for text in FORMULAS:
        glass = BreakGlass.objects.create(patient=visit.patient, clinician=ada, reason=text)
        record_access(ada, AccessLog.Action.BREAK_GLASS, visit.patient, glass=glass.pk)
        User.objects.filter(pk=ada.pk).update(display_name=text[:80])
        for dialect in (COMMA, SEMICOLON):
            answer = access_csv(visit.patient, ada, AccessLog.objects.about(visit.patient), dialect)
            found = cells(b"".join(answer).decode())
            assert not [cell for cell in found if is_run(cell)], text


def test_archive_holds_the_text_as_it_was_typed(visit: Visit) -> None:
    archive = zipfile.ZipFile(io.BytesIO(b"".join(zip_chunks(spoil(visit, HARMFUL)))))
    record = json.loads(archive.read("record.json"))
    assert record["name"] == record["visits"][0]["note"] == "\n".join(HARMFUL)
    assert {each["label"] for each in record["events"]} == set(HARMFUL)
    assert archive.namelist() == ["README.txt", "record.json", "access.json"]


def test_report_has_no_tag_of_the_text(visit: Visit, ada: User) -> None:
    make_prediction(make_photo(visit))
    clean = tags(report_html(visit.patient, ReportOptions(), ada))
    spoiled = tags(report_html(spoil(visit, MARKUP), ReportOptions(), ada))
    assert {name for name, _attributes in spoiled} == {name for name, _attributes in clean}
    assert not [name for name, attributes in spoiled if any(each.startswith("on") for each in attributes)]
