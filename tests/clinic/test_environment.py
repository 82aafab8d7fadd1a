"""Settings from files: how containers hand secrets over."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from clinic.environment import env_choices, env_int, env_list, env_str, is_given, secret, secret_file


def test_value_comes_from_the_file_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "password").write_text("of the file\n")
    monkeypatch.setenv("EXAMPLE", "of the environment")
    assert env_str("EXAMPLE") == "of the environment"
    monkeypatch.setenv("EXAMPLE_FILE", str(tmp_path / "password"))
    assert env_str("EXAMPLE") == "of the file"
    assert secret("EXAMPLE", tmp_path) == "of the file"
    assert env_list("EXAMPLE") == ["of the file"]
    with pytest.raises(ImproperlyConfigured, match="whole number"):
        env_int("EXAMPLE", 1)


def test_file_that_is_missing_stops_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXAMPLE_FILE", str(tmp_path / "missing"))
    with pytest.raises(ImproperlyConfigured, match="EXAMPLE_FILE names a file that cannot be read"):
        env_str("EXAMPLE", "a default would hide the mistake")


def test_value_comes_from_the_credential_of_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("EXAMPLE", "of the environment")
    assert (env_str("EXAMPLE"), secret_file("EXAMPLE", Path("/var"))) == ("of the environment", None)
    (tmp_path / "example").write_text("of the credential\n")
    assert (env_str("EXAMPLE"), secret_file("EXAMPLE", Path("/var"))) == ("of the credential", tmp_path / "example")
    assert is_given("EXAMPLE")
    (tmp_path / "named").write_text("of the file")
    monkeypatch.setenv("EXAMPLE_FILE", str(tmp_path / "named"))
    assert env_str("EXAMPLE") == "of the file"
    assert not is_given("OTHER")
    assert secret_file("OTHER", Path("/var")) == Path("/var/other")


def test_secret_that_is_nowhere_is_not_made_up(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured, match="Set EXAMPLE"):
        secret("EXAMPLE", tmp_path)


def test_word_that_is_no_choice_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert env_choices("MAY_LACK", ("a", "b")) == frozenset()
    monkeypatch.setenv("MAY_LACK", "b, a")
    assert env_choices("MAY_LACK", ("a", "b")) == {"a", "b"}
    monkeypatch.setenv("MAY_LACK", "b, all")
    with pytest.raises(ImproperlyConfigured, match=r"MAY_LACK names all\. There are a, b\."):
        env_choices("MAY_LACK", ("a", "b"))
