"""gunicorn starts only where a proxy on the same host is its one client."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from clinic.behind_proxy import is_local, refuse_open_addresses

PROJECT = Path(__file__).resolve().parent.parent.parent


@pytest.mark.parametrize("address", [("127.0.0.1", 8000), ("::1", 8000, 0, 0), ("localhost", 8000), "/run/affectline.sock"])
def test_address_of_this_host_is_taken(address: tuple[object, ...] | str) -> None:
    refuse_open_addresses([address])


@pytest.mark.parametrize(
    "address", [("0.0.0.0", 8000), ("::", 8000), ("", 8000), ("192.168.1.4", 8000), ("web.clinic.example", 80)]
)
def test_address_that_others_reach_is_refused_unless_accepted(address: tuple[object, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SystemExit, match="without a proxy"):
        refuse_open_addresses([("127.0.0.1", 8000), address])
    monkeypatch.setenv("WEB_WITHOUT_PROXY", "1")
    refuse_open_addresses([address])


def test_open_handle_is_asked_for_its_address() -> None:
    for host, expected in (("127.0.0.1", True), ("0.0.0.0", False)):
        with socket.socket() as listener:
            listener.bind((host, 0))
            assert is_local(listener.fileno()) is expected
            assert listener.getsockname()[0] == host  # still open


def test_gunicorn_that_others_reach_does_not_start() -> None:
    command = (sys.executable, "-m", "gunicorn", "clinic.wsgi:application", "--bind", "0.0.0.0:0", "--no-control-socket")
    done = subprocess.run(command, cwd=PROJECT, env=os.environ, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0
    assert "can be reached without a proxy" in done.stderr
