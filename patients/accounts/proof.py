"""Asks for the password or a second factor again, before what a stolen or unattended session must not be able to do."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.decorators import reauthentication_required
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest, HttpResponseBase, HttpResponseRedirect
from django.urls import resolve

from patients.audit.addresses import rule_for
from patients.audit.middleware import check
from patients.care.break_glass import has_reauthenticated
from patients.models import User

View = Callable[..., HttpResponseBase]


def password_before_change(view: View) -> View:
    """Ask before a POST, then carry out what was posted.

    The posted form waits in the session: only for forms that hold nothing about a patient, at addresses whose view adds the entry
    to the access log itself.
    """
    asked: View = reauthentication_required(view, allow_get=True)

    @wraps(view)
    def checked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # Any: passed through as they came
        match = resolve(request.path_info)
        if request.resolver_match is None or request.resolver_match.view_name != match.view_name:
            # allauth carries out the posted form at the address of the password: the rule of its own address holds too.
            rule = rule_for(match.func, match.view_name)
            assert rule is not None
            check(rule, request.user if isinstance(request.user, User) else None, match, request.method)
        return asked(request, *args, **kwargs)

    checked.asks_again = ("POST",)  # type: ignore[attr-defined]  # clinic.middleware.SecondFactor reads it
    return checked


def password_before_page(view: View) -> View:
    """Ask before the page, and again where a POST comes later than five minutes.

    What was posted is not kept: the session must hold nothing that identifies a patient.
    """

    @wraps(view)
    def asked(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:  # Any: passed through as they came
        if has_reauthenticated(request):
            return view(request, *args, **kwargs)
        if request.method == "GET":
            raise ReauthenticationRequired
        return HttpResponseRedirect(request.get_full_path())

    asked.asks_again = ("GET", "POST")  # type: ignore[attr-defined]  # clinic.middleware.SecondFactor reads it
    return asked
