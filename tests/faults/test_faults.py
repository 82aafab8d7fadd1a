"""Real processes that die, disappear and return: every photo becomes final exactly once."""

import json
import os
import re
import signal
import urllib.error
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from uuid import uuid4

import pytest

from clinic import celery_app
from inference.health import beat_heart
from inference.tasks import predict
from tests.engines.brokers import Broker
from tests.engines.installation import Installation, eventually
from tests.engines.portraits import portrait
from tests.engines.seed import seeded
from tests.faults.endings import assert_each_ended_once

KILLS = int(os.environ.get("KILLS", "2"))


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """Yield a broker that the installation does not supervise."""
    broker = Broker("valkey", tmp_path_factory.mktemp("broker"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, broker: Broker) -> Iterator[Installation]:
    """Yield an installation that treats a photo as lost after seconds instead of half a minute."""
    var = tmp_path_factory.mktemp("faults") / "var"
    installation = Installation(
        var, REDIS_URL=broker.url, READ_TIME_LIMIT_SECONDS="10", SWEEP_SECONDS="2", DATABASE_WAIT_SECONDS="4"
    )
    installation.start_from(seeded(tmp_path_factory))
    installation.count_endings()
    yield installation
    installation.stop()


def upload(installation: Installation, visit: str, numbers: Iterable[int]) -> None:
    for number in numbers:
        installation.upload(visit, portrait(number))


def pictures(installation: Installation) -> set[Path]:
    return {path for path in (installation.var / "photos").rglob("*") if path.is_file()}


def running(installation: Installation) -> bool:
    with installation.database() as connection:
        return bool(connection.execute("SELECT 1 FROM inference_prediction WHERE state = 'running'").fetchone())


def is_back(installation: Installation, killed: int) -> bool:
    return installation.worker() not in (0, killed)


@pytest.mark.slow("photos count as lost only after seconds, and the sweep then finds them")
def test_worker_killed_in_the_middle_of_a_batch(installation: Installation) -> None:
    photos, killed = 6, 0
    visit = installation.new_visit()
    upload(installation, visit, range(photos))
    while killed < KILLS:
        if installation.all_final(visit):
            upload(installation, visit, [photos])
            photos += 1
        if running(installation) and (worker := installation.worker()):
            os.kill(worker, signal.SIGKILL)
            killed += 1
            eventually(partial(is_back, installation, worker), "the worker is back")
    assert_each_ended_once(installation, visit, photos)


@pytest.mark.slow("photos count as lost only after seconds, and the sweep then finds them")
def test_broker_down_during_upload(installation: Installation, broker: Broker) -> None:
    visit = installation.new_visit()
    broker.stop()
    try:
        upload(installation, visit, range(3))
        assert installation.states(visit) == ["queued"] * 3
    finally:
        broker.start()
    assert_each_ended_once(installation, visit, 3)
    assert installation.states(visit) == ["done"] * 3


@pytest.mark.slow("photos count as lost only after seconds, and the sweep then finds them")
def test_broker_emptied(installation: Installation, broker: Broker) -> None:
    visit = installation.new_visit()
    installation.signal_workers(signal.SIGSTOP)
    try:
        upload(installation, visit, range(4))
        broker.empty()
    finally:
        installation.signal_workers(signal.SIGCONT)
    assert_each_ended_once(installation, visit, 4)
    assert installation.states(visit) == ["done"] * 4


@pytest.mark.slow("stops a worker and starts it again")
def test_photo_deleted_while_queued(installation: Installation) -> None:
    visit = installation.new_visit()
    installation.signal_workers(signal.SIGSTOP)
    try:
        upload(installation, visit, range(2))
        gone, kept = installation.photos(visit)
        installation.ask("DELETE", f"photos/{gone['id']}/")
        worker = eventually(installation.worker, "a worker is there")
    finally:
        installation.signal_workers(signal.SIGCONT)
    assert_each_ended_once(installation, visit, 1)
    assert [photo["id"] for photo in installation.photos(visit)] == [kept["id"]]
    assert installation.worker() == worker


OTHER_PATIENT = """
from patients.models import Consent, Patient, User
cared_for = Patient.objects.in_care_of(User.objects.get(email="EMAIL")).exclude(pk="FIRST")
print(Consent.objects.active().filter(purpose="care", patient__in=cared_for).first().patient_id, end="")
"""
ERASE = """
from patients.consent.erasure import ask_for_erasure
from patients.models import User, Visit
owner, visit = User.objects.get(email="EMAIL"), Visit.objects.get(pk="VISIT")
ask_for_erasure(visit.patient, "all", owner, owner)
"""


@pytest.mark.slow("another worker carries the erasure out")
def test_patient_erased_while_photos_are_queued(installation: Installation) -> None:
    patients = installation.ask("GET", "patients/")["results"]
    other = OTHER_PATIENT.replace("EMAIL", installation.email).replace("FIRST", patients[0]["id"])
    visit = installation.new_visit(installation.run(other))
    installation.signal_workers(signal.SIGSTOP)
    try:
        before = pictures(installation)
        upload(installation, visit, range(3))
        assert len(pictures(installation) - before) == 6
        installation.run(ERASE.replace("EMAIL", installation.email).replace("VISIT", visit))
        worker = eventually(installation.worker, "a worker is there")
    finally:
        installation.signal_workers(signal.SIGCONT)

    def rows() -> list[int]:
        with installation.database() as connection:
            asked = ("SELECT count(*) FROM patients_visit WHERE id = ?", "SELECT count(*) FROM patients_photo WHERE visit_id = ?")
            return [connection.execute(query, (visit.replace("-", ""),)).fetchone()[0] for query in asked]

    eventually(lambda: rows() == [0, 0], f"the patient is erased\n{installation.logs()}")
    assert pictures(installation) - before == set()
    assert len(installation.ask("GET", "patients/")["results"]) == len(patients) - 1
    assert installation.worker() == worker


@pytest.mark.slow("an upload waits four seconds for the database")
def test_database_held_for_longer_than_an_upload_waits(installation: Installation) -> None:
    installation.forget_key()  # the first use of a key is stored now, and not while the database is locked
    visit = installation.new_visit()
    before = pictures(installation)
    with installation.database() as connection:
        connection.execute("BEGIN IMMEDIATE")
        with pytest.raises(urllib.error.HTTPError) as refused:
            upload(installation, visit, [0])
    assert (refused.value.code, json.load(refused.value)["code"]) == (503, "busy")
    assert installation.photos(visit) == []
    assert pictures(installation) == before
    upload(installation, visit, [0])
    assert_each_ended_once(installation, visit, 1)


@pytest.mark.slow("hundreds of photos wait")
def test_sign_of_life_comes_before_hundreds_of_photos(installation: Installation, broker: Broker) -> None:
    log = installation.var / "log" / "worker.log"
    installation.signal_workers(signal.SIGSTOP)
    try:
        already = len(log.read_text())
        with celery_app.connection_for_write(broker.url) as connection:
            for _ in range(300):
                predict.apply_async((str(uuid4()),), connection=connection)  # type: ignore[call-arg]  # missing in the stubs
            beat_heart.apply_async(connection=connection)  # type: ignore[call-arg]  # likewise
    finally:
        installation.signal_workers(signal.SIGCONT)

    def begun() -> list[str]:
        """Return the names of the tasks that the worker has started since, in order."""
        return re.findall(r"Task (\S+)\[\S+\] received", log.read_text()[already:])

    eventually(lambda: begun().count("inference.tasks.predict") >= 300, "every photo had its turn")
    before = begun()[: begun().index("inference.health.beat_heart")]
    assert before.count("inference.tasks.predict") < 30  # of 300; what the sweep has sent meanwhile may come first too


MAKE_REPORT = """
from patients.models import Patient, User
from patients.tasks.run import start
owner = User.objects.get(email="EMAIL")
print(start("report", owner, [Patient.objects.in_care_of(owner).first().pk], all_visits=True).pk.hex, end="")
"""
SAY_REASON = """
from patients.models import Task
from patients.tasks.rows import reason_of
print(*reason_of(Task.objects.get(pk="TASK")), end="")
"""
READ_FILE = """
from hashlib import sha256
from patients.models import Task
task = Task.objects.get(pk="TASK")
content = task.file.read()
print(content[:4].decode(), content.rstrip()[-5:].decode(), sha256(content).hexdigest() == task.sha256, end="")
"""


def task_row(installation: Installation, task: str) -> tuple[str, str, int]:
    """Return the state of a task, the name of its file, and how often it was begun."""
    with installation.database() as connection:
        row: tuple[str, str, int] = connection.execute(
            "SELECT state, file, attempts FROM patients_task WHERE id = ?", (task,)
        ).fetchone()
    return row


def kill_while_running(installation: Installation, task: str, attempts: int) -> None:
    """Kill the worker that runs the task, as if for the `attempts`th time and a minute ago."""
    eventually(lambda: task_row(installation, task)[0] == "running", "the task is running")
    for pid, command in installation.processes().items():
        if " --queues tasks " in command:
            os.kill(pid, signal.SIGKILL)
    assert task_row(installation, task)[:2] == ("running", "")
    with installation.database() as connection:
        connection.execute("UPDATE patients_task SET attempts = ?, beat_at = '2026-01-01 00:00:00' WHERE id = ?", (attempts, task))


@pytest.mark.slow("a report takes seconds, twice")
def test_worker_killed_while_it_makes_a_report(installation: Installation) -> None:
    make_report = MAKE_REPORT.replace("EMAIL", installation.email)
    finished = installation.run(make_report)
    kill_while_running(installation, finished, attempts=1)
    eventually(lambda: task_row(installation, finished)[0] == "done", "another worker has made the report")
    assert task_row(installation, finished)[2] == 2
    assert installation.run(READ_FILE.replace("TASK", finished)) == "%PDF %%EOF True"
    given_up = installation.run(make_report)
    kill_while_running(installation, given_up, attempts=3)
    eventually(lambda: task_row(installation, given_up)[0] == "failed", "no one tries a fourth time")
    assert installation.run(SAY_REASON.replace("TASK", given_up)).startswith("It was interrupted 3 times. Nothing was kept.")
    assert task_row(installation, given_up)[1] == ""
