"""The REST interface: what it answers, and that a foreign row does not exist."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.utils import timezone
from rest_framework.test import APIClient

from inference.dispatch import current_model_version
from patients.consent.erasure import erase_picture
from patients.models import Patient, Photo, User, Visit
from patients.models.formats import clinic_today
from patients.photos import decoding
from patients.photos.receive import receive_photo
from tests.answers import close_unread
from tests.factories import make_patient, make_photo, make_prediction, make_visit, picture, upload

pytestmark = pytest.mark.django_db


def test_without_a_key_nothing_is_answered() -> None:
    response = APIClient().get("/api/v1/patients/")
    assert response.status_code == 401
    assert response.json()["code"] == "not_authenticated"
    assert response.headers["WWW-Authenticate"] == "Bearer"


def test_clinicians_see_only_their_own_patients(api: APIClient, foreign: APIClient, ines: Patient) -> None:
    assert [each["name"] for each in api.get("/api/v1/patients/").json()["results"]] == ["Ines Moreau"]
    assert foreign.get("/api/v1/patients/").json()["results"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/v1/patients/{patient}/"),
        ("patch", "/api/v1/patients/{patient}/"),
        ("get", "/api/v1/patients/{patient}/csv/"),
        ("get", "/api/v1/patients/{patient}/timeline/"),
        ("get", "/api/v1/patients/{patient}/visits/"),
        ("post", "/api/v1/patients/{patient}/visits/"),
        ("get", "/api/v1/visits/{visit}/"),
        ("patch", "/api/v1/visits/{visit}/"),
        ("get", "/api/v1/visits/{visit}/csv/"),
        ("get", "/api/v1/visits/{visit}/photos/"),
        ("post", "/api/v1/visits/{visit}/photos/"),
        ("get", "/api/v1/photos/{photo}/"),
        ("delete", "/api/v1/photos/{photo}/"),
        ("post", "/api/v1/photos/{photo}/choose-face/"),
        ("post", "/api/v1/photos/{photo}/retry/"),
    ],
)
def test_foreign_row_does_not_exist(api: APIClient, foreign: APIClient, visit: Visit, method: str, path: str) -> None:
    photo = make_photo(visit)
    make_prediction(photo)
    address = path.format(patient=visit.patient_id, visit=visit.id, photo=photo.id)
    wanted = {"date": "2026-11-20", "face": 0}
    sent = {} if method == "get" else wanted
    assert getattr(foreign, method)(address, sent).status_code == 404
    assert getattr(api, method)(address, sent).status_code != 404


def test_new_patient_belongs_to_who_added_them(api: APIClient, ada: User) -> None:
    answer = api.post("/api/v1/patients/", {"name": "Omar", "record_number": "R-9", "birth_date": "1980-01-01"})
    assert answer.status_code == 201
    assert Patient.objects.visible_to(ada).get().name == "Omar"


def test_record_number_is_taken_once(api: APIClient, ines: Patient) -> None:
    answer = api.post(
        "/api/v1/patients/", {"name": "Omar", "record_number": f" {ines.record_number.lower()}", "birth_date": "1980-01-01"}
    )
    assert answer.status_code == 400
    assert answer.json()["fields"]["record_number"] == [
        "A patient with this record number already exists. Ask to be assigned, or check the number."
    ]
    assert api.patch(f"/api/v1/patients/{ines.id}/", {"record_number": ines.record_number}).status_code == 200


def test_photo_goes_in_and_its_state_comes_out(api: APIClient, visit: Visit, sent: list[str]) -> None:
    answer = api.post(f"/api/v1/visits/{visit.id}/photos/", {"file": upload()})
    assert answer.status_code == 201
    assert answer.json()["prediction"]["state"] == "queued"
    photo = Photo.objects.get()
    make_prediction(photo, model_version="later")
    body = api.get(f"/api/v1/photos/{photo.id}/").json()
    assert body["prediction"]["probabilities"]["happy"] == pytest.approx(0.6)
    assert body["used"] is True


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [(b"hello", 422, "unsupported_format"), (b"", 422, "empty"), (picture()[:200], 422, "unreadable")],
)
def test_refused_file_says_why(api: APIClient, visit: Visit, content: bytes, status: int, code: str) -> None:
    answer = api.post(f"/api/v1/visits/{visit.id}/photos/", {"file": upload(content)})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.json()["message"].endswith(".")


def test_too_large_a_file_has_the_same_status_as_on_the_page(api: APIClient, visit: Visit, settings: LazySettings) -> None:
    settings.PHOTO_MAX_BYTES = 10
    answer = api.post(f"/api/v1/visits/{visit.id}/photos/", {"file": upload()})
    assert (answer.status_code, answer.json()["code"], answer.json()["retry"]) == (413, "too_large", False)


def test_duplicate_is_a_conflict(api: APIClient, visit: Visit, sent: list[str]) -> None:
    address = f"/api/v1/visits/{visit.id}/photos/"
    api.post(address, {"file": upload()})
    answer = api.post(address, {"file": upload()})
    assert (answer.status_code, answer.json()["code"]) == (409, "duplicate_in_visit")


def test_upload_to_a_busy_server_is_told_when_to_come_again(api: APIClient, visit: Visit, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "_threads", threading.BoundedSemaphore(1))
    with decoding._threads:
        answer = api.post(f"/api/v1/visits/{visit.id}/photos/", {"file": upload()})
    assert (answer.status_code, answer.json()["code"], answer["Retry-After"]) == (503, "busy", "2")


def test_day_of_a_duplicate_is_a_date_for_programs_and_words_for_people(api: APIClient, visit: Visit, sent: list[str]) -> None:
    api.post(f"/api/v1/visits/{make_visit(visit.patient).id}/photos/", {"file": upload()})
    answer = api.post(f"/api/v1/visits/{visit.id}/photos/", {"file": upload()}, headers={"Accept-Language": "de"}).json()
    assert (answer["code"], answer["detail"]["date"]) == ("duplicate_in_patient", "2026-11-20")
    assert "2026-11-20" not in answer["message"]


def test_photo_of_another_patient_is_asked_back(api: APIClient, ada: User, bo: User, visit: Visit, sent: list[str]) -> None:
    address = f"/api/v1/visits/{visit.id}/photos/"
    foreign, own = make_visit(make_patient(bo)), make_visit(make_patient(ada, name="Omar Haddad"))
    receive_photo(foreign, upload(), bo)
    answer = api.post(address, {"file": upload()}).json()
    assert (answer["code"], answer["detail"]) == ("duplicate_in_other_patient", {})
    receive_photo(own, upload(), ada, keep_duplicate=True)
    answer = api.post(address, {"file": upload()}).json()
    assert answer["detail"] == {"visit": str(own.pk), "name": "Omar Haddad", "date": "2026-11-20"}
    assert api.post(address, {"file": upload(), "keep_duplicate": True}).status_code == 201


def test_choosing_a_face_queues_the_photo_again(api: APIClient, visit: Visit) -> None:
    photo = make_photo(visit)
    box = {"left": 0, "top": 0, "width": 9, "height": 9}
    prediction = make_prediction(photo, "choose_face", faces=[{"box": box}, {"box": box}], model_version=current_model_version())
    address = f"/api/v1/photos/{photo.id}/choose-face/"
    assert api.post(address, {"face": 2}).status_code == 400
    answer = api.post(address, {"face": 1})
    assert (answer.status_code, answer.json()["prediction"]["state"]) == (202, "queued")
    shown = answer.json()["prediction"]
    assert (shown["faces"], shown["chosen_face"], shown["quality"]) == ([], None, [])  # those of the former reading are not told
    prediction.refresh_from_db()
    assert prediction.wanted_box == box


def test_face_chosen_while_another_is_read_is_a_conflict_and_a_retry_is_none(api: APIClient, visit: Visit) -> None:
    photo = make_photo(visit)
    box = {"left": 0, "top": 0, "width": 9, "height": 9}
    make_prediction(photo, "running", faces=[{"box": box}, {"box": box}], model_version=current_model_version())
    answer = api.post(f"/api/v1/photos/{photo.id}/choose-face/", {"face": 1})
    assert (answer.status_code, answer.json()["code"]) == (409, "being_read")
    assert api.post(f"/api/v1/photos/{photo.id}/retry/").status_code == 202


def test_refusal_of_the_gate_says_why(api: APIClient, visit: Visit, ada: User) -> None:
    User.objects.filter(pk=ada.pk).update(may_export=False)
    denied, missing = api.get(f"/api/v1/visits/{visit.id}/csv/"), api.get(f"/api/v1/visits/{visit.patient_id}/")
    assert denied.json() == {"code": "denied", "message": "You may not do this."}
    assert (missing.status_code, bool(missing.json()["message"])) == (404, True)


@pytest.mark.parametrize(("why", "code"), [("erased", "photo_erased"), ("withdrawn", "no_consent")])
def test_photo_that_may_not_be_read_is_a_conflict(api: APIClient, visit: Visit, why: str, code: str) -> None:
    photo = make_photo(visit)
    make_prediction(photo)
    if why == "erased":
        erase_picture(photo)
    else:
        visit.patient.consents.all().delete()
    answer = api.post(f"/api/v1/photos/{photo.id}/retry/")
    assert (answer.status_code, answer.json()["code"]) == (409, code)
    assert answer.json()["message"].endswith(".")


def test_csv_is_sent_to_who_asks_for_csv(api: APIClient, visit: Visit) -> None:
    for path in (f"/api/v1/patients/{visit.patient_id}/csv/", f"/api/v1/visits/{visit.pk}/csv/"):
        answer = api.get(path, headers={"Accept": "text/csv"})
        assert (answer.status_code, answer.headers["Content-Type"].split(";")[0]) == (200, "text/csv")
        close_unread(answer)
    assert api.get("/api/v1/patients/", headers={"Accept": "text/csv"}).json()["count"] == 1


def test_deleted_photo_is_gone_with_its_files(api: APIClient, visit: Visit, django_capture_on_commit_callbacks: Any) -> None:
    photo = make_photo(visit)
    with django_capture_on_commit_callbacks(execute=True):
        assert api.delete(f"/api/v1/photos/{photo.id}/").status_code == 204
    assert not photo.image.storage.exists(str(photo.image.name))


def test_list_of_photos_takes_the_same_queries_however_long(
    api: APIClient, visit: Visit, django_assert_max_num_queries: Any
) -> None:
    for _ in range(12):
        make_prediction(make_photo(visit))
    api.get(f"/api/v1/visits/{visit.id}/photos/")
    with django_assert_max_num_queries(9):  # three each for the key and the access log: this is one look with the one before
        assert api.get(f"/api/v1/visits/{visit.id}/photos/").json()["count"] == 12


def test_csv_is_a_download(api: APIClient, visit: Visit) -> None:
    answer = api.get(f"/api/v1/visits/{visit.id}/csv/?bom")
    name = f"affectline-photos-{clinic_today()}-{str(visit.id)[:8]}.csv"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert b"".join(answer).startswith(b"\xef\xbb\xbfrecord_number,")


def test_schema_describes_every_address_without_a_warning(api: APIClient, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", "--file", "/dev/null")
    paths = api.get("/api/v1/schema/?format=json").json()["paths"]
    assert "/api/v1/visits/{visit}/photos/" in paths


def test_pages_of_the_schema_load_nothing_from_elsewhere_and_need_no_key(client: Any) -> None:
    assert client.get("/api/v1/schema/").status_code == 200
    page = client.get("/api/v1/docs/").content.decode()
    assert "swagger-ui-bundle" in page
    assert "//" not in page.replace("http://www.w3.org", "")
    assert "<script>" not in page
    assert "<style" not in page


def test_days_before_birth_are_refused(api: APIClient, visit: Visit) -> None:
    for answer in (
        api.post(f"/api/v1/patients/{visit.patient_id}/visits/", {"date": "0202-11-20"}),
        api.patch(f"/api/v1/visits/{visit.pk}/", {"date": "0202-11-20"}),
    ):
        assert answer.status_code == 400
        assert "before the patient’s date of birth" in str(answer.json()["fields"])
    answer = api.post("/api/v1/patients/", {"name": "Tom Young", "record_number": "R-77", "birth_date": "0202-11-20"})
    assert "Check the year" in str(answer.json()["fields"])


def test_days_to_come_are_refused(api: APIClient, visit: Visit) -> None:
    tomorrow = timezone.localdate() + timedelta(days=2)
    born = {"name": "Tom Young", "record_number": "R-77", "birth_date": tomorrow}
    for answer in (
        api.post("/api/v1/patients/", born),
        api.post(f"/api/v1/patients/{visit.patient_id}/visits/", {"date": tomorrow}),
        api.patch(f"/api/v1/visits/{visit.pk}/", {"date": tomorrow}),
    ):
        assert answer.status_code == 400
        assert "cannot be in the future" in str(answer.json()["fields"])
