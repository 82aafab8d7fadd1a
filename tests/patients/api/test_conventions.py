"""What holds for every address of the API: errors, parameters, orders, and updates that are not lost."""

from datetime import date
from typing import Any

import pytest
from rest_framework.test import APIClient

from patients.models import AccessLog, ApiToken, Patient, User, Visit
from tests.factories import make_patient, make_photo, make_prediction, make_visit

pytestmark = pytest.mark.django_db

NOWHERE = ("/api/", "/api/v1/", "/api/v1/nothing/", "/api/patients/", "/api/v1/patients/not-an-id/", "/api/v1/photos/1/")


@pytest.mark.parametrize("path", NOWHERE)
def test_address_that_does_not_exist_answers_json_to_anyone(api: APIClient, path: str) -> None:
    for client in (APIClient(), api):
        for answer in (client.get(path), client.post(path, {})):
            assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_wrong_method_and_unreadable_requests_answer_json(api: APIClient, ines: Patient) -> None:
    wrong = api.delete("/api/v1/patients/")
    assert (wrong.status_code, wrong.json()["code"]) == (405, "method_not_allowed")
    broken = api.generic("POST", "/api/v1/patients/", "{", "application/json")
    assert (broken.status_code, broken.json()["code"]) == (400, "parse_error")
    kind = api.generic("POST", "/api/v1/patients/", "<a/>", "text/xml")
    assert (kind.status_code, kind.json()["code"]) == (415, "unsupported_media_type")
    host = APIClient().get("/api/v1/me/", HTTP_HOST="elsewhere.example")
    assert (host.status_code, host.json()["code"]) == (400, "bad_request")


def test_pages_still_answer_errors_as_pages(client: Any) -> None:
    assert "<title>" in client.get("/nowhere/").content.decode()


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/api/v1/patients/", "search"),
        ("/api/v1/patients/", "page_size"),
        ("/api/v1/patients/{patient}/", "limit"),
        ("/api/v1/patients/{patient}/csv/", "dialect"),
        ("/api/v1/patients/{patient}/visits/", "q"),
        ("/api/v1/visits/{visit}/photos/", "kind"),
        ("/api/v1/me/", "id"),
    ],
)
def test_unknown_parameter_is_refused_by_name(api: APIClient, visit: Visit, path: str, name: str) -> None:
    answer = api.get(path.format(patient=visit.patient_id, visit=visit.pk), {name: "1"})
    assert (answer.status_code, answer.json()["code"]) == (400, "unknown_parameter")
    assert f"“{name}”" in answer.json()["message"]


def test_unknown_value_of_a_filter_is_refused(api: APIClient, visit: Visit) -> None:
    for path, asked in (
        ("/api/v1/patients/", {"ordering": "name"}),
        ("/api/v1/patients/", {"birth_date": "4.3."}),
        (f"/api/v1/patients/{visit.patient_id}/visits/", {"since": "soon"}),
        (f"/api/v1/visits/{visit.pk}/photos/", {"state": "happy"}),
        (f"/api/v1/visits/{visit.pk}/csv/", {"table": "people"}),
    ):
        answer = api.get(path, asked)
        assert (answer.status_code, answer.json()["code"], list(answer.json()["fields"])) == (400, "invalid", list(asked))


def test_lists_are_filtered_and_ordered(api: APIClient, ada: User, visit: Visit) -> None:
    omar = make_patient(ada, name="Omar Haddad", birth_date=date(1980, 1, 1))
    make_visit(visit.patient, date(2026, 1, 5))

    def ids(path: str, **asked: str | bool) -> list[str]:
        return [each["id"] for each in api.get(path, asked).json()["results"]]

    assert ids("/api/v1/patients/", record_number=omar.record_number.lower()) == [str(omar.pk)]
    assert ids("/api/v1/patients/", birth_date="1980-01-01") == [str(omar.pk)]
    assert ids("/api/v1/patients/", ordering="-created_at")[0] == str(omar.pk)
    visits = f"/api/v1/patients/{visit.patient_id}/visits/"
    assert ids(visits, since="2026-02-01") == [str(visit.pk)]
    assert ids(visits, ordering="-date")[0] == str(visit.pk)
    make_prediction(make_photo(visit), "no_face")
    read = make_photo(visit)
    make_prediction(read)
    photos = f"/api/v1/visits/{visit.pk}/photos/"
    assert ids(photos, state="done") == [str(read.pk)]
    read.exclude("Blurred")
    assert ids(photos, excluded=True) == [str(read.pk)]
    assert len(ids(photos, excluded=False)) == 1


def test_caller_is_told_who_they_are(api: APIClient, ada: User) -> None:
    me = api.get("/api/v1/me/").json()
    assert (me["name"], me["email"], me["role"], me["may_export"]) == ("Dr Ada Lind", "ada@clinic.test", "clinician", True)
    assert me["key"]["id"] == ApiToken.objects.get().pk
    browser = APIClient()
    browser.force_login(ada)
    assert browser.get("/api/v1/me/").json()["key"] is None


def test_change_that_was_not_seen_is_not_overwritten(api: APIClient, visit: Visit) -> None:
    for address, first, second in (
        (f"/api/v1/patients/{visit.patient_id}/", {"name": "Ines Lind"}, {"name": "Ines Two"}),
        (f"/api/v1/visits/{visit.pk}/", {"note": "Slept badly."}, {"note": "Slept well."}),
        (f"/api/v1/photos/{make_photo(visit).pk}/", {"note": "Smiles."}, {"note": "Frowns."}),
    ):
        seen = api.get(address).headers["ETag"]
        assert api.patch(address, first, headers={"If-Match": seen}).status_code == 200
        refused = api.patch(address, second, headers={"If-Match": seen})
        assert (refused.status_code, refused.json()["code"]) == (412, "changed_meanwhile")
        (name,) = first
        assert api.get(address).json()[name] == first[name]
        assert api.patch(address, second, headers={"If-Match": api.get(address).headers["ETag"]}).json()[name] == second[name]


def test_visit_that_is_sent_twice_with_a_key_is_made_once(api: APIClient, ines: Patient) -> None:
    address, key = f"/api/v1/patients/{ines.pk}/visits/", {"Idempotency-Key": "4b0a1c7e-24a8-4d63-8b7b-5c9d8e0a1f22"}
    first = api.post(address, {"date": "2026-11-20"}, headers=key)
    again = api.post(address, {"date": "2026-11-20"}, headers=key)
    assert (first.status_code, again.status_code, first.json()["id"]) == (201, 200, again.json()["id"])
    assert api.post(address, {"date": "2026-11-20"}).status_code == 201
    assert api.post(address, {"date": "2026-11-20"}, headers={"Idempotency-Key": "x"}).status_code == 400
    assert ines.visits.count() == 2


def test_note_of_a_photo_has_an_entry_every_time(api: APIClient, visit: Visit) -> None:
    address = f"/api/v1/photos/{make_photo(visit).pk}/"
    for note in ("One.", "Two."):
        api.patch(address, {"note": note})
    assert AccessLog.objects.filter(action=AccessLog.Action.EDIT).count() == 2


def test_table_of_everyone_in_care_is_logged_for_each(api: APIClient, ada: User, visit: Visit) -> None:
    make_patient(ada, name="Omar Haddad")
    answer = api.get("/api/v1/csv/", {"table": "visits", "since": "2026-01-01"})
    assert b"".join(answer).count(b"\r\n") >= 1
    entries = AccessLog.objects.filter(action=AccessLog.Action.EXPORT)
    assert entries.count() == 2
    assert all(entry.detail["key"] for entry in entries)
