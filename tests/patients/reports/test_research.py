"""The research table: of those who agreed, and nothing in it leads to a person."""

from datetime import date
from typing import Any

import pytest
from django.test import Client

from inference.models import Prediction
from patients.audit.chain import find_faults
from patients.models import AccessLog, Consent, Patient, User
from patients.reports.research import research_rows, research_subjects
from tests.answers import close_unread
from tests.factories import make_clinician, make_patient, make_photo, make_prediction, make_visit, prove

pytestmark = pytest.mark.django_db


@pytest.fixture
def agreed(ada: User) -> Patient:
    """Return a patient who agreed to research, with two visits a week apart."""
    patient = make_patient(ada, name="Uma Quist", consents=(Consent.Purpose.CARE, Consent.Purpose.RESEARCH))
    for day in (date(2026, 3, 2), date(2026, 3, 9)):
        make_prediction(make_photo(make_visit(patient, day, note="told of her sister"), original_name="uma.jpg"))
    return patient


def test_table_holds_numbers_of_those_who_agreed(agreed: Patient, ines: Patient) -> None:
    make_prediction(make_photo(make_visit(ines)))
    header, *rows = "".join(research_rows(research_subjects())).splitlines()
    assert header == (
        "person,day,state,used,too_close_to_call,faces_found,detector_score,"
        "angry,disgust,fear,happy,sad,surprise,neutral,valence_index,model_version"
    )
    numbers = "done,yes,no,1,0.9000,0.0000,0.0000,0.0000,0.6000,0.0000,0.0000,0.4000,0.6000,1.0.0"
    assert rows == [f"1,0,{numbers}", f"1,7,{numbers}"]


def test_reading_that_failed_anew_gives_no_number_of_the_former_face(agreed: Patient) -> None:
    Prediction.objects.update(state="failed", reason="timed_out")
    rows = "".join(research_rows(research_subjects())).splitlines()[1:]
    assert rows == [f"1,{day},failed,no" + "," * 12 for day in (0, 7)]


def test_nothing_in_it_leads_to_a_person(agreed: Patient) -> None:
    table = "".join(research_rows(research_subjects()))
    visit = agreed.visits.all()[0]
    for telling in (agreed.name, agreed.record_number, str(agreed.pk), str(visit.pk), "2026", "sister", "uma.jpg", "ada"):
        assert telling.lower() not in table.lower()


def test_persons_come_one_after_the_other_in_no_order(agreed: Patient, ada: User) -> None:
    for name in ("Vic Roe", "Wim Sol", "Xia Tan"):
        other = make_patient(ada, name=name, consents=(Consent.Purpose.CARE, Consent.Purpose.RESEARCH))
        for day, version in ((date(2026, 3, 3), name), (date(2026, 3, 8), name)):
            make_prediction(make_photo(make_visit(other, day)), model_version=version)
    orders = set()
    for _ in range(40):
        rows = [line.split(",") for line in "".join(research_rows(research_subjects())).splitlines()[1:]]
        assert [(row[0], row[1]) for row in rows if row[-1] != "1.0.0"][1::2] == [
            (row[0], "5") for row in rows if row[-1] != "1.0.0"
        ][::2]
        assert [row[0] for row in rows] == ["1", "1", "2", "2", "3", "3", "4", "4"]
        orders.add(tuple(row[-1] for row in rows))
    assert len(orders) > 1


def test_consent_taken_back_is_missing_from_the_next_file(agreed: Patient, ada: User) -> None:
    agreed.consents.get(purpose="research").end(ada)
    assert len(list(research_rows(research_subjects()))) == 1


def test_every_exported_patient_gets_an_entry(client: Client, agreed: Patient, ines: Patient, ada: User) -> None:
    other = make_patient(ada, name="Vic Roe", consents=(Consent.Purpose.RESEARCH,))
    researcher = make_clinician("Rae Search", "rae@clinic.test", role=User.Role.RESEARCHER)
    client.force_login(researcher)
    assert client.get("/research/csv/").headers["Location"].startswith("/accounts/reauthenticate/")
    prove(client)
    close_unread(client.get("/research/csv/"))
    for patient in (agreed, other):
        assert [(entry.action, entry.actor) for entry in AccessLog.objects.about(patient)] == [("export", researcher)]
    assert not AccessLog.objects.about(ines).exists()
    assert list(find_faults()) == []


def test_entries_for_many_patients_take_few_statements(client: Client, ada: User, django_assert_max_num_queries: Any) -> None:
    for number in range(20):
        make_patient(ada, name=f"Vic Roe {number}", consents=(Consent.Purpose.RESEARCH,))
    client.force_login(make_clinician("Rae Search", "rae@clinic.test", role=User.Role.RESEARCHER))
    prove(client)
    with django_assert_max_num_queries(20):
        client.get("/research/csv/")
    assert AccessLog.objects.filter(action="export").exclude(patient="").count() == 20


def test_researcher_meets_numbers_and_no_patient(client: Client, agreed: Patient) -> None:
    client.force_login(make_clinician("Rae Search", "rae@clinic.test", role=User.Role.RESEARCHER))
    page = client.get("/", follow=True)
    assert page.redirect_chain[-1][0] == "/research/"
    assert (page.context["patient_count"], page.context["photo_count"]) == (1, 2)
    assert agreed.name not in page.content.decode()
    assert client.get(f"/patients/{agreed.pk}/").status_code == 404
