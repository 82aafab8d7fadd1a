"""/metrics: closed without its token, counted from rows, and without a word about anyone."""

from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from clinic import metrics
from inference.models import Prediction
from patients.models import Patient, Photo, Task, User, Visit

pytestmark = pytest.mark.django_db
TOKEN = "a token of one test"


@pytest.fixture(autouse=True)
def token(settings: LazySettings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.METRICS_TOKEN = TOKEN
    monkeypatch.setattr(metrics, "messages_waiting", lambda: 7)


def figures(client: Client) -> dict[tuple[str, str], float]:
    """Return each figure by its name and its label."""
    answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.content.decode())
    return {(each.name, "".join(each.labels.values())): each.value for family in families for each in family.samples}


@pytest.mark.parametrize(
    "sent", [None, "", TOKEN, "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"bearer {TOKEN}", "Bearer é"]
)
def test_page_is_not_there_without_the_token(client: Client, sent: str | None) -> None:
    assert client.get("/metrics", headers={} if sent is None else {"Authorization": sent}).status_code == 404


@pytest.mark.parametrize("sent", ["Bearer ", "Bearer", ""])
def test_page_is_not_there_where_no_token_is_set(client: Client, settings: LazySettings, sent: str) -> None:
    settings.METRICS_TOKEN = ""
    assert client.get("/metrics", headers={"Authorization": sent}).status_code == 404


def test_signed_in_people_need_the_token_too(client: Client, ada: User) -> None:
    client.force_login(ada)
    assert client.get("/metrics").status_code == 404


def test_figures_are_counted_from_rows(client: Client, ada: User, visit: Visit) -> None:
    now = timezone.now()
    photos = [
        Photo(visit=visit, width=1, height=1, fingerprint=str(number), uploaded_by=ada, original_name="Ines.jpg")
        for number in range(4)
    ]
    Photo.objects.bulk_create(photos)
    shares = dict.fromkeys("angry disgust fear happy sad surprise neutral".split(), 1 / 7)
    read = {"state": "done", "started_at": now - timedelta(seconds=3), "finished_at": now, "model_version": "1", **shares}
    Prediction.objects.create(photo=photos[0], **read)
    Prediction.objects.create(photo=photos[1], **read | {"started_at": now - timedelta(seconds=1)})
    Prediction.objects.create(photo=photos[2], state="rejected", reason="too_dark", finished_at=now)
    Prediction.objects.create(photo=photos[3], queued_at=now - timedelta(minutes=9))
    Task.objects.create(kind="report", owner=ada, state="failed", reason="fault")
    found = figures(client)
    states = {state: found["affectline_photos", state] for state in Prediction.State.values}
    assert states == {"done": 2, "queued": 1, "rejected": 1, "running": 0, "no_face": 0, "choose_face": 0, "failed": 0}
    assert found["affectline_refusals", "too_dark"] == 1
    assert 540 <= found["affectline_photos_oldest_waiting_seconds", ""] < 600
    assert found["affectline_readings_recent", ""] == 2
    assert found["affectline_reading_seconds_mean", ""] == pytest.approx(2, abs=0.01)
    assert found["affectline_reading_seconds_max", ""] == pytest.approx(3, abs=0.01)
    assert (found["affectline_tasks", "failed"], found["affectline_tasks", "waiting"]) == (1, 0)
    assert found["affectline_queue_messages", ""] == 7
    assert found["affectline_process_resident_bytes", ""] > 10_000_000


def test_no_figure_tells_of_anyone(client: Client, ada: User, ines: Patient, visit: Visit) -> None:
    text = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"}).content.decode()
    for word in (ada.email, ada.display_name, str(ines.pk), str(visit.pk)):
        assert word not in text
    assert {label for _, label in figures(client)} <= {"", "unknown", *Prediction.State.values, *Task.State.values}


def test_figures_take_few_queries(client: Client, django_assert_max_num_queries: object) -> None:
    with django_assert_max_num_queries(9):  # type: ignore[operator]  # of pytest-django
        figures(client)
