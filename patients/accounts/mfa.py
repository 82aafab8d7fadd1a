"""The second factor: who has one, how its secrets are stored, and why the last one cannot be deleted."""

from functools import cache

from allauth.account.auth_backends import AuthenticationBackend
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from allauth.mfa.stages import AuthenticateStage
from django.conf import settings
from django.db.models import Count, Exists, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest

from encryption.seal import open_text, seal_text
from patients.models import BreakGlass, Membership, Notice, Task, User

BY_PROVIDER = "provider_mfa"
"""How a session records that the hospital's provider asked for two factors (patients/accounts/provider.py)."""


class Backend(AuthenticationBackend):  # type: ignore[misc]  # allauth has no types
    """Signs in by email and password, and loads the signed-in user with factors and permissions in one query."""

    @staticmethod
    @cache
    def _people() -> QuerySet[User]:
        # Built once: building this query takes longer than running it.
        access = BreakGlass.objects.filter(clinician=OuterRef("pk")).order_by("-ends_at").values("ends_at")[:1]
        lead = Membership.objects.filter(clinician=OuterRef("pk"), is_lead=True, clinician__role=User.Role.CLINICIAN)
        tasks = Task.objects.open().filter(owner=OuterRef("pk")).order_by().values("owner").annotate(n=Count("pk")).values("n")
        told = Notice.objects.unread().filter(person=OuterRef("pk")).order_by().values("person").annotate(n=Count("pk")).values("n")
        # The user's properties read them.
        facts = {
            "unread_notices": Coalesce(Subquery(told), 0),
            "emergency_until": Subquery(access),
            "leads": Exists(lead),
            "open_tasks": Coalesce(Subquery(tasks), 0),
        }
        return User.objects.with_factors().annotate(**facts)

    def get_user(self, user_id: int) -> User | None:
        """Return the user of a session, or None for a disabled user, which ends all their sessions at once."""
        user = self._people().filter(pk=user_id).first()
        return user if user is not None and self.user_can_authenticate(user) else None


class SecondFactorStage(AuthenticateStage):  # type: ignore[misc]  # allauth has no types
    """Asks for the second factor, unless the provider asked for two in this sign-in. Administrators are always asked."""

    def _should_handle(self, request: HttpRequest) -> bool:
        user, by = self.login.user, self.login.signal_kwargs or {}
        records = get_authentication_records(request, user)
        if "sociallogin" in by and not user.is_administrator and any(record.get("method") == BY_PROVIDER for record in records):
            return False
        return bool(super()._should_handle(request))


class EncryptedFactors(DefaultMFAAdapter):  # type: ignore[misc]  # allauth has no types
    """Encrypts the secrets of factors with the field keys."""

    def encrypt(self, text: str) -> str:
        return seal_text("second factors", text)

    def decrypt(self, encrypted_text: str) -> str:
        return open_text("second factors", encrypted_text)

    def get_totp_issuer(self) -> str:
        return "Affectline"

    def can_delete_authenticator(self, authenticator: Authenticator) -> bool:
        """Whether another factor is left. Recovery codes do not count: they only replace a lost factor."""
        if not settings.MFA_REQUIRED or authenticator.type == Authenticator.Type.RECOVERY_CODES:
            return True
        others = Authenticator.objects.filter(user_id=authenticator.user_id).exclude(pk=authenticator.pk)
        return bool(others.exclude(type=Authenticator.Type.RECOVERY_CODES).exists())
