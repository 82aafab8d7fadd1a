"""Accounts are created only by invitation."""

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from patients.models import User

pytestmark = pytest.mark.django_db


def test_sign_up_is_closed(client: Client) -> None:
    client.post("/accounts/signup/", {"email": "eve@clinic.example", "password1": "correct horse battery"})
    assert not User.objects.exists()


def test_invited_clinician_sets_a_password_and_signs_in(client: Client, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("invite", "Cem@clinic.example", "Dr Cem Aydin")
    path = capsys.readouterr().out.strip()
    form = client.get(path, follow=True).redirect_chain[-1][0]
    client.post(form, {"password1": "a calm long phrase", "password2": "a calm long phrase"})
    assert client.login(email="cem@clinic.example", password="a calm long phrase")


def test_no_one_is_invited_under_the_name_of_another() -> None:
    call_command("invite", "cem@clinic.example", "Dr Cem Aydin")
    with pytest.raises(CommandError, match="already has the name"):
        call_command("invite", "cem2@clinic.example", "dr cem aydin")


def test_invitation_needs_an_address() -> None:
    with pytest.raises(CommandError, match="not an email address"):
        call_command("invite", "Cem", "Dr Cem Aydin")
