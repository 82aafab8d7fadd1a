"""Checks the rule of an address once the key or the session has said who is calling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.http import Http404
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from patients.audit.addresses import rule_for
from patients.audit.middleware import check
from patients.models import User

if TYPE_CHECKING:  # the framework reads this file while it is being imported itself
    from rest_framework.views import APIView


class ByRule(BasePermission):
    """Lets in those whom the address is for: 404 for another role, 403 where a right is missing."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether someone is signed in. Raises Http404 or PermissionDenied as the rule says."""
        match = request._request.resolver_match
        if match is None or not isinstance(request.user, User):
            return False
        rule = rule_for(match.func, match.view_name)
        if rule is None:
            raise Http404
        check(rule, request.user, match, request.method)
        return True
