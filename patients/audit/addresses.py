"""Each address with its rule. An address without a rule is closed."""

from __future__ import annotations

import functools
from collections.abc import Callable

from django.http import HttpResponseBase
from django.urls import URLPattern, path

from patients.audit.rules import ANYONE, SIGNED_IN, Rule

View = Callable[..., HttpResponseBase]


class RuledView:
    """A view at one address, with the rule of that address."""

    def __init__(self, view: View, rule: Rule) -> None:
        functools.update_wrapper(self, view)  # with what Django and the API's framework read from a view: csrf_exempt, cls
        self.view = view
        self.rule = rule

    def __call__(self, *args: object, **kwargs: object) -> HttpResponseBase:
        return self.view(*args, **kwargs)


def page(route: str, view: View, name: str, rule: Rule) -> URLPattern:
    """Return the URL pattern of an address: `django.urls.path` with a rule."""
    return path(route, RuledView(view, rule), name=name)


def rule_for(view: object, name: str) -> Rule | None:
    """Return the rule of the address with this view and this name; None where there is no rule."""
    return view.rule if isinstance(view, RuledView) else ALLAUTH.get(name)


ALLAUTH: dict[str, Rule] = {
    "account_login": ANYONE,
    "account_logout": ANYONE,
    "account_inactive": ANYONE,
    "account_signup": ANYONE,  # says that it is closed
    "account_reset_password": ANYONE,
    "account_reset_password_done": ANYONE,
    "account_reset_password_from_key": ANYONE,
    "account_reset_password_from_key_done": ANYONE,
    "account_confirm_login_code": ANYONE,  # redirects to sign-in: no codes are sent
    "account_reauthenticate": SIGNED_IN,
    "account_change_password": SIGNED_IN,
    "account_set_password": SIGNED_IN,
    "usersessions_list": SIGNED_IN,
    "mfa_index": SIGNED_IN,
    "mfa_authenticate": ANYONE,
    "mfa_login_webauthn": ANYONE,
    "mfa_reauthenticate": SIGNED_IN,
    "mfa_activate_totp": SIGNED_IN,
    "mfa_deactivate_totp": SIGNED_IN,
    "mfa_view_recovery_codes": SIGNED_IN,
    "mfa_generate_recovery_codes": SIGNED_IN,
    "mfa_download_recovery_codes": SIGNED_IN,
    "mfa_list_webauthn": SIGNED_IN,
    "mfa_add_webauthn": SIGNED_IN,
    "mfa_reauthenticate_webauthn": SIGNED_IN,
    "mfa_remove_webauthn": SIGNED_IN,
    "mfa_edit_webauthn": SIGNED_IN,
}
"""The addresses that django-allauth brings along, by name: sign-in and the user's own account."""
