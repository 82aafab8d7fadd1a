"""FHIR leaves by page, by program and by command, with the rights and the entries of any export."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from rest_framework.test import APIClient

from patients.models import AccessLog, ApiToken, BreakGlass, Patient, Task, User, Visit
from patients.tasks.run import run_task
from tests.factories import make_photo, make_prediction

pytestmark = pytest.mark.django_db


def kinds(content: bytes) -> list[str]:
    return [entry["resource"]["resourceType"] for entry in json.loads(content)["entry"]]


def exports() -> list[tuple[str, object]]:
    """Return kind and page of each export in the access log."""
    entries = AccessLog.objects.filter(action=AccessLog.Action.EXPORT).order_by("sequence")
    return [(entry.object_kind, entry.detail.get("page")) for entry in entries]


def test_visit_is_sent_at_once(browser: Client, visit: Visit) -> None:
    assert f'action="/visits/{visit.pk}/fhir/"' in browser.get(f"/visits/{visit.pk}/export/").content.decode()
    answer = browser.get(f"/visits/{visit.pk}/fhir/")
    assert answer["Content-Type"] == "application/fhir+json; charset=utf-8"
    assert answer["Content-Disposition"].endswith(f'-{str(visit.pk)[:8]}.json"')
    assert "Encounter" in kinds(b"".join(answer.streaming_content))  # type: ignore[attr-defined]  # a streamed answer
    assert exports() == [("visit", "visit_fhir")]
    assert "as FHIR" in browser.get(f"/patients/{visit.patient_id}/access-log/").content.decode()


def test_whole_record_is_a_task_and_its_download_is_the_export(
    browser: Client, visit: Visit, queued: list[str], django_capture_on_commit_callbacks: Any
) -> None:
    make_prediction(make_photo(visit))
    with django_capture_on_commit_callbacks(execute=True):
        assert browser.post(f"/patients/{visit.patient_id}/fhir/")["Location"] == "/tasks/"
    run_task(queued[0])
    task = Task.objects.get()
    assert (task.state, task.done, task.total, exports()) == ("done", 1, 1, [])
    page = browser.get("/tasks/").content.decode()
    assert "FHIR record of Ines Moreau" in page
    assert kinds(browser.get(f"/tasks/{task.pk}/file/").content)[:2] == ["CodeSystem", "Patient"]
    assert exports() == [("", "task_fhir")]


def test_no_one_else_gets_it(strange: Client, browser: Client, visit: Visit, ada: User, bo: User) -> None:
    pages = [("get", f"/visits/{visit.pk}/fhir/"), ("post", f"/patients/{visit.patient_id}/fhir/")]
    assert [getattr(strange, method)(path).status_code for method, path in pages] == [404, 404]
    BreakGlass.objects.create(patient=visit.patient, clinician=bo, reason="Overdose", ends_at=timezone.now() + timedelta(hours=1))
    assert [getattr(strange, method)(path).status_code for method, path in pages] == [403, 403]
    User.objects.filter(pk=ada.pk).update(may_export=False)
    assert [getattr(browser, method)(path).status_code for method, path in pages] == [403, 403]
    assert exports() == []


def test_program_gets_patient_and_visit(api: APIClient, visit: Visit, bo: User) -> None:
    for path in (f"/api/v1/patients/{visit.patient_id}/fhir/", f"/api/v1/visits/{visit.pk}/fhir/"):
        answer = api.get(path)
        assert answer["Content-Type"].startswith("application/fhir+json")
        assert "Encounter" in kinds(answer.getvalue())
    assert exports() == [("", "patient_fhir"), ("visit", "visit_fhir")]
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {ApiToken.issue(bo)}")
    assert api.get(path).status_code == 404
    User.objects.update(may_export=False)
    visit.patient.assign(bo)
    assert api.get(path).status_code == 403


def test_command_writes_a_private_file_and_an_entry(visit: Visit, ada: User, tmp_path: Path) -> None:
    whole, one = tmp_path / "whole.json", tmp_path / "one.json"
    call_command("export_fhir", visit.patient.record_number, "--for", ada.email, "--out", str(whole))
    call_command("export_fhir", str(visit.patient_id), "--visit", str(visit.pk), "--for", ada.email, "--out", str(one))
    assert whole.stat().st_mode & 0o777 == 0o600
    assert [kinds(each.read_bytes()).count("Encounter") for each in (whole, one)] == [1, 1]
    assert exports() == [("", "patient_fhir"), ("visit", "visit_fhir")]


def test_command_refuses_who_may_not(visit: Visit, ines: Patient, ada: User, bo: User, tmp_path: Path) -> None:
    out = ["--out", str(tmp_path / "out.json")]
    with pytest.raises(CommandError, match="in the care"):
        call_command("export_fhir", ines.record_number, "--for", bo.email, *out)
    with pytest.raises(CommandError, match="no such visit"):
        call_command("export_fhir", str(ines.pk), "--visit", "x", "--for", ada.email, *out)
    User.objects.update(may_export=False)
    with pytest.raises(CommandError, match="may not export"):
        call_command("export_fhir", str(ines.pk), "--for", ada.email, *out)
    assert not (tmp_path / "out.json").exists()
    assert exports() == []
