"""Readiness: each part by itself, and a heartbeat that only a running worker sends."""

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from inference import health
from inference.health import HEARTBEAT, MISSED_AFTER, beat_heart, last_heartbeat, messages_waiting, readiness
from ml.decode.confinement import LAYERS
from ml.serve.reader import WeightsError
from patients.models import User
from tests.factories import make_clinician

pytestmark = pytest.mark.django_db


class Reader:
    """Stands in for the network."""

    model_version = "9.9.9"


@pytest.fixture(autouse=True)
def living_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the broker answer and the network load."""
    monkeypatch.setattr(health, "broker_answers", lambda url: True)
    monkeypatch.setattr(health, "face_reader", Reader)


def test_nothing_is_ready_before_a_worker_has_spoken(client: Client) -> None:
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "database": True,
        "broker": True,
        "storage": True,
        "worker": False,
        "model": False,
        "confinement": True,
        "layers": dict.fromkeys(("namespace", "capabilities", "landlock", "limits", "seccomp"), True),
    }


def test_everything_is_ready_after_it_has(client: Client) -> None:
    beat_heart()
    heartbeat = last_heartbeat()
    assert heartbeat is not None
    assert heartbeat.model == "9.9.9"
    answer = client.get("/readyz")
    parts = dict.fromkeys(("database", "broker", "storage", "worker", "model", "confinement"), True)
    assert (answer.status_code, answer.json()) == (200, parts | {"layers": dict.fromkeys(LAYERS, True)})


def test_missing_layer_is_named_and_not_ready_unless_accepted(
    client: Client, monkeypatch: pytest.MonkeyPatch, settings: LazySettings
) -> None:
    beat_heart()
    monkeypatch.setattr(health, "missing_layers", lambda: frozenset({"landlock"}))
    health.layers.cache_clear()
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["confinement"]) == (503, False)
    assert [name for name, holds in answer.json()["layers"].items() if not holds] == ["landlock"]
    client.force_login(make_clinician("Kim Berger", "kim@clinic.test", role=User.Role.ADMINISTRATOR))
    assert "landlock is missing, limits, seccomp" in client.get("/health/").content.decode()
    settings.DECODER_LAYERS = frozenset(LAYERS) - {"landlock"}
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["confinement"], answer.json()["layers"]["landlock"]) == (200, True, False)
    health.layers.cache_clear()


def test_worker_that_fell_silent_is_not_ready() -> None:
    cache.set(HEARTBEAT, {"at": (timezone.now() - MISSED_AFTER).isoformat(), "model": "9.9.9"}, None)
    assert (readiness().worker, readiness().model) == (False, False)


def test_sign_of_life_from_the_future_is_none() -> None:
    """The clock was ahead when the heartbeat was stored, and was set back later."""
    cache.set(HEARTBEAT, {"at": (timezone.now() + 2 * MISSED_AFTER).isoformat(), "model": "9.9.9"}, None)
    assert not readiness().worker


def test_worker_without_a_model_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Reader:
        raise WeightsError("the weights are not those of model.json")

    monkeypatch.setattr(health, "face_reader", fail)
    beat_heart()
    assert (readiness().worker, readiness().model) == (True, False)


def test_broker_that_is_away_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    beat = {"at": timezone.now().isoformat(), "model": "9.9.9"}
    cache.set(HEARTBEAT, beat, None)
    assert not readiness().broker  # no broker listens at the address of the tests
    assert not readiness().is_ready


def test_folder_of_pictures_that_cannot_be_written_is_named(client: Client, settings: LazySettings, tmp_path: Path) -> None:
    beat_heart()
    settings.MEDIA_ROOT = tmp_path / "not" / "yet"
    assert readiness().is_ready
    (tmp_path / "not").write_text("a file in its place")
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["storage"], answer.json()["worker"]) == (503, False, True)


def test_messages_of_every_queue_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broker:
        def llen(self, name: str) -> int:
            return {"celery": 1, "photos": 20, "again": 300, "tasks": 4000}[name]

    monkeypatch.setattr(health, "ask_broker", lambda url, question: question(Broker()))
    assert messages_waiting() == 4321
