"""Forms for one-time codes that write a wrong code down: the second factor is tried by whoever has the password already."""

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator

from patients.audit.log import record_access
from patients.models import AccessLog, User


def note_wrong_code(user: User) -> None:
    """Write down that a code for `user` was wrong."""
    record_access(context.request, AccessLog.Action.SIGN_IN_FAILED, obj=user, factor="code")


class CodeForm(AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """Asked at sign-in."""

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        note_wrong_code(self.user)
        super()._emit_authentication_failed(authenticator)


class CodeAgainForm(ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """Asked once more before something delicate."""

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        note_wrong_code(self.user)
        super()._emit_authentication_failed(authenticator)
