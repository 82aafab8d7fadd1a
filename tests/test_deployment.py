"""The files for production against the settings: what they name exists, and probes on the host itself are answered."""

import ctypes.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from django.urls import NoReverseMatch, reverse

from clinic.keys import ensure_keys
from tests.engines.unit_filter import directives
from tests.trust.addresses import UNKNOWN_ID, every_address

PROJECT = Path(__file__).resolve().parent.parent
UNITS = sorted((PROJECT / "deploy" / "systemd").glob("*.service"))
PROXY = (PROJECT / "deploy" / "nginx.conf").read_text()
LINES = (PROJECT / "deploy" / "affectline.env.example").read_text().splitlines()
EXAMPLE = dict(line.split("=", 1) for line in LINES if line and not line.startswith("#"))
MOST_EXPOSED = 2.5  # of 10, by the weights of systemd-analyze
has_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze is part of systemd")
can_filter = pytest.mark.skipif(
    not (shutil.which("systemd-analyze") and ctypes.util.find_library("seccomp")), reason="needs systemd-analyze and libseccomp"
)
HARDENING = {
    "CapabilityBoundingSet": "",
    "LockPersonality": "yes",
    "MemoryDenyWriteExecute": "yes",
    "NoNewPrivileges": "yes",
    "PrivateDevices": "yes",
    "PrivateTmp": "yes",
    "PrivateUsers": "yes",
    "ProtectClock": "yes",
    "ProtectControlGroups": "yes",
    "ProtectHome": "yes",
    "ProtectHostname": "yes",
    "ProtectKernelLogs": "yes",
    "ProtectKernelModules": "yes",
    "ProtectKernelTunables": "yes",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "RestrictAddressFamilies": "AF_UNIX AF_INET AF_INET6",
    "RestrictRealtime": "yes",
    "RestrictSUIDSGID": "yes",
    "SystemCallArchitectures": "native",
    "UMask": "0077",
}
# Opens a photo, and tells the layers around its decoder that are missing; then what a process without the first layer still has.
OPEN = """
import os, socket
from pathlib import Path
from ml.decode.apart import missing_layers, rebuild_apart
from ml.decode.children import end_parent
print(rebuild_apart(Path("demo/portraits/amara-01-1.jpg").read_bytes(), "JPEG").width)
print("missing:", *missing_layers())
end_parent()
from ml.decode.confinement import LAYERS, confine_process, limit_process
status = open("/proc/self/status")
del LAYERS["seccomp"]  # each alone
limit_process()
confine_process()
print(*(line.split()[1] for line in status if line.startswith(("CapEff", "CapPrm"))))
os.close(0)
network = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for attempt in (lambda: network.connect(("127.0.0.1", 9)), lambda: (network.close(), os.listdir("/"))):
    try:
        attempt()
    except OSError as error:
        print(error.strerror)
    else:
        print("reached")
"""
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
        "AFFECTLINE_VAR": str(tmp_path / "var"),
        "ALLOWED_HOSTS": EXAMPLE["ALLOWED_HOSTS"],
        "CREDENTIALS_DIRECTORY": str(tmp_path / "credentials"),
    }
    ensure_keys(tmp_path / "credentials")
    (tmp_path / "var" / "static").mkdir(parents=True)
    done = subprocess.run([sys.executable, "-c", PROBE], cwd=PROJECT, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["200", "301"]  # other requests are redirected to HTTPS


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_run_what_is_installed_and_may_write_where_the_data_lie(unit: Path) -> None:
    text = unit.read_text()
    (module,) = re.findall(r"^ExecStart=/srv/affectline/\.venv/bin/python -m (\w+) ", text, re.MULTILINE)
    assert subprocess.run([sys.executable, "-m", module, "--version"], capture_output=True, check=False).returncode == 0
    for line in ("User=affectline", "EnvironmentFile=/etc/affectline.env", "ReadWritePaths=/srv/affectline/var", "UMask=0077"):
        assert f"\n{line}\n" in text


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_secrets_reach_services_and_commands_as_credentials_alone(unit: Path) -> None:
    secrets = ["secret_key", "field_keys", "search_key", "database_url", "redis_url"]
    assert directives(unit)["LoadCredential"] == [f"{name}:/etc/affectline/{name}" for name in secrets]
    assert f"for name in {' '.join(secrets)}; do" in (PROJECT / "deploy" / "manage").read_text()
    assert not {name.upper() for name in secrets} & set(EXAMPLE)


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_give_up_what_they_do_not_need(unit: Path) -> None:
    found = directives(unit)
    assert {name: found.get(name, ["is missing"])[-1] for name in HARDENING} == HARDENING
    # Only web opens photos, each in a user and a network namespace of its own.
    is_web = unit.name == "affectline-web.service"
    assert found["RestrictNamespaces"] == (["user net"] if is_web else ["yes"])
    allowed, forbidden, *more = found["SystemCallFilter"]
    assert allowed == "@system-service"
    assert {"@privileged", "@aio", "@keyring"} <= set(forbidden.removeprefix("~").split())
    assert more == (["capset landlock_create_ruleset landlock_restrict_self"] if is_web else [])


@has_systemd
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_units_expose_little_by_the_measure_of_systemd(unit: Path) -> None:
    command = ("systemd-analyze", "security", "--offline=true", "--no-pager", str(unit))
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    (score,) = re.findall(r"Overall exposure level for \S+: ([\d.]+)", told)
    assert float(score) <= MOST_EXPOSED, told


def test_pages_come_before_photos_and_photos_before_tasks() -> None:
    by_name = {unit.stem.removeprefix("affectline-").rstrip("@"): directives(unit) for unit in UNITS}
    web, worker, tasks = (by_name[name] for name in ("web", "worker", "tasks"))
    assert int(web["Nice"][0]) < int(worker["Nice"][0]) < int(tasks["Nice"][0])
    for name in ("CPUWeight", "IOWeight"):
        assert int(web[name][0]) > int(worker[name][0]) > int(tasks[name][0])
    # When memory ends, tasks go first. One killed process never stops its service.
    assert int(web["OOMScoreAdjust"][0]) < int(worker["OOMScoreAdjust"][0]) < int(tasks["OOMScoreAdjust"][0])
    assert all(unit["MemoryMax"] and unit["TasksMax"] for unit in by_name.values())
    assert [unit["OOMPolicy"] for unit in (web, worker, tasks)] == [["continue"]] * 3


@can_filter
def test_photo_is_opened_and_confined_in_full_under_the_filter_of_the_unit() -> None:
    (web,) = (unit for unit in UNITS if unit.name == "affectline-web.service")
    command = (sys.executable, "-m", "tests.engines.unit_filter", str(web), sys.executable, "-c", OPEN)
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    none = "0" * 16
    expected = ["512", "missing:", f"{none} {none}", "Network is unreachable", "Permission denied"]
    assert done.stdout.splitlines() == expected, done.stderr


def test_proxy_lets_large_bodies_in_exactly_where_photos_arrive() -> None:
    (pattern,) = re.findall(r"^    location ~ (\S+) \{$", PROXY, re.MULTILINE)
    reached = set()
    for address in every_address():
        words = dict.fromkeys(address.parts, UNKNOWN_ID)
        try:
            path = reverse(address.view_name, kwargs=words)
        except NoReverseMatch:  # takes a number or a word
            continue
        if re.search(pattern, path):
            reached.add(address.view_name)
    web = {f"patients:{name}" for name in ("add_photo", "import", "add_imported_photo", "phone_photos")}
    assert reached == web | {"api:visit-photos"}


def test_proxy_limits_large_bodies_by_address_and_in_all() -> None:
    large = PROXY.partition("    location ~ ")[2].partition("    }")[0]
    assert "client_max_body_size 100m;" in large
    by_zone = {zone: int(most) for zone, most in re.findall(r"limit_conn (\w+) (\d+);", large)}
    assert set(by_zone) == set(re.findall(r"limit_conn_zone \$(?:binary_remote_addr|server_name) zone=(\w+):", PROXY))
    assert by_zone["affectline"] < by_zone["affectline_all"] <= 40


def test_who_stops_a_service_lets_its_children_finish() -> None:
    assert {unit.name for unit in UNITS if "\nKillMode=mixed\n" in unit.read_text()} == {
        "affectline-web.service",
        "affectline-worker@.service",
    }


def test_documents_name_the_units_that_are_there() -> None:
    for document in (PROJECT / "docs" / "operators.md", PROJECT / "deploy" / "README.md"):
        named = set(re.findall(r"affectline-[a-z]+(?:@(?=[1.]))?", document.read_text()))
        assert {name.rstrip("@") for name in named} == {unit.stem.rstrip("@") for unit in UNITS}
