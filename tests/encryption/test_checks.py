"""Where the keys lie, before the site is open to anyone."""

from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.checks import run_checks

from encryption.checks import keys_lie_apart_from_data


@pytest.fixture
def var(settings: LazySettings, tmp_path: Path) -> Path:
    """Return the folder of the data, with the photos elsewhere."""
    settings.VAR, settings.MEDIA_ROOT = tmp_path / "var", tmp_path / "photos"
    return tmp_path / "var"


def test_keys_beside_the_data_are_warned_of(settings: LazySettings, var: Path, tmp_path: Path) -> None:
    (tmp_path / "etc").symlink_to(var)  # what only looks apart
    settings.KEY_FILES = {
        "SECRET_KEY": Path("/run/credentials/affectline-web.service/secret_key"),
        "FIELD_KEYS": tmp_path / "etc" / "field_keys",
        "SEARCH_KEY": settings.MEDIA_ROOT / "search_key",
    }
    warnings = keys_lie_apart_from_data()
    assert [(warning.id, warning.msg) for warning in warnings] == [
        (
            "affectline.W001",
            f"The key file of {name} lies in {folder}, beside the data that it protects. A copy of the folder can be read.",
        )
        for name, folder in (("FIELD_KEYS", var), ("SEARCH_KEY", settings.MEDIA_ROOT))
    ]


def test_keys_from_the_environment_or_elsewhere_are_fine(settings: LazySettings, var: Path, tmp_path: Path) -> None:
    var.mkdir()
    settings.KEY_FILES = {"SECRET_KEY": None, "FIELD_KEYS": tmp_path / "etc" / "field_keys", "SEARCH_KEY": None}
    assert keys_lie_apart_from_data() == []


def test_check_belongs_to_those_of_deployment(settings: LazySettings, var: Path) -> None:
    settings.KEY_FILES = {"FIELD_KEYS": var / "field_keys"}
    assert "affectline.W001" not in {message.id for message in run_checks()}
    assert "affectline.W001" in {message.id for message in run_checks(include_deployment_checks=True)}
