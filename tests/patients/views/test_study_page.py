"""The page of a study: its states by size, what is hidden, and the mixed model that a worker computes."""

import io
import zipfile

import pytest
from django.test import Client

from inference.models import Prediction
from patients.consent.consent import withdraw_consent
from patients.models import AccessLog, Consent, GroupModel, Participation, Photo, Study, StudyMember, Task, User
from patients.studies.group import group_of
from patients.tasks.run import run_task
from tests.factories import make_clinician, make_study
from tests.patients.studies.groups import ARMS, FIRST, add_reading, make_group

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def no_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tasks waiting: the tests run them."""
    monkeypatch.setattr("patients.tasks.run.run_task.apply_async", lambda arguments, queue: None)


def page_of(browser: Client, study: Study, query: str = "") -> str:
    return browser.get(f"/studies/{study.pk}/{query}").content.decode()


def test_empty_study_says_how_participants_appear(browser: Client, ada: User) -> None:
    page = page_of(browser, make_study(ada))
    assert "Participants appear when their consent to research" in page
    assert '<svg class="fg"' not in page


def test_few_people_are_counted_and_no_more(browser: Client, ada: User) -> None:
    page = page_of(browser, make_group(ada, people=2))
    assert "Too few participants" in page
    assert 'class="fg"' not in page
    assert "Mixed-effects model" not in page
    assert "PHQ-9" not in page


def test_group_shows_means_ages_correlations_and_quality(browser: Client, ada: User) -> None:
    page = page_of(browser, make_group(ada, people=6))
    for words in ("By week since first visit", "Smallest cell", "The model takes some seconds", "Valence and self-report"):
        assert words in page
    assert "48 used" in page.replace("\n", " ").replace("  ", "") or "96 used" in page
    assert "p value" not in page
    assert "p &lt;" not in page


def test_measure_and_lines_are_chosen_in_the_address(browser: Client, ada: User) -> None:
    study = make_group(ada, people=10)
    assert 'class="f0"' in page_of(browser, study)
    assert 'class="f0"' not in page_of(browser, study, "?each=0")
    assert "0 to 27" in page_of(browser, study, "?measure=phq9")
    assert "drawn from" in page_of(browser, study, "?measure=nonsense")


def test_small_arm_is_in_no_number(browser: Client, ada: User) -> None:
    study = make_group(ada, people=6)
    for each in Participation.objects.filter(arm__name=ARMS[1])[:4]:
        Participation.objects.withdraw(each.patient)
    page = page_of(browser, study)
    assert "waiting list 2" not in page
    assert "treatment 6" not in page
    assert "The model needs 5 people" in page


def test_two_model_versions_are_named(browser: Client, ada: User) -> None:
    study = make_group(ada, people=5)
    assert "Several model versions" not in page_of(browser, study)
    add_reading(Participation.objects.all()[0].patient.visits.all()[0], ada, 0.1, version="0.9.0")
    page = page_of(browser, study)
    assert "Several model versions" in page
    assert "0.9.0 read 2 photos (1 visits, 1 people)" in page


def test_clinician_has_older_readings_of_their_own_patients_made_again(
    browser: Client, ada: User, bo: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("patients.photos.reanalyse.loaded_model_version", lambda: "1.0.0")
    study = make_group(ada, people=5)
    StudyMember.objects.create(study=study, person=bo)
    stranger = Client()
    stranger.force_login(bo)
    patient = Participation.objects.all()[0].patient
    Consent.give(patient, Consent.Purpose.CARE, ada, on=FIRST)
    add_reading(patient.visits.all()[0], ada, 0.1, version="0.9.0")
    Photo.objects.filter(predictions__model_version="0.9.0").update(image="aa/aa")
    assert "Re-analyse 2 photos of your patients" in page_of(browser, study)
    assert "photos of your patients" not in page_of(stranger, study)
    stranger.post(f"/studies/{study.pk}/read-again/")
    assert not Prediction.objects.unfinished().exists()
    assert browser.post(f"/studies/{study.pk}/read-again/")["Location"] == "/tasks/"
    queued = Prediction.objects.unfinished().filter(model_version="1.0.0", photo__visit__patient=patient)
    assert queued.count() == 2
    assert [entry.action for entry in AccessLog.objects.about(patient)][:1] == ["retry"]
    assert AccessLog.objects.filter(action="retry").count() == 1
    assert "photos of your patients" not in page_of(browser, study)


@pytest.mark.slow("statsmodels is loaded")
def test_worker_computes_the_model_and_new_data_make_it_old(browser: Client, ada: User) -> None:
    study = make_group(ada, people=8, visits=5)
    browser.post(f"/studies/{study.pk}/model/")
    browser.post(f"/studies/{study.pk}/model/")
    task = Task.objects.get()  # asked for twice, computed once
    assert "Being computed" in page_of(browser, study)
    run_task(str(task.pk))
    task.refresh_from_db()
    assert (task.state, task.reason) == ("done", "")
    stored = GroupModel.objects.get()
    assert stored.checksum == group_of(study).checksum()
    assert stored.result["outcome"] in ("fitted", "without_slope")
    page = page_of(browser, study)
    assert "Change per 4 weeks, treatment minus waiting list" in page
    assert "statsmodels" in page
    assert "Compute again" not in page
    add_reading(Participation.objects.all()[0].patient.visits.all()[0], ada, 0.1)
    assert "Compute again" in page_of(browser, study)


def test_model_with_values_of_someone_who_withdrew_is_not_shown(browser: Client, ada: User) -> None:
    study = make_group(ada, people=6)
    numbers = [person.number for person in group_of(study).people]
    terms = [{"kind": "start", "arm": "waiting list", "is_difference": False, "estimate": 0.5, "low": 0.4, "high": 0.6}]
    terms = [term | {"people": 6, "visits": 24} for term in terms]
    random = {"start": 0.1, "slope": 0.1, "residual": 0.1}
    result = {"outcome": "fitted", "terms": terms, "random": random, "formula": "", "versions": {}, "participants": numbers}
    GroupModel.objects.create(study=study, checksum="0" * 64, result=result)
    assert "Start, waiting list" in page_of(browser, study)
    Participation.objects.withdraw(Participation.objects.all()[0].patient)
    page = page_of(browser, study)
    assert "Start, waiting list" not in page
    assert "The model takes some seconds" in page


def test_model_that_failed_is_one_sentence(browser: Client, ada: User) -> None:
    study = make_group(ada, people=5)
    result = {"outcome": "failed", "versions": {}}
    GroupModel.objects.create(study=study, checksum=group_of(study).checksum(), result=result)
    page = page_of(browser, study)
    assert "could not be estimated" in page
    assert "REML" not in page


def test_task_of_a_former_member_is_not_run(browser: Client, ada: User) -> None:
    study = make_group(ada, people=5)
    browser.post(f"/studies/{study.pk}/model/")
    StudyMember.objects.all().delete()
    run_task(str(Task.objects.get().pk))
    assert (Task.objects.get().state, Task.objects.get().reason) == ("failed", "not_allowed")
    assert not GroupModel.objects.exists()


def test_card_of_the_model_is_there_for_members_alone(strange: Client, ada: User) -> None:
    study = make_study(ada)
    assert strange.get(f"/studies/{study.pk}/model/").status_code == 404
    assert strange.post(f"/studies/{study.pk}/model/").status_code == 404


def task_of(browser: Client, study: Study, **form: object) -> Task:
    """Return the finished task of an export that the page started."""
    browser.post(f"/studies/{study.pk}/export/", {"form": "csv", "table": ["visits"], **form})
    task = Task.objects.latest("created_at")
    run_task(str(task.pk))
    task.refresh_from_db()
    return task


def test_export_is_a_task_whose_download_is_logged_for_everyone_in_it(browser: Client, ada: User) -> None:
    study = make_group(ada, people=5, visits=1)
    task = task_of(browser, study)
    assert (task.state, task.reason, task.content_type) == ("done", "", "application/zip")
    answer = browser.get(f"/tasks/{task.pk}/file/")
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert {"visits.csv", "participants.csv"} < set(archive.namelist())
        assert "photos.csv" not in archive.namelist()
    exported = AccessLog.objects.filter(action="export", detail__page="task_study_export")
    assert exported.values("patient").distinct().count() == 10
    assert study.name in browser.get("/tasks/").content.decode()
    assert "Last:" in page_of(browser, study)


def test_withdrawal_deletes_the_file_that_holds_the_persons_numbers(browser: Client, ada: User) -> None:
    task = task_of(browser, make_group(ada, people=5, visits=1))
    consent = task.patients.all()[0].consents.get(purpose="research")
    withdraw_consent(consent, ada, ada)
    assert browser.get(f"/tasks/{task.pk}/file/").status_code == 404
    assert not Task.objects.get().file


def test_researcher_sees_their_export_listed_and_no_patient(ada: User) -> None:
    rosa = make_clinician("Rosa Reyes", "rosa@clinic.test", role=User.Role.RESEARCHER)
    study = make_group(ada, people=5, visits=1)
    StudyMember.objects.create(study=study, person=rosa, may_export=True)
    client = Client()
    client.force_login(rosa)
    task = task_of(client, study)
    page = client.get("/tasks/").content.decode()
    assert study.name in page
    assert "waiting list 0" not in page
    assert client.get(f"/tasks/{task.pk}/file/").status_code == 200
    StudyMember.objects.filter(person=rosa).update(may_export=False)
    assert client.get(f"/tasks/{task.pk}/file/").status_code == 404


def test_export_needs_both_rights_and_an_ethics_reference(browser: Client, ada: User) -> None:
    study = make_group(ada, people=5, visits=1)
    path = f"/studies/{study.pk}/export/"
    StudyMember.objects.update(may_export=False)
    assert browser.post(path).status_code == 404
    assert "can grant you the export" in page_of(browser, study)
    StudyMember.objects.update(may_export=True)
    User.objects.update(may_export=False)
    assert browser.post(path).status_code == 403
    User.objects.update(may_export=True)
    Study.objects.update(ethics_reference="")
    browser.post(path)
    assert not Task.objects.exists()
    assert "Nothing can be exported without an ethics reference" in page_of(browser, study)


def test_export_of_too_few_fails_with_the_reason(browser: Client, ada: User) -> None:
    task = task_of(browser, make_group(ada, people=2, visits=1))
    assert (task.state, task.reason) == ("failed", "too_few")
    assert "fewer people than its smallest cell" in browser.get("/tasks/").content.decode()
