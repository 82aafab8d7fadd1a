"""Authentication of programs by an API key: `Authorization: Bearer afl_...`."""

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.plumbing import build_bearer_security_scheme_object
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from patients.api.keys import ShownKey
from patients.models import ApiToken, User


class ByKey(BaseAuthentication):
    """Signs in the person to whom the request's key belongs."""

    def authenticate(self, request: Request) -> tuple[User, ApiToken] | None:
        """Return the person and the token; None without a key. Raises AuthenticationFailed or Throttled when the key is refused."""
        shown: ShownKey | None = getattr(request._request, "shown_key", None)
        if shown is None:
            return None
        if shown.error or shown.owner is None or shown.token is None:
            raise shown.error or AssertionError("a key is valid, or has an error")
        return shown.owner, shown.token

    def authenticate_header(self, request: Request) -> str:
        """Return the challenge of a 401 response."""
        return "Bearer"


class TokenScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]  # drf-spectacular's metaclass
    """Describes in the OpenAPI document how a key is sent."""

    target_class = ByKey
    name = "key"

    def get_security_definition(self, auto_schema: object) -> dict[str, str]:
        return dict(build_bearer_security_scheme_object(header_name="Authorization", token_prefix="Bearer"))  # nosec B106  # a prefix, no password
