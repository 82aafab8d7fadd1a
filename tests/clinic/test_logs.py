"""Logs: every line is JSON with the ids of request and user, and names no one."""

import io
import json
import logging
from collections.abc import Iterator

import pytest
from django.test import Client

from clinic.logs import JsonFormatter
from patients.models import Patient, User, Visit
from patients.photos.codes import RejectedPhoto
from tests.factories import upload


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """Return a stream that collects the log from now on."""
    stream = io.StringIO()
    handler, root = logging.StreamHandler(stream), logging.getLogger()
    handler.setFormatter(JsonFormatter())
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def lines(written: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_request_is_one_line_with_its_number_and_the_user(written: io.StringIO, client: Client, ada: User, ines: Patient) -> None:
    client.force_login(ada)
    answer = client.get(f"/patients/{ines.pk}/")
    line = next(line for line in lines(written) if line["message"] == "answered")
    assert (line["request"], line["user"], line["status"]) == (answer.headers["X-Request-ID"], ada.pk, 200)
    assert len(answer.headers["X-Request-ID"]) == 32
    assert line["route"] == "patients/<uuid:patient_id>/"


def test_nothing_logged_tells_whom_it_is_about(
    written: io.StringIO, client: Client, ada: User, visit: Visit, sent: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client.raise_request_exception = False
    client.force_login(ada)
    client.get("/patients/", {"q": visit.patient.name})
    client.post(f"/visits/{visit.pk}/photos/", {"photos": upload(name="ines-at-home.jpg")})
    client.post(f"/visits/{visit.pk}/photos/", {"photos": upload(b"no picture", name="ines-too.jpg")})
    client.post("/accounts/login/", {"login": "someone@clinic.test", "password": "tell no one this"})
    monkeypatch.setattr("patients.views.record.timeline", lambda *_patient_and_user: 1 / 0)
    assert client.get(f"/patients/{visit.patient_id}/").status_code == 500
    text = "\n".join(line for line in written.getvalue().splitlines() if '"logger": "django.db' not in line)
    assert "ZeroDivisionError" in text
    for telling in (
        visit.patient.name,
        visit.patient.record_number,
        "ines-at-home",
        "ines-too",
        "someone@",
        "tell no one",
        ada.email,
    ):
        assert telling not in text


def test_host_with_a_percent_sign_is_logged(written: io.StringIO, client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    assert client.get("/", headers={"Host": "a%d"}).status_code == 400
    assert "a%d" in next(str(line["message"]) for line in lines(written) if line["logger"] == "django.security.DisallowedHost")
    assert "Traceback" not in capsys.readouterr().err


def test_message_with_line_breaks_stays_one_line(written: io.StringIO) -> None:
    logging.getLogger("any").warning("first\n%s", '{"level": "forged"}')
    assert [line["message"] for line in lines(written)] == ['first\n{"level": "forged"}']


def test_outside_a_request_there_is_no_number(written: io.StringIO) -> None:
    logging.getLogger("any").info("worker started")
    assert "request" not in lines(written)[0]


def test_no_line_holds_an_address(written: io.StringIO, client: Client, ada: User, visit: Visit) -> None:
    client.raise_request_exception = False
    asking = Client(enforce_csrf_checks=True)
    asking.post("/phone/a-code-that-still-works/")
    client.force_login(ada)
    client.get("/Ines%20Moreau/")
    client.get("/M%C3%BCller/")
    client.put(f"/visits/{visit.pk}/")
    warned = [line for line in lines(written) if line["level"] == "WARNING"]
    assert {line["logger"] for line in warned} >= {"django.security.csrf", "django.request"}
    text = json.dumps(warned, ensure_ascii=False)
    for telling in ("a-code-that-still-works", "Moreau", "ller", str(visit.pk)):
        assert telling not in text
    assert "Method Not Allowed (PUT): visits/<uuid:visit_id>/" in text


def test_busy_moment_is_a_warning_and_a_fault_an_error(
    written: io.StringIO, client: Client, visit: Visit, ada: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise RejectedPhoto("busy")

    client.raise_request_exception = False
    client.force_login(ada)
    for receive, status in ((refuse, 503), (lambda *args, **options: 1 / 0, 500)):
        monkeypatch.setattr("patients.views.upload.receive_photo", receive)
        answer = client.post(f"/visits/{visit.pk}/photos/", {"photos": upload()}, headers={"Accept": "application/json"})
        assert answer.status_code == status
    assert [line["level"] for line in lines(written) if line["logger"] == "django.request"] == ["WARNING", "ERROR"]
