"""The settings with TLS, and that a demo cannot be opened to others. Read in a process of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent.parent
ASKED = (
    "SECURE_SSL_REDIRECT SECURE_HSTS_SECONDS SECURE_HSTS_INCLUDE_SUBDOMAINS SESSION_COOKIE_NAME CSRF_COOKIE_NAME "
    "SESSION_COOKIE_SECURE CSRF_COOKIE_SECURE SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE SECURE_REFERRER_POLICY MFA_REQUIRED "
    "EMAIL_BACKEND MESSAGE_STORAGE"
).split()


def settings_with(**environment: str) -> subprocess.CompletedProcess[str]:
    """Return these settings, as a process with this environment prints them."""
    code = f"import json; from clinic import settings; print(json.dumps([getattr(settings, name) for name in {ASKED}]))"
    return subprocess.run(
        (sys.executable, "-c", code), cwd=PROJECT, env=os.environ | environment, capture_output=True, text=True, check=False
    )


def test_with_tls_cookies_and_transport_are_strict() -> None:
    done = settings_with(HTTPS="1", DEMO="0", ALLOWED_HOSTS="clinic.example")
    found = dict(zip(ASKED, json.loads(done.stdout), strict=True))
    assert found == {
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 63_072_000,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SESSION_COOKIE_NAME": "__Host-session",
        "CSRF_COOKIE_NAME": "__Host-csrf",
        "SESSION_COOKIE_SECURE": True,
        "CSRF_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "SECURE_REFERRER_POLICY": "same-origin",
        "MFA_REQUIRED": True,
        "EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend",  # the console would print password links into the log
        "MESSAGE_STORAGE": "patients.accounts.messages.EncryptedMessages",  # Django's own message cookie lacks the prefix
    }


def test_demo_cannot_be_switched_on_for_another_address() -> None:
    done = settings_with(DEMO="1", ALLOWED_HOSTS="127.0.0.1,clinic.example")
    assert done.returncode != 0
    assert "DEMO has one password" in done.stderr


def test_uploads_need_every_layer_around_the_decoder_that_is_not_named() -> None:
    code = "from clinic import settings; print(*sorted(settings.DECODER_LAYERS))"

    def layers(demo: str) -> list[str]:
        environment = os.environ | {"DEMO": demo, "DECODER_MAY_LACK": "namespace, landlock"}
        return subprocess.check_output((sys.executable, "-c", code), cwd=PROJECT, env=environment, text=True).split()

    assert layers(demo="0") == ["capabilities", "limits", "seccomp"]
    assert layers(demo="1") == []
