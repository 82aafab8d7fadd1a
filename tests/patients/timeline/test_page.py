"""The timeline on the patient's page: empty, with one visit, with a trend; and everything in words and numbers as well."""

import re
from datetime import date, timedelta
from html import unescape

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from inference.models import Prediction
from patients.models import Event, Patient, SelfReport, User
from patients.timeline.page import timeline
from patients.timeline.summaries import refresh
from tests.factories import make_photo, make_prediction, make_read_visits, make_visit, probabilities_of

pytestmark = pytest.mark.django_db


def read_visit(patient: Patient, day: date, *sad: float, **fields: object) -> None:
    visit = make_visit(patient, day, **fields)
    for share in sad:
        make_prediction(make_photo(visit), probabilities=probabilities_of(sad=share))


def text_of(client: Client, patient: Patient) -> str:
    """Return the words on the patient's page."""
    page = client.get(f"/patients/{patient.pk}/").content.decode()
    page = re.sub(r"(?s)<script.*?</script>|<symbol.*?</symbol>", " ", page)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page)))


@pytest.fixture
def page(client: Client, ada: User) -> Client:
    """Return a client that Dr Ada is signed in to."""
    client.force_login(ada)
    return client


def test_patient_without_photos_is_told_how_it_begins(page: Client, ines: Patient) -> None:
    text = text_of(page, ines)
    assert "The timeline begins with the first visit that has photos. A usual range appears after four." in text
    assert "All numbers" not in text


def test_one_visit_is_no_trend(page: Client, ines: Patient) -> None:
    read_visit(ines, date(2026, 11, 20), 0.4, 0.4, 0.4)
    text = text_of(page, ines)
    assert "One visit, no trend yet" in text
    assert "At the last visit, 20 November 2026, the valence index was −0.40" in text
    assert b"plotly" not in page.get(f"/patients/{ines.pk}/").content


def test_trend_has_sentence_list_and_table(page: Client, ines: Patient) -> None:
    for week, sad in enumerate((0.3, 0.35, 0.3, 0.35, 0.3, 0.35, 0.3, 0.35)):
        read_visit(ines, date(2026, 1, 5) + timedelta(weeks=week), sad, sad, sad)
    read_visit(ines, date(2026, 6, 1), 0.9, 0.9, 0.9)
    text = text_of(page, ines)
    # Mean −0.325, moving range 0.05: −0.325 ± 0.133.
    assert "below this patient’s usual range of −0.46 to −0.19." in text
    assert "Outside the usual range: 1 Jun 2026, −0.90" in text
    assert "Usual range from the first 8 visits, 5 Jan 2026 to 23 Feb 2026." in text
    assert "All numbers, 9 visits" in text
    assert "1 Jun 2026 3 0 −0.90 −0.90 −0.90 below usual range 0 0–0 0 0–0 0 0–0 0 0–0 90 90–90 0 0–0 10 10–10 1.0.0" in text


def test_range_read_by_another_model_says_so(page: Client, ines: Patient) -> None:
    for week in range(5):
        visit = make_visit(ines, date(2026, 1, 5) + timedelta(weeks=week))
        make_prediction(make_photo(visit), model_version="1.2.0" if week < 4 else "1.3.0")
        visit.is_baseline = week < 4
        visit.save()
    assert (
        "Usual range from 4 chosen baseline visits, 5 Jan 2026 to 26 Jan 2026. Provisional: fewer than eight visits. "
        "Read by model 1.2.0." in text_of(page, ines)
    )


def test_each_scale_has_a_column_as_soon_as_there_is_a_total(page: Client, ines: Patient) -> None:
    read_visit(ines, date(2026, 1, 5), 0.3)
    read_visit(ines, date(2026, 1, 12), 0.3)
    assert "Self-report, one row each" not in text_of(page, ines)
    SelfReport.objects.create(visit=ines.visits.get(date=date(2026, 1, 5)), mood=7, gad7=12)
    text = text_of(page, ines)
    assert "Self-report, one row each GAD-7 1 visit Mood 1 visit" in text
    assert "5 Jan 2026 1 0 −0.30 – – no usual range yet 0 0 0 0 30 0 70 7 12 1.0.0" in text
    assert "12 Jan 2026 1 0 −0.30 – – no usual range yet 0 0 0 0 30 0 70 – – 1.0.0" in text
    card = timeline(ines).figure["visits"][0]
    assert card["said"] == "mood 7 of 10, GAD-7 12"


def test_eight_visits_are_listed_until_all_are_asked_for(page: Client, ines: Patient) -> None:
    make_read_visits(ines, 10, photos_each=1)
    text = text_of(page, ines)
    assert "8 of 10 visits. Show all" in text
    assert "Visit 3" in text
    assert "Visit 2 " not in text
    everything = page.get(f"/patients/{ines.pk}/?visits=all").content.decode()
    assert "Visit 1<" in everything
    assert "Show all" not in everything


def test_numbers_of_many_visits_are_listed_where_they_are_asked_for(
    page: Client, ines: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day, sad in ((date(2026, 1, 5), 0.3), (date(2026, 1, 12), 0.5)):
        read_visit(ines, day, sad)
    row = "12 Jan 2026 1 0 −0.50 – – no usual range yet 0 0 0 0 50 0 50 1.0.0"
    assert row in text_of(page, ines)
    monkeypatch.setattr("patients.timeline.page.NUMBERS_AT_ONCE", 1)
    shown = page.get(f"/patients/{ines.pk}/").content.decode()
    assert row not in text_of(page, ines)
    assert 'href="?numbers=all#numbers"' in shown
    asked = page.get(f"/patients/{ines.pk}/?numbers=all").content.decode()  # without JavaScript
    table = page.get(f"/patients/{ines.pk}/?numbers=all", headers={"HX-Request": "true"}).content.decode()
    for answer in (asked, table):
        assert re.search(r'<details class="card__foot numbers"\s+id="numbers" open>', answer)
        assert row in re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", answer)))
    assert "<html" not in table


def test_tabs_lead_to_every_part_of_the_record(page: Client, ines: Patient) -> None:
    read_visit(ines, date(2026, 1, 5), 0.3)
    read_visit(ines, date(2026, 1, 12), 0.3)
    shown = page.get(f"/patients/{ines.pk}/").content.decode()
    tabs = shown[shown.index('<nav class="tabs"') :]
    links = re.findall(r'<a href="([^"]+)"', tabs[: tabs.index("</nav>")])
    assert links[1:3] == [f"/patients/{ines.pk}/#visits", f"/patients/{ines.pk}/#events"]
    for link in links:
        assert page.get(link.partition("#")[0]).status_code == 200


def test_words_on_the_page_never_claim_to_know_a_feeling(page: Client, ines: Patient) -> None:
    for week in range(6):
        read_visit(ines, date(2026, 1, 5) + timedelta(weeks=week), 0.3, 0.5, 0.7)
    text = text_of(page, ines).lower()
    assert not re.search(r"emotion|\bis (sad|happy|angry)\b|mood of|diagnos|\balert\b", text)


def test_timeline_takes_five_queries_whatever_the_number_of_visits(
    ines: Patient, ada: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    refresh([ines.pk])  # a new patient is computed as a whole
    for visits in (2, 5):
        for week in range(visits):
            read_visit(ines, date(2026, visits, 1) + timedelta(weeks=week), 0.3, 0.4, 0.5)
        Event.objects.create(patient=ines, kind=Event.Kind.NOTE, label="Moved", starts_on=date(2026, 1, 7), created_by=ada)
        with django_assert_num_queries(5):
            shown = timeline(ines)
            assert shown.figure["visits"]
            assert shown.rows
            assert shown.sentence.first
            assert shown.baseline_in_words


def test_visits_without_photos_are_told_and_what_was_said_there_is_drawn(ines: Patient, ada: User) -> None:
    read_visit(ines, date(2026, 1, 5), 0.3)
    for day, mood in ((date(2026, 2, 2), 4), (date(2026, 3, 2), None)):
        SelfReport.objects.create(visit=ines.visits.create(date=day, created_by=ada), mood=mood, phq9=9)
    shown = timeline(ines)
    assert "2 later visits have no photos, the last on 2 Mar 2026." in shown.sentence.rest
    (mood,) = (trace for trace in shown.figure["data"] if trace["name"] == "mood")
    assert (mood["x"], mood["y"]) == (["2026-02-02"], [4])
    assert [scale.name for scale in shown.scales] == ["mood", "phq9"]
    read_visit(ines, date(2026, 8, 3), 0.3)
    gap = next(note["text"] for note in timeline(ines).figure["layout"]["annotations"] if note.get("name") == "gap")
    assert gap == "no photo counts for 7 months"


def test_what_was_said_at_a_visit_without_photos_has_a_row_in_the_table(page: Client, ines: Patient, ada: User) -> None:
    for week in range(2):
        read_visit(ines, date(2026, 1, 5) + timedelta(weeks=week), 0.3)
    for day, mood in ((date(2026, 2, 2), 4), (date(2026, 3, 2), None)):  # the last visit has no self-report
        SelfReport.objects.create(visit=ines.visits.create(date=day, created_by=ada), mood=mood)
    text = text_of(page, ines)
    assert "All numbers, 3 visits" in text
    assert f"2 Feb 2026 {'– ' * 13}4 – 12 Jan 2026 1 0 −0.30" in text
    assert timeline(ines).figure["ends"] == ["2026-01-05", "2026-02-02"]
    shown = page.get(f"/patients/{ines.pk}/").content.decode()
    assert 'value="2026-01-05"' in shown
    assert 'value="2026-02-02"' in shown


def test_another_patients_events_and_moods_stay_away(ines: Patient, ada: User) -> None:
    omar = Patient.objects.create(name="Omar", record_number="A-2", birth_date=date(1980, 1, 1))
    Event.objects.create(patient=omar, kind=Event.Kind.NOTE, label="Moved", starts_on=date(2026, 1, 7), created_by=ada)
    SelfReport.objects.create(visit=omar.visits.create(date=date(2026, 1, 7), created_by=ada), mood=3)
    read_visit(ines, date(2026, 1, 5), 0.3)
    shown = timeline(ines)
    assert (shown.events, shown.reports) == ([], {})


def test_visit_whose_photos_still_wait_is_on_the_timeline(page: Client, ines: Patient) -> None:
    read_visit(ines, date(2026, 1, 5), 0.3)
    make_prediction(make_photo(make_visit(ines, date(2026, 1, 12))), state=Prediction.State.QUEUED)
    text = text_of(page, ines)
    assert "At the last visit, 12 January 2026, 1 photo was taken and none counts yet." in text
    assert "12 Jan 2026 0 1 – – –" in text
