"""The keys of an installation: written once, atomically, and never changed."""

import os
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from clinic.keys import MAKERS, ensure_keys
from clinic.serve import main


def test_keys_are_made_once_and_are_for_their_user_alone(tmp_path: Path) -> None:
    ensure_keys(tmp_path / "var")
    files = sorted((tmp_path / "var").iterdir())
    assert [path.name for path in files] == sorted(MAKERS)
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    before = [path.read_text() for path in files]
    ensure_keys(tmp_path / "var")
    assert [path.read_text() for path in files] == before
    Fernet((tmp_path / "var" / "field_keys").read_text())


def test_set_up_makes_keys_apart_from_the_data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys, var = tmp_path / "etc", tmp_path / "var"
    monkeypatch.setenv("AFFECTLINE_VAR", str(var))
    monkeypatch.setattr("sys.argv", ["serve", "--setup", "--keys", str(keys)])
    mask = os.umask(0o022)
    try:
        assert main() == 0
        assert sorted(path.name for path in keys.iterdir()) == sorted(MAKERS)
        assert list(var.iterdir()) == []
        monkeypatch.setattr("sys.argv", ["serve", "--setup"])
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(keys))
        assert main() == 0
        assert list(var.iterdir()) == []  # none that nothing would use
    finally:
        os.umask(mask)


def test_start_that_was_killed_over_a_key_leaves_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(handle: int) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", die)
        with pytest.raises(KeyboardInterrupt):
            ensure_keys(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_empty_key_is_none(tmp_path: Path) -> None:
    (tmp_path / "field_keys").touch()
    ensure_keys(tmp_path)
    Fernet((tmp_path / "field_keys").read_text())


def test_file_system_without_hard_links_keeps_keys_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: Path, target: Path) -> None:
        raise PermissionError("Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    ensure_keys(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(MAKERS)
    Fernet((tmp_path / "field_keys").read_text())
