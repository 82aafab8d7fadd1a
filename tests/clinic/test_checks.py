"""Whether `check --deploy` lets patients' data and passwords travel in plain text."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

import pytest

from clinic.checks import check_transport

PROJECT = Path(__file__).resolve().parent.parent.parent
SMTP = "django.core.mail.backends.smtp.EmailBackend"


def found(**changed: object) -> list[str | None]:
    """Return the ids of the faults that the check finds under these settings."""
    database = {"ENGINE": "django.db.backends.postgresql", "HOST": changed.pop("HOST", ""), "OPTIONS": changed.pop("OPTIONS", {})}
    values = {
        "DATABASES": {"default": database},
        "CELERY_BROKER_URL": "redis://127.0.0.1:6379/0",
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",
        "EMAIL_USE_TLS": False,
        "EMAIL_HOST": "",
        "EMAIL_USE_SSL": False,
        "LOG_SHIP": "",
        "ACCEPT_PLAIN": [],
        "STORAGES": {"default": {"OPTIONS": {"endpoint_url": changed.pop("S3", None)}}},
    }
    with patch("clinic.checks.settings", SimpleNamespace(**values | {"EMAIL_USE_TLS": False, "EMAIL_HOST": ""} | changed)):
        return [each.id for each in check_transport(None)]


@pytest.mark.parametrize(
    ("changed", "ids"),
    [
        ({"HOST": "db.clinic.example"}, ["clinic.database"]),
        ({"HOST": "10.0.0.5", "OPTIONS": {"sslmode": "prefer"}}, ["clinic.database"]),
        ({"HOST": "10.0.0.5", "OPTIONS": {"sslmode": "prefer"}, "ACCEPT_PLAIN": ["database"]}, []),
        ({"HOST": "db.clinic.example", "OPTIONS": {"sslmode": "require"}}, []),
        ({"HOST": "127.0.0.1"}, []),
        ({"HOST": "/var/run/postgresql"}, []),
        ({"CELERY_BROKER_URL": "redis://:secret@queue:6379/0"}, ["clinic.queue"]),
        ({"CELERY_BROKER_URL": "rediss://:secret@queue:6379/0"}, []),
        ({"EMAIL_BACKEND": SMTP, "EMAIL_HOST": "mail.clinic.example"}, ["clinic.mail"]),
        ({"EMAIL_BACKEND": SMTP, "EMAIL_HOST": "mail.clinic.example", "EMAIL_USE_SSL": True}, []),
        ({"EMAIL_BACKEND": SMTP, "EMAIL_HOST": "localhost"}, []),
        ({"EMAIL_HOST": "mail.clinic.example"}, []),  # no mail is sent
        ({"LOG_SHIP": "syslog:siem.clinic.example:514"}, ["clinic.log"]),
        ({"LOG_SHIP": "tcp:10.0.0.5:5170"}, ["clinic.log"]),
        ({"LOG_SHIP": "tcp:10.0.0.5:5170", "ACCEPT_PLAIN": ["log"]}, []),
        ({"LOG_SHIP": "tcp:127.0.0.1:5170"}, []),
        ({"LOG_SHIP": "syslog:/dev/log"}, []),
        ({"S3": "http://store.clinic.example"}, ["clinic.photos"]),
        ({"S3": "http://store.clinic.example", "ACCEPT_PLAIN": ["photos"]}, []),
        ({"S3": "https://store.clinic.example"}, []),
        ({"S3": "http://127.0.0.1:9000"}, []),
    ],
)
def test_plain_connection_to_another_host_is_an_error(changed: dict[str, object], ids: list[str]) -> None:
    assert found(**changed) == ids


def test_connections_to_other_hosts_are_encrypted_by_default() -> None:
    # The settings are read anew for each environment, in one process.
    code = """import importlib, os
from clinic import settings
for line in {!r}:
    os.environ.update(word.split("=", 1) for word in line.split())
    importlib.reload(settings)
    print(settings.DATABASES["default"].get("OPTIONS", {{}}).get("sslmode"), settings.EMAIL_USE_TLS)
os.environ["ACCEPT_PLAIN"] = "all"
importlib.reload(settings)"""
    environments = [
        "DATABASE_URL=postgres://a:b@db.clinic.example/c EMAIL_HOST=mail.clinic.example",
        "DATABASE_URL=postgres://a:b@db.clinic.example/c?sslmode=verify-full",
        "DATABASE_URL=postgres://a:b@127.0.0.1/c EMAIL_HOST=localhost",
        "DATABASE_URL=postgres://a:b@db.clinic.example/c EMAIL_HOST=mail.clinic.example ACCEPT_PLAIN=database EMAIL_USE_TLS=0",
    ]
    command = (sys.executable, "-c", code.format(environments))
    done = subprocess.run(command, cwd=PROJECT, env=os.environ, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["require True", "verify-full True", "None False", "None False"]
    assert "There are database, queue, mail" in done.stderr
