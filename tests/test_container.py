"""The image and the services around it: what Docker would build and start, checked and run without Docker."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from clinic.serve import free_port
from clinic.supervisor import end_with_parent
from tests.engines.brokers import Broker
from tests.engines.installation import eventually
from tests.engines.unit_filter import docker_profile

PROJECT = Path(__file__).resolve().parent.parent
FOLDER = PROJECT / "deploy" / "container"
DOCKERFILE = re.sub(r"\\\n\s*", "", (PROJECT / "Dockerfile").read_text())
STEPS = [tuple(line.split(None, 1)) for line in DOCKERFILE.splitlines() if line and not line.startswith(("#", " "))]
COMPOSE: dict[str, Any] = yaml.safe_load((FOLDER / "compose.yaml").read_text())  # Any: YAML
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
VERSION = re.compile(r"^[a-z0-9/-]+:\d+\.\d+(\.\d+)?[a-z0-9.-]*$")
WEB = PROJECT / "deploy" / "systemd" / "affectline-web.service"


def step(name: str) -> list[str]:
    """Return what follows each instruction `name` of the Dockerfile."""
    return [words for instruction, words in STEPS if instruction == name]


def started() -> list[str]:
    """Return the command of the image."""
    (command,) = step("CMD")
    words: list[str] = json.loads(command)
    return words


def copied() -> Iterator[tuple[str, str]]:
    """Yield source and destination of each file or folder that comes from the checkout."""
    for words in step("COPY"):
        if not words.startswith("--from"):
            source, destination = words.split()
            yield source, destination


def test_image_is_built_from_pinned_bases_in_two_stages() -> None:
    bases = [words.split()[0] for words in step("FROM")]
    assert len(bases) == 2
    assert all(VERSION.match(base) and base.startswith("python:3.") for base in bases)


def test_every_source_of_the_image_exists_and_is_sent_to_the_builder() -> None:
    ignored = (PROJECT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    for source, _ in copied():
        assert (PROJECT / source).exists()
        assert f"!{source}" in ignored


def test_builder_gets_no_key_and_no_photo() -> None:
    sent = {line[1:] for line in (PROJECT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert sent == {source for source, _ in copied()}
    assert not {"var", ".git", "deploy", "deploy/container/secrets"} & sent
    assert "/deploy/container/secrets/" in (PROJECT / ".gitignore").read_text().splitlines()


def test_image_holds_no_secret_and_runs_without_privileges() -> None:
    assert not re.search(r"(SECRET_KEY|FIELD_KEYS|SEARCH_KEY|PASSWORD|DATABASE_URL|REDIS_URL)\s*=", DOCKERFILE)
    assert not step("ARG")
    last_stage = [name for name, _ in STEPS][[name for name, _ in STEPS].index("FROM") + 1 :]
    assert last_stage.count("USER") == 1
    user, group = step("USER")[0].split(":")
    assert int(user) >= 1000
    assert int(group) >= 1000
    assert step("HEALTHCHECK")
    # Keys that the build makes for Django are gone in the instruction that made them.
    (makes,) = (words for words in step("RUN") if "--setup" in words)
    assert makes.endswith("rm -rf /tmp/build")


def test_image_starts_as_the_unit_does() -> None:
    (unit,) = re.findall(r"^ExecStart=\S+ (.+)$", WEB.read_text(), re.MULTILINE)
    assert started() == ["python", *unit.split(), "--worker-tmp-dir", "/dev/shm"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_is_confined_and_watched(name: str) -> None:
    service = SERVICES[name]
    assert service["healthcheck"]["test"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert "privileged" not in service
    assert {"mem_limit", "pids_limit", "cpu_shares"} <= set(service)
    assert ("ports" in service) == (name == "proxy")
    assert service["image"] == "affectline" or VERSION.match(service["image"])


def test_services_are_those_of_one_host() -> None:
    assert set(SERVICES) == {"proxy", "web", "worker-1", "worker-2", "tasks", "sweep", "database", "queue"}
    for name, unit in {"worker-1": "worker@", "worker-2": "worker@", "tasks": "tasks", "sweep": "sweep"}.items():
        text = (PROJECT / "deploy" / "systemd" / f"affectline-{unit}.service").read_text()
        (command,) = re.findall(r"^ExecStart=\S+ (.+)$", text, re.MULTILINE)
        expected = re.sub(r" --hostname \S+| --schedule \S+", "", command).split()
        assert [word for word in SERVICES[name]["command"][1:] if word not in ("--schedule", "/tmp/sweep-schedule")] == expected
    web, worker, tasks = (SERVICES[name]["cpu_shares"] for name in ("web", "worker-1", "tasks"))
    assert web > worker > tasks


def test_secrets_come_as_files_alone() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search(r"KEY|PASSWORD|TOKEN|DATABASE_URL|REDIS_URL", name):
                assert name.endswith("_FILE")
                assert value.removeprefix("/run/secrets/") in service["secrets"]
    handed = [each for service in SERVICES.values() for each in service.get("secrets", [])]
    named = {each if isinstance(each, str) else each["source"] for each in handed}
    assert named == set(COMPOSE["secrets"])


def test_secrets_are_made_once_and_fit_together(tmp_path: Path) -> None:
    command = (str(FOLDER / "secrets.sh"), str(tmp_path / "secrets"))
    subprocess.run(command, check=True)
    made = {path.name: path.read_text().strip() for path in (tmp_path / "secrets").iterdir()}
    subprocess.run(command, check=True)
    assert made == {path.name: path.read_text().strip() for path in (tmp_path / "secrets").iterdir()}
    assert set(made) == set(COMPOSE["secrets"]) - {"certificate", "certificate_key"}
    assert f":{made['database_password']}@database/" in made["database_url"]
    assert f":{made['redis.conf'].removeprefix('requirepass ')}@queue:" in made["redis_url"]
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd-analyze knows the groups of system calls")
def test_web_may_do_in_a_container_what_its_unit_allows() -> None:
    profile = json.loads((FOLDER / "seccomp.json").read_text())
    assert profile == docker_profile(WEB)
    assert SERVICES["web"]["security_opt"] == ["no-new-privileges:true", "seccomp=./seccomp.json"]


@pytest.mark.full
@pytest.mark.slow("installs eighty packages, as the image does")
def test_steps_of_the_image_make_a_server_that_answers(tmp_path: Path) -> None:
    root, venv = tmp_path / "srv", tmp_path / "venv"
    root.mkdir()
    for source, destination in copied():
        target = root / destination / (source if destination.endswith("/") else "")
        target.parent.mkdir(parents=True, exist_ok=True)
        copy = shutil.copytree if (PROJECT / source).is_dir() else shutil.copy
        copy(PROJECT / source, target)
    places = {"/opt/venv": str(venv), "/srv/affectline": str(root), "/tmp/build": str(tmp_path / "build")}
    for words in step("RUN"):
        if "apt-get" in words or "useradd" in words:
            continue  # they change the computer
        for place, here in places.items():
            words = words.replace(place, here)
        words = words.replace("python -m venv", f"{shlex.quote(sys.executable)} -m venv", 1)
        subprocess.run(words, shell=True, cwd=root, check=True, env=bare(tmp_path))
    assert not (tmp_path / "build").exists()
    environment = bare(tmp_path) | handed_over(tmp_path) | {"STATIC_ROOT": str(root / "collected")}
    python = str(venv / "bin" / "python")
    for command in (("migrate", "--verbosity", "0"), ("check", "--deploy", "--fail-level", "WARNING")):
        subprocess.run((python, "manage.py", *command), cwd=root, check=True, env=environment)
    answers(python, root, environment)
    broker = Broker("valkey", tmp_path / "broker")
    broker.start()
    try:
        for name, sign in {"worker-1": "ready.", "tasks": "ready.", "sweep": "beat: Starting..."}.items():
            becomes_ready(name, sign, python, root, environment | {"REDIS_URL": broker.url})
    finally:
        broker.stop()


def becomes_ready(name: str, sign: str, python: str, root: Path, environment: dict[str, str]) -> None:
    """Start the command of a service as compose.yaml has it; wait until its log says `sign` and its health check passes."""
    here, log = environment["HOME"], Path(environment["HOME"]) / f"{name}.log"
    words = [word.replace("/tmp/", f"{here}/") for word in SERVICES[name]["command"][1:]]
    kind, check = SERVICES[name]["healthcheck"]["test"]
    assert kind == "CMD-SHELL"
    check = check.replace("python ", f"{python} ", 1).replace("$$HOSTNAME", "$(hostname)").replace("find /tmp", f"find {here}")
    with log.open("wb") as out:
        process = subprocess.Popen(
            (python, *words), cwd=root, env=environment, stdout=out, stderr=out, preexec_fn=end_with_parent()
        )
    try:
        eventually(lambda: sign in log.read_text(), f"{name} is ready: {log.read_text()}", 120)
        checked = partial(subprocess.run, check, shell=True, cwd=root, env=environment, capture_output=True, check=False)
        eventually(lambda: checked().returncode == 0, f"{name} is healthy: {log.read_text()}", 120)
    finally:
        process.terminate()
        process.wait(60)


def bare(folder: Path) -> dict[str, str]:
    """Return an environment with nothing of this checkout."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name == "PATH" or name.startswith("PIP_") or name.lower().endswith("_proxy")
    }
    return kept | {"AFFECTLINE_VAR": str(folder / "var"), "HOME": str(folder)}


def handed_over(folder: Path) -> dict[str, str]:
    """Return the secrets of web as compose.yaml names them, as files. The database stays SQLite."""
    subprocess.run((str(FOLDER / "secrets.sh"), str(folder / "secrets")), check=True)
    (folder / "var").mkdir()
    asked = {name: value for name, value in SERVICES["web"]["environment"].items() if name.endswith("_KEY_FILE")}
    asked |= {"FIELD_KEYS_FILE": SERVICES["web"]["environment"]["FIELD_KEYS_FILE"]}
    files = {name: str(folder / "secrets" / Path(value).name) for name, value in asked.items()}
    return files | {"ALLOWED_HOSTS": "clinic.example,127.0.0.1"}


def answers(python: str, root: Path, environment: dict[str, str]) -> None:
    """Start the image's command at a free port, and ask it as the health check does."""
    port = free_port()
    words = [word.replace("127.0.0.1:8000", f"127.0.0.1:{port}") for word in started()[1:]]
    server = subprocess.Popen((python, *words), cwd=root, env=environment, preexec_fn=end_with_parent())
    try:
        for _ in range(300):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5) as answer:
                    assert answer.read() == b"ok"
                return
            except OSError:
                time.sleep(0.2)
        raise AssertionError("gunicorn does not answer")
    finally:
        server.terminate()
        server.wait(30)
