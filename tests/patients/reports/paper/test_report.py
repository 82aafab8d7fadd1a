"""Reports on paper: the numbers of the timeline, in a PDF that loads nothing, and no name where none is wanted."""

import io
import re
import socket
from datetime import date, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import translation
from pypdf import PdfReader

from patients.models import AccessLog, Event, Patient, SelfReport, Task, User, Visit
from patients.models.formats import long_day, signed
from patients.reports.paper.options import ReportOptions
from patients.reports.paper.pdf import PdfUnavailable, only_fonts, report_html, report_pdf
from patients.tasks.kind import Progress
from patients.tasks.report import make_report
from patients.tasks.run import run_task
from patients.timeline.page import timeline
from tests.factories import make_patient, make_photo, make_prediction, make_study, make_visit, probabilities_of

pytestmark = pytest.mark.django_db


def add_visits(patient: Patient, count: int, reports: bool = False) -> None:
    for week in range(count):
        visit = make_visit(patient, date(2026, 1, 5) + timedelta(weeks=3 * week))
        for photo in range(4):
            shares = probabilities_of(happy=0.05 + 0.06 * week + 0.03 * photo, sad=0.4 - 0.03 * week)
            make_prediction(make_photo(visit), probabilities=shares, model_version="0.5.0")
        if reports:
            SelfReport.objects.create(visit=visit, mood=3 + week % 5, phq9=18 - week, gad7=12 - week)


@pytest.fixture
def record(ines: Patient, ada: User) -> Patient:
    """Return Ines with nine visits, self-reports and an event."""
    add_visits(ines, 9, reports=True)
    facts = {"patient": ines, "created_by": ada}
    Event.objects.create(kind="medication", label="Sertraline 50 mg", starts_on=date(2026, 2, 1), goes_on=True, **facts)
    return ines


def words_of(html: str) -> str:
    """Return what a reader sees."""
    html = re.sub(r"(?s)<style>.*?</style>|<title>.*?</title>", "", html)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html)).replace("&lt;", "<")


def html_of(patient: Patient, by: User, **options: object) -> str:
    return report_html(patient, ReportOptions(**options), by)  # type: ignore[arg-type]  # as named


@pytest.mark.slow("makes a whole PDF")
def test_pdf_has_one_page_its_fonts_and_the_numbers_of_the_timeline(
    record: Patient, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket, "socket", None)  # opening a connection would fail
    pdf = PdfReader(io.BytesIO(report_pdf(record, ReportOptions(), ada)))
    (page,) = pdf.pages
    text = re.sub(r"\s+", " ", page.extract_text())
    for line in timeline(record).rows[:6]:
        assert f"{line.valence[0]} {line.valence[1]} to {line.valence[2]}" in text
    assert re.sub(r"\s+", " ", timeline(record).sentence.first) in text
    for said in (record.name, record.record_number, long_day(record.birth_date), "Sertraline 50 mg", "Page 1 of 1", "Model 0.5.0"):
        assert said in text
    assert (round(page.mediabox.width), round(page.mediabox.height)) == (595, 842)
    root: Any = pdf.trailer["/Root"]  # Any: any object of a PDF
    assert (root["/MarkInfo"]["/Marked"], root["/Lang"]) == (True, "en")
    resources: Any = page["/Resources"]
    fonts = [font.get_object()["/DescendantFonts"][0].get_object() for font in resources["/Font"].values()]
    assert len(fonts) > 1
    for font in fonts:
        assert "Report-Inter" in font["/BaseFont"]
        assert "/FontFile2" in font["/FontDescriptor"].get_object()


@pytest.mark.slow("makes a whole PDF")
def test_letter_fits_one_page_and_all_visits_come_on_a_second(record: Patient, ada: User) -> None:
    with translation.override("de"):
        options = ReportOptions(paper="letter", reader="patient", all_visits=True)
        pdf = PdfReader(io.BytesIO(report_pdf(record, options, ada)))
    first, second = pdf.pages
    assert (round(first.mediabox.width), round(first.mediabox.height)) == (612, 792)
    assert "Seite 1 von 2" in re.sub(r"\s+", " ", first.extract_text())
    assert second.extract_text().count("4 von 4") == 9


@pytest.mark.parametrize(
    "address", ["https://example.org/x.css", "http://127.0.0.1/", "file:///etc/passwd", "data:text/css,a", "x.png"]
)
def test_a_report_loads_nothing_from_elsewhere(address: str) -> None:
    with pytest.raises(ValueError, match="loads nothing"):
        only_fonts(address)


def test_text_of_a_clinician_is_no_markup(record: Patient, ada: User) -> None:
    for event in Event.objects.all():
        event.label = '<img src="https://example.org/x">'
        event.save()
    html = html_of(record, ada, all_visits=True)
    assert "<img" not in html
    assert "&lt;img" in html


def test_one_visit_has_no_line_no_range_and_no_self_report(ines: Patient, ada: User) -> None:
    add_visits(ines, 1)
    html = html_of(ines, ada)
    said = words_of(html)
    assert 'class="ln"' not in html
    assert 'class="ba"' not in html
    assert "No usual range yet" in said
    assert "PHQ-9" not in said
    assert "All visits" in said
    assert "Last six visits" not in said


def test_three_visits_have_a_line_and_no_range(ines: Patient, ada: User) -> None:
    add_visits(ines, 3)
    html = html_of(ines, ada)
    assert 'class="ln"' in html
    assert 'class="ba"' not in html
    assert "outside usual range" not in words_of(html)


def test_without_a_self_report_the_valence_index_is_higher(ines: Patient, ada: User) -> None:
    add_visits(ines, 4)
    heights = []
    for _ in range(2):
        heights.append(int(re.findall(r'viewBox="0 0 688 (\d+)"', html_of(ines, ada))[0]))
        for visit in ines.visits.all():
            SelfReport.objects.get_or_create(visit=visit, defaults={"phq9": 9})
    assert heights[0] - heights[1] > 80


def test_scale_that_ends_where_it_began_is_not_said_to_move(ines: Patient, ada: User) -> None:
    add_visits(ines, 2)
    for visit, phq9 in zip(ines.visits.all(), (9, 8), strict=True):
        SelfReport.objects.create(visit=visit, phq9=phq9, gad7=3)
    words = words_of(html_of(ines, ada))
    assert "PHQ-9 went from " in words
    assert "GAD-7 is 3, as at first." in words


def test_record_without_photos_says_so(ines: Patient, ada: User) -> None:
    make_visit(ines)
    assert "No visit in this period has photos." in words_of(html_of(ines, ada))


def test_with_a_study_number_no_name_no_date_and_no_text_is_told(record: Patient, ada: User) -> None:
    html = html_of(record, ada, number="P-104", all_visits=True)
    said = html.split("</style>")[-1] + words_of(html)
    for telling in (record.name, record.record_number, "1991", "Sertraline", "2026", "Jan", "Feb", "Printed", ada.display_name):
        assert telling not in said
    assert "P-104" in said
    assert "day 168" in words_of(said)


def test_patient_reads_simpler_words(record: Patient, ada: User) -> None:
    said = words_of(html_of(record, ada, reader="patient"))
    assert "you looked happier in the photos than is usual for you" in said
    assert "bootstrap" not in said
    assert "happy minus angry" not in said


def test_period_leaves_out_visits_and_keeps_the_usual_range(record: Patient, ada: User, settings: object) -> None:
    Visit.objects.filter(date__lt=date(2026, 4, 1)).update(date=date(2024, 1, 1))
    everything, year = (words_of(html_of(record, ada, period=period)) for period in ("all", "year"))
    assert "9 visits" in everything
    assert "9 visits" not in year
    assert "usual range of" in year


def test_visit_report_has_its_numbers_and_the_visit_before(record: Patient, ada: User) -> None:
    *_others, before, last = timeline(record).points
    said = words_of(html_of(record, ada, visit=str(last.visit_id)))
    assert f"The valence index was {signed(last.valence)}" in said
    assert f"At the visit before, {long_day(before.date)}, it was {signed(before.valence)}." in said
    assert "PHQ-9 10 of 27" in said
    assert "Sertraline 50 mg" in said


@pytest.fixture
def browser(ada: User, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr("patients.tasks.run.run_task.apply_async", lambda arguments, queue: None)
    client = Client()
    client.force_login(ada)
    return client


def test_report_is_made_as_a_task_and_its_download_is_logged(
    browser: Client, record: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def made(patient: Patient, options: ReportOptions, by: User) -> bytes:
        asked.append(options)
        return b"%PDF-1.7"

    monkeypatch.setattr("patients.tasks.report.report_pdf", made)
    choices = {"reader": "patient", "period": "year", "paper": "letter", "number": "", "all_visits": "on"}
    assert browser.post(f"/patients/{record.pk}/report/", choices)["Location"] == "/tasks/"
    task = Task.objects.get()
    run_task(str(task.pk))
    assert asked == [ReportOptions(paper="letter", reader="patient", period="year", all_visits=True)]
    page = browser.get("/tasks/").content.decode()
    assert "Report of Ines Moreau" in page
    answer = browser.get(f"/tasks/{task.pk}/file/")
    assert (answer.content, answer["Content-Type"]) == (b"%PDF-1.7", "application/pdf")
    assert re.search(r'filename="affectline-report-\d{4}-\d\d-\d\d-[0-9a-f]{8}\.pdf"', answer["Content-Disposition"])
    entry = AccessLog.objects.about(record).first()
    assert entry is not None
    assert entry.detail == {"page": "task_report"}
    assert "exported a report (PDF)" in browser.get(f"/patients/{record.pk}/access-log/").content.decode()


def test_visit_report_is_a_task_too(browser: Client, record: Patient) -> None:
    visit = record.visits.all()[0]
    browser.post(f"/visits/{visit.pk}/report/", {"paper": "a4", "number": ""})
    assert Task.objects.get().options == ReportOptions(visit=str(visit.pk)).as_json()


def test_only_the_patients_own_study_numbers_can_be_chosen(browser: Client, record: Patient, ada: User) -> None:
    other = make_patient(ada, name="Uma Quist", consents=("care", "research"))
    make_study(ada, other)
    choices = {"reader": "record", "period": "all", "paper": "a4"}
    foreign = other.participations.get().number
    assert browser.post(f"/patients/{record.pk}/report/", choices | {"number": foreign}).status_code == 400
    assert not Task.objects.exists()
    assert browser.post(f"/patients/{other.pk}/report/", choices | {"number": foreign}).status_code == 302


def test_page_shows_the_sheet_as_it_is_printed(browser: Client, record: Patient, ada: User) -> None:
    visit = record.visits.all()[0]
    choices = {"reader": "patient", "period": "year", "paper": "letter", "all_visits": "on"}
    printed = html_of(record, ada, reader="patient", period="year", paper="letter", all_visits=True)
    of_visit = html_of(record, ada, visit=str(visit.pk))
    for path, sent, paper in ((f"patients/{record.pk}", choices, printed), (f"visits/{visit.pk}", {}, of_visit)):
        page = browser.get(f"/{path}/report/", sent).content.decode()
        sheet = page.split('<article class="rp-sheet', 1)[1].split(">", 1)[1].split("</article>")[0]
        body = paper.split("<body", 1)[1].split(">", 1)[1].split("</body>")[0]
        assert words_of(sheet).split() == words_of(body).split()
        assert "<style" not in page
        fields = dict(re.findall(r'<input type="hidden"\s+name="(\w+)"\s+value="(\w+)"', page))
        fields.pop("csrfmiddlewaretoken", None)
        assert fields == (sent or {"paper": "a4"})
    log = browser.get(f"/patients/{record.pk}/access-log/").content.decode()
    assert "opened the report" in log
    assert "opened the report of the visit of" in log


def test_page_shows_no_report_under_the_number_of_someone_else(browser: Client, record: Patient) -> None:
    choices = {"reader": "record", "period": "all", "paper": "a4", "number": "ABCDEFGH"}
    answer = browser.get(f"/patients/{record.pk}/report/", choices)
    assert answer.status_code == 400
    assert "rp-sheet" not in answer.content.decode()


def test_file_with_a_study_number_is_named_by_it(ada: User, record: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("patients.tasks.report.report_pdf", lambda *_: b"%PDF-1.7")
    task = Task.objects.create(kind="report", owner=ada, state="running", options=ReportOptions(number="ABCDEFGH").as_json())
    task.patients.add(record)
    assert make_report(task, Progress(task)).name == "affectline-report-ABCDEFGH.pdf"


def test_report_needs_the_right_to_export(browser: Client, record: Patient) -> None:
    User.objects.update(may_export=False)
    assert browser.get(f"/patients/{record.pk}/report/").status_code == 403
    assert browser.post(f"/patients/{record.pk}/report/", {"reader": "record"}).status_code == 403


def test_missing_libraries_are_a_failure_with_a_reason(browser: Client, record: Patient, monkeypatch: pytest.MonkeyPatch) -> None:
    def unavailable(*args: object) -> bytes:
        raise PdfUnavailable

    monkeypatch.setattr("patients.tasks.report.report_pdf", unavailable)
    browser.post(f"/patients/{record.pk}/report/", {"reader": "record", "period": "all", "paper": "a4", "number": ""})
    run_task(str(Task.objects.get().pk))
    assert "This server cannot make PDF files." in browser.get("/tasks/").content.decode()
