"""What a program does with a record: consents, events, self-reports, labels, pictures, comparisons."""

from datetime import date, timedelta

import pytest
from django.utils import timezone
from rest_framework.test import APIClient

from patients.consent.erasure import erase_picture
from patients.models import AccessLog, BreakGlass, Consent, ErasureRequest, Event, OwnLabel, Patient, SelfReport, User, Visit
from tests.factories import make_patient, make_photo, make_prediction, make_read_visits, make_visit

pytestmark = pytest.mark.django_db
Action = AccessLog.Action


@pytest.fixture
def omar(ada: User) -> Patient:
    """Return a patient of Dr Ada who has consented to nothing."""
    return make_patient(ada, name="Omar Haddad", consents=())


def entries() -> list[tuple[str, str]]:
    return [(entry.action, entry.object_kind) for entry in AccessLog.objects.order_by("sequence")]


def given(api: APIClient, **changed: str) -> dict[str, str]:
    """Return what a program sends to record consent to care."""
    text = next(each for each in api.get("/api/v1/consent-texts/").json() if each["purpose"] == "care")
    return {"purpose": "care", "method": "signed", "given_on": "2026-11-02", "text_fingerprint": text["fingerprint"]} | changed


def test_consent_is_recorded_and_withdrawn(api: APIClient, omar: Patient) -> None:
    address = f"/api/v1/patients/{omar.pk}/consents/"
    answer = api.post(address, given(api))
    assert (answer.status_code, answer.json()["active"], answer.json()["given_on"]) == (201, True, "2026-11-02")
    assert "stored encrypted" in answer.json()["words"]
    assert Consent.objects.get().recorded_by.display_name == "Dr Ada Lind"
    ended = api.post(f"{address}care/withdraw/")
    assert (ended.status_code, ended.json()["active"]) == (200, False)
    assert ErasureRequest.objects.open_for(omar) is not None
    assert api.post(f"{address}care/withdraw/").status_code == 404
    assert api.get(address, {"active": True}).json()["count"] == 0
    assert entries() == [(Action.CONSENT, ""), (Action.WITHDRAW, ""), (Action.VIEW, "")]
    assert AccessLog.objects.order_by("-sequence")[0].detail["page"] == "consents"


def test_consent_that_cannot_be_recorded_says_why(api: APIClient, omar: Patient) -> None:
    address = f"/api/v1/patients/{omar.pk}/consents/"
    tomorrow = (timezone.localdate() + timedelta(days=2)).isoformat()
    assert api.post(address, given(api, text_fingerprint="0" * 16)).json()["code"] == "text_changed"
    assert list(api.post(address, given(api, given_on=tomorrow)).json()["fields"]) == ["given_on"]
    assert list(api.post(address, given(api, method="by phone")).json()["fields"]) == ["method"]
    api.post(address, given(api))
    again = api.post(address, given(api))
    assert (again.status_code, again.json()["code"]) == (409, "already_given")
    assert Consent.objects.count() == 1


def test_emergency_access_opens_nothing_to_a_program(foreign: APIClient, bo: User, omar: Patient) -> None:
    now = timezone.now()
    BreakGlass.objects.create(patient=omar, clinician=bo, reason="Overdose", opened_at=now, ends_at=now + timedelta(hours=2))
    address = f"/api/v1/patients/{omar.pk}/consents/"
    assert foreign.get(address).status_code == 404
    assert foreign.post(address, given(foreign)).status_code == 404
    assert foreign.post(f"{address}care/withdraw/").status_code == 404
    browser = APIClient()
    browser.force_login(bo)
    assert browser.get(address).status_code == 404  # nor to a browser: the answer is data to take along


def test_event_is_added_changed_and_deleted(api: APIClient, ines: Patient) -> None:
    sent = {"kind": "medication", "label": "Sertraline 50 mg", "starts_on": "2026-03-01", "goes_on": True}
    added = api.post(f"/api/v1/patients/{ines.pk}/events/", sent)
    assert (added.status_code, added.json()["goes_on"], added.json()["ends_on"]) == (201, True, None)
    address = f"/api/v1/events/{added.json()['id']}/"
    changed = api.patch(address, {"goes_on": False, "ends_on": "2026-04-01"})
    assert (changed.status_code, changed.json()["label"], changed.json()["ends_on"]) == (200, "Sertraline 50 mg", "2026-04-01")
    assert Event.objects.get().goes_on is False
    assert api.delete(address).status_code == 204
    assert entries() == [(Action.ADD, "event"), (Action.EDIT, "event"), (Action.DELETE, "event")]


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"ends_on": "2026-02-01"}, "ends_on"),
        ({"starts_on": "1890-01-01"}, "starts_on"),
        ({"goes_on": True, "ends_on": "2026-04-01"}, "goes_on"),
        ({"kind": "party"}, "kind"),
        ({"label": ""}, "label"),
        ({"label": "x" * 121}, "label"),
    ],
)
def test_event_follows_the_rules_of_its_form(api: APIClient, ines: Patient, changed: dict[str, object], name: str) -> None:
    address = f"/api/v1/patients/{ines.pk}/events/"
    sent = {"kind": "note", "label": "Moved", "starts_on": "2026-03-01"}
    refused = api.post(address, sent | changed)
    assert (refused.status_code, list(refused.json()["fields"])) == (400, [name])
    event = api.post(address, sent).json()["id"]
    assert list(api.patch(f"/api/v1/events/{event}/", changed).json()["fields"]) == [name]
    assert api.get(f"/api/v1/events/{event}/").json()["label"] == "Moved"


def test_events_are_made_once_and_filtered(api: APIClient, ines: Patient) -> None:
    address, key = f"/api/v1/patients/{ines.pk}/events/", {"Idempotency-Key": "4b0a1c7e-24a8-4d63-8b7b-5c9d8e0a1f22"}
    sent = {"kind": "note", "label": "Moved", "starts_on": "2026-03-01"}
    assert [api.post(address, sent, headers=key).status_code for _ in range(2)] == [201, 200]
    api.post(address, sent | {"kind": "therapy", "starts_on": "2026-05-01"})
    assert api.get(address, {"kind": "note"}).json()["count"] == 1
    assert [each["kind"] for each in api.get(address, {"ordering": "starts_on"}).json()["results"]] == ["note", "therapy"]


def test_unseen_change_of_an_event_or_a_report_is_kept(api: APIClient, ines: Patient, visit: Visit, ada: User) -> None:
    event = Event.objects.create(patient=ines, kind="note", label="Moved", starts_on=date(2026, 2, 3), created_by=ada)
    for address, first, second in (
        (f"/api/v1/events/{event.pk}/", {"label": "Moved house"}, {"label": "New job"}),
        (f"/api/v1/visits/{visit.pk}/self-report/", {"mood": 3}, {"mood": 8}),
    ):
        seen = api.get(address).headers["ETag"]
        assert api.patch(address, first, headers={"If-Match": seen}).status_code == 200
        assert api.patch(address, second, headers={"If-Match": seen}).status_code == 412
        assert first.items() <= api.get(address).json().items()


def test_self_report_keeps_what_was_not_sent(api: APIClient, visit: Visit) -> None:
    address = f"/api/v1/visits/{visit.pk}/self-report/"
    assert api.get(address).json() == {"mood": None, "phq9": None, "gad7": None, "saved_at": None}
    assert api.patch(address, {"mood": 4, "phq9": 12}, format="json").status_code == 200
    api.patch(address, {"mood": None, "gad7": 0}, format="json")
    report = SelfReport.objects.get()
    assert (report.mood, report.phq9, report.gad7) == (None, 12, 0)
    for sent in ({"mood": 11}, {"phq9": 28}, {"gad7": -1}):
        assert list(api.patch(address, sent, format="json").json()["fields"]) == list(sent)
    pages = [entry.detail["page"] for entry in AccessLog.objects.filter(action=Action.EDIT)]
    assert pages == ["save_self_report"] * 2


def test_label_is_given_and_taken_back(api: APIClient, visit: Visit, bo: User) -> None:
    photo = make_photo(visit)
    make_prediction(photo)
    OwnLabel.objects.create(photo=photo, clinician=bo, label="sad")
    address = f"/api/v1/photos/{photo.pk}/label/"
    assert api.get(address).json()["label"] is None  # a colleague's label is not shown
    answer = api.put(address, {"label": "happy", "remark": "Broad."}, format="json")
    assert (answer.status_code, answer.json()["label"], answer.json()["remark"]) == (200, "happy", "Broad.")
    assert OwnLabel.objects.get(label="happy").box == {"left": 8, "top": 6, "width": 24, "height": 30}
    assert api.put(address, {"label": "bored"}, format="json").status_code == 400
    assert api.put(address, {"label": None}, format="json").json()["label"] is None
    assert OwnLabel.objects.get().clinician == bo
    assert [action for action, _kind in entries()] == [Action.VIEW, Action.LABEL, Action.LABEL]


def test_photo_is_excluded_included_and_dismissed(api: APIClient, visit: Visit) -> None:
    photo = make_photo(visit)
    make_prediction(photo)
    address = f"/api/v1/photos/{photo.pk}/"
    shown = api.post(f"{address}exclude/", {"reason": "Blurred"}).json()
    assert (shown["excluded"], shown["excluded_reason"], shown["used"]) == (True, "Blurred", False)
    assert api.post(f"{address}exclude/", {"reason": "x" * 201}).status_code == 400
    assert api.post(f"{address}include/").json()["used"] is True
    assert api.post(f"{address}dismiss/").json()["dismissed"] is True
    assert [action for action, _kind in entries()] == [Action.EXCLUDE, Action.INCLUDE, Action.DISMISS]


def test_pictures_are_sent_and_never_stored(api: APIClient, foreign: APIClient, visit: Visit) -> None:
    photo = make_photo(visit)
    make_prediction(photo, explanation_png=b"map", explanation_drop=0.1)
    kinds = {"image": "image/jpeg", "preview": "image/jpeg", "input": "image/png", "map": "image/png", "faces/0": "image/jpeg"}
    for part, kind in kinds.items():
        answer = api.get(f"/api/v1/photos/{photo.pk}/{part}/")
        assert (answer.headers["Content-Type"], answer.headers["Cache-Control"]) == (kind, "no-store")
        assert foreign.get(f"/api/v1/photos/{photo.pk}/{part}/").status_code == 404
    assert {action for action, _kind in entries()} == {Action.IMAGE}
    erase_picture(photo)
    gone = api.get(f"/api/v1/photos/{photo.pk}/image/")
    assert (gone.status_code, gone.json()["code"]) == (404, "not_found")


def test_map_that_cannot_be_made_is_a_conflict(api: APIClient, visit: Visit) -> None:
    photo = make_photo(visit)
    make_prediction(photo, model_version="0.0.1")
    answer = api.post(f"/api/v1/photos/{photo.pk}/explain/")
    assert (answer.status_code, answer.json()["code"]) == (409, "cannot_explain")


def test_record_is_read_again_with_the_current_model(api: APIClient, visit: Visit, sent: list[str]) -> None:
    address = f"/api/v1/patients/{visit.patient_id}/read-again/"
    refused = api.post(address)
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_to_read")
    make_prediction(make_photo(visit), model_version="0.0.1")
    answer = api.post(address)
    assert (answer.status_code, answer.json()) == (202, {"photos": 1})
    assert entries() == [(Action.RETRY, "")]


def test_two_visits_and_two_periods_are_compared(api: APIClient, ines: Patient) -> None:
    visits = make_read_visits(ines, 5)
    address = f"/api/v1/patients/{ines.pk}/compare/"
    found = api.get(address).json()
    assert (found["first"]["visits"], found["second"]["visits"]) == ([str(visits[3].pk)], [str(visits[4].pk)])
    assert [row["name"] for row in found["rows"]][:2] == ["valence", "angry"]
    assert (found["rows"][0]["difference"], found["rows"][0]["stands_out"]) == (0, False)
    assert found["usual_range"]["is_provisional"] is True
    days = {"a_from": "2026-01-01", "a_to": "2026-01-14", "b_from": "2026-01-15", "b_to": "2026-02-28"}
    periods = api.get(address, days).json()
    assert (periods["first"]["photos"], periods["second"]["photos"]) == (6, 9)
    assert api.get(address, {"a": "baseline", "b": str(visits[4].pk)}).status_code == 400  # on both sides
    assert list(api.get(address, {"a": "soon"}).json()["fields"]) == ["a"]
    assert list(api.get(address, days | {"a_to": "2025-01-01"}).json()["fields"]) == ["a_to"]


def test_comparison_of_too_few_visits_is_empty(api: APIClient, visit: Visit) -> None:
    found = api.get(f"/api/v1/patients/{visit.patient_id}/compare/").json()
    assert found == {"first": None, "second": None, "rows": [], "usual_range": None}


def test_timeline_has_the_usual_range(api: APIClient, ines: Patient) -> None:
    make_read_visits(ines, 4, photos_each=1)
    shown = api.get(f"/api/v1/patients/{ines.pk}/timeline/").json()
    assert len(shown["points"]) == 4
    assert (shown["usual_range"]["low"], len(shown["usual_range"]["visits"])) == (pytest.approx(0.6), 4)


@pytest.mark.parametrize(
    ("table", "start"), [("photos", "record_number,"), ("visits", "record_number,"), ("events", "record_number,")]
)
def test_each_table_is_sent_as_csv(api: APIClient, visit: Visit, table: str, start: str) -> None:
    for address in (f"/api/v1/patients/{visit.patient_id}/csv/", f"/api/v1/visits/{visit.pk}/csv/", "/api/v1/csv/"):
        text = b"".join(api.get(address, {"table": table})).decode()
        assert text.startswith("record_number,")


def test_day_outside_the_request_is_not_exported(api: APIClient, visit: Visit) -> None:
    make_visit(visit.patient, date(2026, 1, 5))
    for each in visit.patient.visits.all():
        make_prediction(make_photo(each))
    address = f"/api/v1/patients/{visit.patient_id}/csv/"
    text = b"".join(api.get(address, {"table": "visits", "until": "2026-06-30"})).decode()
    assert ("2026-01-05" in text, "2026-11-20" in text) == (True, False)
