"""Sign-in by invitation only."""

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class InvitedOnly(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Nobody can make an account of their own: `manage.py invite` does."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
