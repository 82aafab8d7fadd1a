"""The files for production against the settings: what they name exists, and probes on the host itself are answered."""

import os
import re
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
from django.urls import reverse

PROJECT = Path(__file__).resolve().parent.parent
UNITS = sorted((PROJECT / "deploy" / "systemd").glob("*.service"))
LINES = (PROJECT / "deploy" / "affectline.env.example").read_text().splitlines()
EXAMPLE = dict(line.split("=", 1) for line in LINES if line and not line.startswith("#"))
PROBE = """
import django
django.setup()
from django.test import Client
client = Client(headers={"host": "127.0.0.1:8000"})
print(client.get("/healthz").status_code, client.get("/patients/").status_code)
"""


def test_probe_on_the_host_is_answered_without_tls(tmp_path: Path) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "DJANGO_SETTINGS_MODULE": "clinic.settings",
        "AFFECTLINE_VAR": str(tmp_path),
        "ALLOWED_HOSTS": EXAMPLE["ALLOWED_HOSTS"],
        "SECRET_KEY": "of one test, and long enough to be taken for a key of a clinic",
        "FIELD_KEYS": "8cJm0x1i3zq5wqH1n1T5S3m5mJY2M3mL1c3o7l2sQhE=",
        "SEARCH_KEY": "likewise, likewise, likewise, likewise",
    }
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["200", "301"]  # other requests are redirected to HTTPS


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_run_what_is_installed_and_may_write_where_the_data_lie(unit: Path) -> None:
    text = unit.read_text()
    (module,) = re.findall(r"^ExecStart=/srv/affectline/\.venv/bin/python -m (\w+) ", text, re.MULTILINE)
    assert subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, check=False).returncode == 0
    for line in ("User=affectline", "EnvironmentFile=/etc/affectline.env", "ReadWritePaths=/srv/affectline/var", "UMask=0077"):
        assert f"\n{line}\n" in text


def test_who_stops_a_service_lets_its_children_finish() -> None:
    assert {unit.name for unit in UNITS if "\nKillMode=mixed\n" in unit.read_text()} == {
        "affectline-web.service",
        "affectline-worker@.service",
    }


def test_documents_name_the_units_that_are_there() -> None:
    for document in (PROJECT / "docs" / "operators.md", PROJECT / "deploy" / "README.md"):
        named = set(re.findall(r"affectline-[a-z]+(?:@(?=[1.]))?", document.read_text()))
        assert {name.rstrip("@") for name in named} == {unit.stem.rstrip("@") for unit in UNITS}


def test_proxy_lets_photos_in_wherever_they_are_sent() -> None:
    names = ("patients:add_photo", "api:visit-photos", "patients:import", "patients:add_imported_photo")
    doors = [reverse("patients:phone_photos"), *(reverse(name, args=[uuid4()]) for name in names)]
    text = (PROJECT / "deploy" / "nginx.conf").read_text()
    places = re.findall(r"location (=|~) (\S+) \{\n +client_max_body_size 100m;", text)
    patterns = [re.compile(place if kind == "~" else f"^{re.escape(place)}$") for kind, place in places]
    assert [door for door in doors if not any(pattern.search(door) for pattern in patterns)] == []
