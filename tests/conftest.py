"""The cast of every test: Dr Ada looks after Ines; Dr Bo must not see her."""

from datetime import date
from pathlib import Path

import pytest
from django.conf import LazySettings

from patients.models import Patient, User, Visit


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --database-only, for a second run on another database."""
    parser.addoption("--database-only", action="store_true", help="run only the tests that use the database")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what --database-only leaves out."""
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


@pytest.fixture(autouse=True)
def private_files(settings: LazySettings, tmp_path: Path) -> Path:
    """Keep the photos of each test in a folder of its own."""
    settings.MEDIA_ROOT = tmp_path / "photos"
    return tmp_path / "photos"


@pytest.fixture
def ada(db: None) -> User:
    """Return Dr Ada, who looks after Ines."""
    return User.objects.create_user("ada@clinic.example", "correct horse battery", display_name="Ada Okafor")


@pytest.fixture
def bo(db: None) -> User:
    """Return Dr Bo, who looks after nobody."""
    return User.objects.create_user("bo@clinic.example", "correct horse battery", display_name="Bo Lindqvist")


@pytest.fixture
def ines(ada: User) -> Patient:
    """Return Ines, a patient of Dr Ada."""
    patient = Patient.objects.create(name="Ines Moreau", record_number="A-1001", birth_date=date(1990, 5, 4))
    patient.assign(ada)
    return patient


@pytest.fixture
def visit(ines: Patient, ada: User) -> Visit:
    """Return a visit of Ines."""
    return Visit.objects.create(patient=ines, date=date(2026, 3, 2), created_by=ada)
