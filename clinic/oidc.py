"""Sign-in by the hospital's provider (OpenID Connect), as the environment describes it."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from clinic.environment import env_bool, env_list, env_str

ID = "hospital"  # part of the address that the provider returns to: /accounts/oidc/hospital/login/callback/
ROLES = ("clinician", "researcher", "administrator")


@dataclass(frozen=True)
class Oidc:
    """The provider, and what its word is worth here."""

    server: str  # the address of the issuer
    client_id: str
    secret: str  # only web has it; a public client has none
    name: str  # "Sign in with NAME"
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    trusts_email: bool = False  # the provider's addresses are verified, though it does not say so
    groups_claim: str = "groups"
    roles: tuple[tuple[str, str], ...] = ()  # (group, role), the first that fits decides; empty: roles are set here alone
    mfa: frozenset[str] = frozenset({"mfa", "otp", "hwk", "sc"})  # of `amr` (RFC 8176) or `acr`: two factors were asked for
    key_days: int = 30  # API keys stop when their owner has not signed in for so long: they may have left
    origins: tuple[str, ...] = ()  # other hosts that the provider leads through

    @property
    def all_origins(self) -> list[str]:
        """The origins to which the sign-in form leads."""
        parts = urlsplit(self.server)
        return [f"{parts.scheme}://{parts.netloc}", *self.origins]

    @property
    def providers(self) -> dict[str, Any]:  # Any: allauth's own shape
        """What django-allauth needs to know."""
        settings = {"server_url": self.server, "oauth_pkce_enabled": True, "scope": list(self.scopes)}
        app = {"provider_id": ID, "name": self.name, "client_id": self.client_id, "secret": self.secret, "settings": settings}
        return {"openid_connect": {"APPS": [app]}}


def oidc_from_environment() -> Oidc | None:
    """Return the provider; None where OIDC_SERVER is not set. Raises ImproperlyConfigured for what cannot be right or safe."""
    server = env_str("OIDC_SERVER").rstrip("/")
    if not server:
        return None
    parts = urlsplit(server)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1"):
        raise ImproperlyConfigured("OIDC_SERVER must begin with https://: what it says is believed.")
    client_id = env_str("OIDC_CLIENT_ID")
    if not client_id:
        raise ImproperlyConfigured("OIDC_SERVER needs OIDC_CLIENT_ID.")
    given = env_list("OIDC_MFA", ",".join(sorted(Oidc.mfa)))
    return Oidc(
        server=server,
        client_id=client_id,
        secret=env_str("OIDC_CLIENT_SECRET"),
        name=env_str("OIDC_NAME") or str(parts.hostname),
        scopes=tuple(env_list("OIDC_SCOPES", ",".join(Oidc.scopes))),
        trusts_email=env_bool("OIDC_TRUST_EMAIL", False),
        groups_claim=env_str("OIDC_GROUPS_CLAIM", Oidc.groups_claim),
        roles=_roles(env_list("OIDC_ROLES")),
        mfa=frozenset(given) - {"none"},
        origins=tuple(env_list("OIDC_ORIGINS")),
    )


def _roles(pairs: list[str]) -> tuple[tuple[str, str], ...]:
    found = []
    for pair in pairs:
        group, _, role = pair.rpartition("=")
        if not group or role not in ROLES:
            raise ImproperlyConfigured(f"OIDC_ROLES has {pair!r}; it needs GROUP=ROLE with one of {', '.join(ROLES)}.")
        found.append((group, role))
    return tuple(found)
