"""The cast of every test: Dr Ada looks after Ines; Dr Bo must not see her."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.db.backends.base.operations import BaseDatabaseOperations
from django.utils import translation
from hypothesis import settings as hypothesis_settings

from patients.audit import triggers as append_only
from patients.models import AccessLog, Outdated, Patient, User, Visit
from patients.photos import decoding
from tests.factories import make_clinician, make_patient, make_visit
from tests.migrated import share_migrated_database

# Other work may have the cores: how long one example takes proves nothing.
hypothesis_settings.register_profile("affectline", deadline=None)
hypothesis_settings.load_profile("affectline")


SLOW_SECONDS = 5


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --database-only, for a second run on another database."""
    parser.addoption("--database-only", action="store_true", help="run only the tests that use the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what --database-only leaves out, and keep the reasons of slow tests."""
    for item in items:
        item.user_properties += [("slow", marker.args[0]) for marker in item.iter_markers("slow")]
    if not config.getoption("--database-only"):
        return
    uses: list[pytest.Item] = []
    spares: list[pytest.Item] = []
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        has_database = item.get_closest_marker("django_db") or fixtures & {"db", "transactional_db"}
        (uses if has_database else spares).append(item)
    config.hook.pytest_deselected(items=spares)
    items[:] = uses


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say of each test that took longer than five seconds why it does."""
    reports = [report for kind in ("passed", "failed") for report in terminalreporter.getreports(kind)]
    slow = [report for report in reports if report.when == "call" and report.duration > SLOW_SECONDS]
    for report in sorted(slow, key=lambda report: -report.duration):
        reason = dict(report.user_properties).get("slow", "no reason given with @pytest.mark.slow")
        terminalreporter.write_line(f"{report.duration:.0f} s {report.nodeid}: {reason}")


@pytest.fixture(autouse=True, scope="session")
def migrated_once() -> Iterator[None]:
    """Migrate one database in each run."""
    with pytest.MonkeyPatch.context() as patch:
        share_migrated_database(patch)
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(migrated_once: None, django_db_modify_db_settings_parallel_suffix: None) -> None:
    """Come before the database is made."""


@pytest.fixture(autouse=True, scope="session")
def emptying_between_tests() -> Iterator[None]:
    """Let Django empty the access log between tests that commit. Its triggers normally refuse that."""
    patch = pytest.MonkeyPatch()
    flush = BaseDatabaseOperations.execute_sql_flush

    def flush_unguarded(operations: BaseDatabaseOperations, sql_list: Any) -> None:  # Any: Django's own signature
        append_only.lift(operations.connection, AccessLog._meta.db_table)
        flush(operations, sql_list)
        append_only.guard(operations.connection, AccessLog._meta.db_table)
        # Triggers mark what the rows belonged to that were just deleted.
        Outdated.objects.using(operations.connection.alias).all().delete()

    patch.setattr(BaseDatabaseOperations, "execute_sql_flush", flush_unguarded)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def private_files(settings: LazySettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Store the photos of each test in a folder of its own. Its decoders do not wait for those of the other test process."""
    monkeypatch.setattr(decoding, "_FOLDER", tmp_path.with_name(f"{tmp_path.name}-decoders"))
    settings.MEDIA_ROOT = tmp_path / "photos"
    settings.AUDIT_HEAD_FILE = str(tmp_path / "access-log-head.json")
    settings.PATIENT_KEYS = tmp_path.with_name(f"{tmp_path.name}-keys")
    return tmp_path / "photos"


@pytest.fixture(autouse=True)
def quick_passwords(settings: LazySettings) -> None:
    """Use a fast password hash: a strong one takes a tenth of a second."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def no_language_left() -> Iterator[None]:
    """Let the next test begin in English: a request of the test client leaves its language active."""
    yield
    translation.deactivate()


@pytest.fixture
def ada(db: None) -> User:
    """Return Dr Ada, who looks after Ines."""
    return make_clinician()


@pytest.fixture
def bo(db: None) -> User:
    """Return Dr Bo, who has no patients."""
    return make_clinician("Dr Bo Lindqvist", "bo@clinic.test")


@pytest.fixture
def ines(ada: User) -> Patient:
    """Return Ines, a patient of Dr Ada."""
    return make_patient(ada)


@pytest.fixture
def visit(ines: Patient) -> Visit:
    """Return a visit of Ines."""
    return make_visit(ines)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that collects the ids of queued predictions. Nothing reaches a broker."""
    ids: list[str] = []
    monkeypatch.setattr("inference.tasks.predict.apply_async", lambda arguments, queue: ids.extend(arguments))
    return ids
