"""The page Tasks: whose rows it lists, its buttons, downloads and their entries in the access log."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from patients.models import AccessLog, Import, ImportFailure, Membership, Patient, Task, Team, TeamAssignment, User
from patients.models.erasure import ErasureRequest
from patients.tasks.run import run_task, start
from tests.factories import make_photo, make_prediction, make_visit
from tests.patients.tasks.conftest import *  # noqa: F403  # the fixtures

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(ada: User) -> Client:
    client = Client()
    client.force_login(ada)
    return client


def page(client: Client, query: str = "") -> str:
    text = client.get(f"/tasks/{query}").content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text[text.index("<main") :]))


def test_empty_page_says_so(browser: Client) -> None:
    assert "Nothing is running" in page(browser)


def test_running_task_shows_its_progress_and_asks_again(browser: Client, task: Task) -> None:
    Task.objects.claim(str(task.pk))
    Task.objects.update(done=2, total=3, started_at=timezone.now() - timedelta(minutes=4))
    text = browser.get("/tasks/").content.decode()
    assert 'hx-trigger="every 2s"' in text
    assert re.search(r'<progress class="bar"\s+max="3"\s+value="2"', text)
    assert "2 of 3 numbers · about 2 minutes left" in text
    assert 'aria-label="Tasks, 1 running"' in text
    assert '<span class="tally" aria-hidden="true">1</span>' in text


def test_nothing_is_asked_again_once_all_is_over(browser: Client, task: Task) -> None:
    run_task(str(task.pk))
    text = browser.get("/tasks/").content.decode()
    assert "every 2s" not in text
    assert 'class="tally"' not in text
    assert "Kept until" in text
    assert "Counting to 3 is done." in text  # for the live region


def test_htmx_gets_the_lists_alone(browser: Client, task: Task) -> None:
    text = browser.get("/tasks/", headers={"HX-Request": "true"}).content.decode()
    assert text.lstrip().startswith("<div")
    assert "<h1>" not in text
    assert re.search(r'id="tasks-link"\s+hx-swap-oob="true"', text)
    assert 'class="tally" aria-hidden="true">1<' in text


def test_download_is_logged_for_each_patient(browser: Client, task: Task, ines: Patient) -> None:
    run_task(str(task.pk))
    answer = browser.get(f"/tasks/{task.pk}/file/")
    assert answer.content == b"one two three"
    assert answer["Content-Disposition"] == 'attachment; filename="affectline-count.txt"'
    entry = AccessLog.objects.about(ines).first()
    assert entry is not None
    assert (entry.action, entry.detail) == ("export", {"page": "task_count"})


def test_only_the_owner_downloads_cancels_and_retries(task: Task, bo: User, ines: Patient) -> None:
    ines.assign(bo)
    client = Client()
    client.force_login(bo)
    run_task(str(task.pk))
    assert client.get(f"/tasks/{task.pk}/file/").status_code == 404
    for what in ("cancel", "retry", "acknowledge"):
        assert client.post(f"/tasks/{task.pk}/{what}/").status_code == 404


@pytest.mark.parametrize("change", ["right", "care", "day"])
def test_download_ends_with_its_permission_and_its_day(browser: Client, task: Task, ines: Patient, change: str) -> None:
    run_task(str(task.pk))
    if change == "right":
        User.objects.update(may_export=False)
    elif change == "care":
        ines.assignments.all().delete()
    else:
        Task.objects.update(finished_at=timezone.now() - timedelta(hours=24, seconds=1))
    assert browser.get(f"/tasks/{task.pk}/file/").status_code == 404


def test_cancel_button_cancels(browser: Client, task: Task) -> None:
    answer = browser.post(f"/tasks/{task.pk}/cancel/", follow=True)
    assert answer.redirect_chain == [("/tasks/", 302)]
    assert Task.objects.get().state == "cancelled"
    assert "Nothing is running" in page(browser)


def test_failure_needs_its_owner_until_acknowledged(browser: Client, queued: list[str], ada: User) -> None:
    run_task(str(start("count", ada, to=3, fail_at=2).pk))
    assert re.search("Needs review 1 .* It came to 2. Count less. Retry Acknowledge", page(browser))
    task = Task.objects.get()
    browser.post(f"/tasks/{task.pk}/acknowledge/")
    assert "Needs review" not in page(browser)
    browser.post(f"/tasks/{task.pk}/retry/")
    assert sorted(Task.objects.values_list("state", flat=True)) == ["failed", "waiting"]


def test_running_task_cannot_be_retried(browser: Client, task: Task) -> None:
    browser.post(f"/tasks/{task.pk}/retry/")
    assert Task.objects.count() == 1


def test_file_that_is_gone_can_be_created_again(browser: Client, task: Task) -> None:
    run_task(str(task.pk))
    Task.objects.update(finished_at=timezone.now() - timedelta(hours=25))
    assert re.search("Deleted after 24 hours Create again", page(browser))
    browser.post(f"/tasks/{task.pk}/retry/")
    assert Task.objects.filter(state="waiting").count() == 1


def test_task_about_a_patient_no_longer_seen_is_not_listed(browser: Client, task: Task, ines: Patient) -> None:
    ines.assignments.all().delete()
    assert "Counting" not in page(browser)


def test_tasks_of_a_team_are_listed_without_buttons(browser: Client, task: Task, bo: User, ada: User, ines: Patient) -> None:
    team = Team.objects.create(name="Day clinic")
    TeamAssignment.objects.create(patient=ines, team=team)
    for member in (ada, bo):
        Membership.objects.create(team=team, clinician=member)
    client = Client()
    client.force_login(bo)
    assert "Counting" not in page(client)
    text = page(client, "?whose=teams")
    assert "by Dr Ada Lind" in text
    assert "Cancel" not in text
    assert "Counting" not in page(browser, "?whose=teams")
    TeamAssignment.objects.all().delete()
    assert "Counting" not in page(client, "?whose=teams")


def test_work_with_tables_of_its_own_is_listed(browser: Client, ada: User, ines: Patient) -> None:
    failed = Import.objects.create(patient=ines, created_by=ada, asked=33, finished_at=timezone.now())
    ImportFailure.objects.create(imported_in=failed, code="gone")
    Import.objects.create(patient=ines, created_by=ada, asked=4)
    make_prediction(make_photo(make_visit(ines)), state="queued")
    later = timezone.now() + timedelta(hours=5)
    ErasureRequest.queue(ines, "images", ada, "withdrawal", later)
    text = page(browser)
    assert re.search("Needs review 1 .*Import for Ines Moreau .*1 of 33 could not be added. See what failed", text)
    assert re.search("Running and waiting 3 .*0 of 4 photos added", text)
    assert re.search("Analysis of photos of Ines Moreau .*1 photo to go", text)
    assert re.search(f"Erasure of {ines.record_number} .*Until then a new consent stops it", text)


def test_finished_import_says_until_when_it_can_be_undone_and_an_undone_one_when_it_was(
    browser: Client, ada: User, ines: Patient
) -> None:
    now = timezone.now()
    facts = {"patient": ines, "created_by": ada, "asked": 1}
    for age in (timedelta(hours=2), timedelta(hours=30)):
        finished = Import.objects.create(**facts, created_at=now - age, finished_at=now)
        make_photo(make_visit(ines), imported_in=finished)
    undone = Import.objects.create(**facts, created_at=now - timedelta(hours=3), finished_at=now, undone_at=now)
    ImportFailure.objects.create(imported_in=undone, code="gone")
    text = page(browser)
    assert text.count("1 photo added") == 2
    assert text.count("Can be undone until") == 1
    assert text.count("Undone on") == 1
    assert "could not be added" not in text


def test_page_needs_few_queries_whatever_the_number_of_tasks(
    browser: Client, queued: list[str], ada: User, ines: Patient, django_assert_max_num_queries: object
) -> None:
    for _ in range(5):
        start("count", ada, [ines.pk], to=3)
    with django_assert_max_num_queries(15):  # type: ignore[operator]  # a fixture without types
        browser.get("/tasks/", headers={"HX-Request": "true"})
