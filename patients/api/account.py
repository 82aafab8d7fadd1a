"""Who the caller is."""

from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from patients.api.parameters import DescribedView
from patients.api.permission import signed_in
from patients.models import ApiToken, User


class KeySerializer(serializers.ModelSerializer[ApiToken]):
    """An API key, without the key."""

    class Meta:
        model = ApiToken
        fields = ("id", "name", "scope", "created_at", "expires_at", "last_used_at")
        read_only_fields = fields


class AccountSerializer(serializers.ModelSerializer[User]):
    """The person in whose name the caller acts: the role and rights decide what the API answers."""

    name = serializers.CharField(source="display_name", read_only=True)
    leads_a_team = serializers.BooleanField(source="leads", read_only=True)
    language = serializers.CharField(read_only=True, help_text="Empty where none was chosen: then the request says")
    key = serializers.SerializerMethodField()

    class Meta:
        model = User
        fields = ("id", "name", "email", "role", "may_export", "may_erase", "leads_a_team", "language", "time_zone", "key")
        read_only_fields = fields

    @extend_schema_field(KeySerializer(allow_null=True))
    def get_key(self, user: User) -> dict[str, Any] | None:  # Any: JSON
        """Return the key of this request; None for a browser's session."""
        key = self.context["request"].auth
        return dict(KeySerializer(key).data) if isinstance(key, ApiToken) else None


class MyAccount(DescribedView):
    """Your account."""

    @extend_schema(responses=AccountSerializer, tags=["me"])
    def get(self, request: Request) -> Response:
        """The person to whom the key belongs, with role and rights."""
        return Response(AccountSerializer(signed_in(request), context={"request": request}).data)
