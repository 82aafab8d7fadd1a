"""Access rules for the API: checked after authentication, because the middleware does not see an API key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from patients.audit.addresses import rule_for
from patients.audit.middleware import check
from patients.audit.rules import SAFE, Who
from patients.models import ApiToken, User

if TYPE_CHECKING:  # rest_framework.views imports this module
    from rest_framework.views import APIView


def signed_in(request: Request) -> User:
    """Return the signed-in user. Only the schema and its page answer without one."""
    assert isinstance(request.user, User)
    return request.user


class ByRule(BasePermission):
    """Applies the rule of the address: 404 for another role, 403 where a right is missing or the key may only read."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the rule lets everyone in, or a user is signed in. Raises Http404 or PermissionDenied by the rule."""
        match = request._request.resolver_match
        rule = rule_for(match.func, match.view_name) if match else None
        if match is None or rule is None:
            raise Http404
        if rule.who is Who.ANYONE:
            return True
        if not isinstance(request.user, User):
            return False
        request.user.is_program = True  # by a key or in a browser: no record leaves as data during emergency access
        check(rule, request.user, match, request.method)
        if isinstance(request.auth, ApiToken) and request.auth.scope == ApiToken.Scope.READ and request.method not in SAFE:
            raise PermissionDenied(_("This key may only read."), code="read_only_key")
        return True
