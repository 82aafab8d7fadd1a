"""Studies and tasks by REST: a researcher's key reaches these and no patient."""

import io
import zipfile

import pytest
from rest_framework.test import APIClient

from patients.models import AccessLog, ApiToken, Consent, Patient, Study, StudyMember, Task, User
from patients.tasks.run import run_task
from tests.factories import make_clinician, make_finished_task, make_patient, make_read_visits, make_study

pytestmark = pytest.mark.django_db
BOTH = (Consent.Purpose.CARE, Consent.Purpose.RESEARCH)


@pytest.fixture
def rosa(db: None) -> User:
    """Return a researcher."""
    return make_clinician("Rosa Reyes", "rosa@clinic.test", role=User.Role.RESEARCHER)


@pytest.fixture
def study(rosa: User, ada: User) -> Study:
    """Return Rosa's study of four patients of Dr Ada in one arm."""
    people = [make_patient(ada, name=f"Person {k}", consents=BOTH) for k in range(4)]
    for patient in people:
        make_read_visits(patient, 2, photos_each=1)
    return make_study(rosa, *people, name="After discharge", smallest_cell=3)


@pytest.fixture
def researcher(rosa: User) -> APIClient:
    """Return a client with Rosa's key."""
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {ApiToken.issue(rosa)}")
    return client


def test_researchers_key_reaches_studies_and_no_patient(researcher: APIClient, study: Study) -> None:
    patient = Patient.objects.first()
    assert patient is not None
    assert researcher.get("/api/v1/me/").json()["role"] == "researcher"
    for path in ("patients/", f"patients/{patient.pk}/", f"patients/{patient.pk}/studies/", "csv/", "consent-texts/"):
        assert researcher.get(f"/api/v1/{path}").status_code == 404, path
    (listed,) = researcher.get("/api/v1/studies/").json()["results"]
    assert (listed["name"], listed["lead"], [arm["name"] for arm in listed["arms"]]) == (
        "After discharge",
        "Rosa Reyes",
        ["treatment"],
    )


def test_group_is_shown_as_on_the_page(researcher: APIClient, study: Study) -> None:
    shown = researcher.get(f"/api/v1/studies/{study.pk}/").json()
    group = shown["group"]
    assert (shown["participants"], shown["visits"], shown["may_export"]) == (4, 8, True)
    assert (group["people"], group["visits"], group["arms"]) == (4, 8, [{"name": "treatment", "people": 4}])
    assert group["means"]["valence"][0]["mean"] == pytest.approx(0.6)
    text = str(shown)
    assert "Person" not in text
    assert not any(str(patient.pk) in text for patient in Patient.objects.all())
    assert AccessLog.objects.get().action == AccessLog.Action.VIEW


def test_small_group_shows_nothing_but_its_size(researcher: APIClient, study: Study) -> None:
    Study.objects.update(smallest_cell=5)
    assert researcher.get(f"/api/v1/studies/{study.pk}/").json()["group"] == {"people": 4, "is_small": True}


def test_study_of_others_does_not_exist(api: APIClient, study: Study) -> None:
    assert api.get("/api/v1/studies/").json()["count"] == 0
    assert api.get(f"/api/v1/studies/{study.pk}/").status_code == 404
    assert api.post(f"/api/v1/studies/{study.pk}/export/").status_code == 404


def test_package_is_made_by_a_task_and_fetched(researcher: APIClient, study: Study, queued: list[str], rosa: User) -> None:
    started = researcher.post(f"/api/v1/studies/{study.pk}/export/", {"format": "csv", "tables": ["visits"]}, format="json")
    assert (started.status_code, started.json()["state"]) == (202, "waiting")
    address = started.headers["Location"]
    assert (address, started.json()["file"]) == (f"/api/v1/tasks/{started.json()['id']}/", None)
    assert researcher.get(f"{address}file/").status_code == 404
    run_task(started.json()["id"])
    done = researcher.get(address).json()
    assert (done["state"], done["file"]["content_type"]) == ("done", "application/zip")
    content = researcher.get(f"{address}file/").content
    assert "visits.csv" in zipfile.ZipFile(io.BytesIO(content)).namelist()
    exports = AccessLog.objects.filter(action=AccessLog.Action.EXPORT)
    assert (exports.count(), exports.exclude(patient="").count()) == (5, 4)  # the start, and one for each person


def test_export_needs_reference_and_right(researcher: APIClient, study: Study, rosa: User) -> None:
    address = f"/api/v1/studies/{study.pk}/export/"
    assert list(researcher.post(address, {"format": "xls"}, format="json").json()["fields"]) == ["format"]
    Study.objects.update(ethics_reference="")
    refused = researcher.post(address)
    assert (refused.status_code, refused.json()["code"]) == (409, "cannot_export")
    User.objects.filter(pk=rosa.pk).update(may_export=False)
    assert researcher.post(address).status_code == 403


def test_study_is_created_and_its_creator_leads_it(researcher: APIClient, rosa: User) -> None:
    sent = {"name": "Sleep", "starts_on": "2026-02-01", "arms": [{"name": "light"}, {"name": "waiting list"}]}
    made = researcher.post("/api/v1/studies/", sent, format="json")
    assert made.status_code == 201
    assert {name: made.json()[name] for name in ("name", "ethics_reference", "lead", "smallest_cell", "fields_seen")} == {
        "name": "Sleep",
        "ethics_reference": "",
        "lead": "Rosa Reyes",
        "smallest_cell": 5,
        "fields_seen": ["expressions", "self_reports", "quality", "events", "age_band"],
    }
    assert [arm["name"] for arm in made.json()["arms"]] == ["light", "waiting list"]
    study = Study.objects.get()
    assert study.grants(rosa, "may_change")
    entry = AccessLog.objects.get()
    assert (entry.action, entry.object_id) == (AccessLog.Action.ADD, str(study.pk))
    again = researcher.post("/api/v1/studies/", sent, format="json")
    assert (again.status_code, list(again.json()["fields"])) == (400, ["name"])
    without_arms = researcher.post("/api/v1/studies/", {"name": "Other", "starts_on": "2026-02-01"}, format="json")
    assert without_arms.json()["fields"] == {"non_field_errors": ["Name at least one arm. A study with one group has one arm."]}
    assert Study.objects.count() == 1


def test_study_keeps_what_is_not_sent(researcher: APIClient, study: Study, ada: User) -> None:
    StudyMember.objects.create(study=study, person=ada, may_export=True)
    address, arm = f"/api/v1/studies/{study.pk}/", study.arms.get()
    seen = researcher.get(address).headers["ETag"]
    sent = {"ethics_reference": "EC 7", "arms": [{"id": arm.pk, "name": "care as usual"}, {"name": "light"}]}
    done = researcher.patch(address, sent, format="json", headers={"If-Match": seen})
    assert done.status_code == 200
    assert [each["name"] for each in done.json()["arms"]] == ["care as usual", "light"]
    assert (done.json()["name"], done.json()["ethics_reference"]) == ("After discharge", "EC 7")
    assert study.participations.filter(arm=arm).count() == 4
    assert study.grants(ada, "may_export")
    assert AccessLog.objects.get(action=AccessLog.Action.EDIT).detail["changed"] == "arms ethics_reference"
    late = researcher.patch(address, {"name": "Late"}, format="json", headers={"If-Match": seen})
    assert (late.status_code, late.json()["code"]) == (412, "changed_meanwhile")
    kept = researcher.patch(address, {"arms": [{"id": arm.pk, "name": ""}]}, format="json")
    assert kept.json()["fields"] == {"non_field_errors": ["An arm with participants can be renamed, not removed."]}


def test_study_is_changed_only_by_those_who_may(api: APIClient, researcher: APIClient, study: Study, ada: User) -> None:
    StudyMember.objects.create(study=study, person=ada, may_export=True)
    address = f"/api/v1/studies/{study.pk}/"
    assert api.patch(address, {"name": "Mine"}, format="json").status_code == 404
    other = Study.objects.create(name="Other", lead=ada, starts_on=study.starts_on)
    arm = other.arms.create(name="one")
    assert researcher.patch(address, {"arms": [{"id": arm.pk, "name": "taken"}]}, format="json").status_code == 404
    assert list(researcher.patch(address, {"closed_on": "2020-01-01"}, format="json").json()["fields"]) == ["closed_on"]
    study.refresh_from_db()
    assert (study.name, study.closed_on) == ("After discharge", None)


def test_clinician_puts_a_patient_into_a_study_and_out(api: APIClient, study: Study, ada: User, ines: Patient) -> None:
    StudyMember.objects.create(study=study, person=ada)
    address, arm = f"/api/v1/patients/{ines.pk}/studies/", study.arms.get()
    refused = api.post(address, {"arm": arm.pk})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_research_consent")
    Consent.give(ines, Consent.Purpose.RESEARCH, ada, on=ines.consents.get().given_on)
    joined = api.post(address, {"arm": arm.pk})
    assert (joined.status_code, joined.json()["number"]) == (201, study.number_of(ines))
    left = api.post(f"{address}{study.pk}/leave/")
    assert (left.status_code, left.json()["left_on"] is None) == (200, False)
    assert api.get(address).json()["results"][0]["study_name"] == "After discharge"
    assert api.post(address, {"arm": arm.pk + 1}).status_code == 404


def test_report_is_started_without_an_entry_before_its_download(api: APIClient, ines: Patient, queued: list[str]) -> None:
    started = api.post(f"/api/v1/patients/{ines.pk}/report/", {"period": "half"})
    task = Task.objects.get()
    assert (started.status_code, task.kind, task.options["period"], task.patients.get()) == (202, "report", "half", ines)
    assert AccessLog.objects.count() == 0
    assert list(api.post(f"/api/v1/patients/{ines.pk}/report/", {"paper": "a3"}).json()["fields"]) == ["paper"]
    assert list(api.post(f"/api/v1/patients/{ines.pk}/report/", {"number": "UNKNOWN"}).json()["fields"]) == ["number"]


def test_tasks_are_listed_cancelled_and_started_again(api: APIClient, foreign: APIClient, ada: User, ines: Patient) -> None:
    task = make_finished_task(ada, ines, "%PDF", "report.pdf")
    listed = api.get("/api/v1/tasks/", {"state": "done"}).json()["results"]
    assert [each["file"]["name"] for each in listed] == ["report.pdf"]
    assert "Ines" not in str(listed)
    assert api.get(f"/api/v1/tasks/{task.pk}/file/").content == b"%PDF"
    assert foreign.get(f"/api/v1/tasks/{task.pk}/").status_code == 404
    assert foreign.get(f"/api/v1/tasks/{task.pk}/file/").status_code == 404
    kept = api.post(f"/api/v1/tasks/{task.pk}/retry/")
    assert (kept.status_code, kept.json()["code"]) == (409, "not_over")
    Task.objects.update(state="failed", reason="no_pdf", file="")
    failed = api.get(f"/api/v1/tasks/{task.pk}/").json()
    assert (failed["reason"]["code"], failed["file"]) == ("no_pdf", None)
    again = api.post(f"/api/v1/tasks/{task.pk}/retry/")
    assert again.status_code == 202
    assert api.post(f"/api/v1/tasks/{again.json()['id']}/cancel/").json()["state"] == "cancelled"
