"""Forms for one-time codes that log a wrong code: someone who tries codes has the password already."""

from allauth.core import context
from allauth.mfa.base.forms import AuthenticateForm, ReauthenticateForm
from allauth.mfa.models import Authenticator

from patients.accounts.guessing import note_failure
from patients.audit.log import record_access
from patients.models import AccessLog, User


def log_wrong_code(user: User) -> None:
    """Log that a code for `user` was wrong."""
    record_access(context.request, AccessLog.Action.SIGN_IN_FAILED, obj=user, factor="code")
    note_failure(context.request, user.email)


class SignInCodeForm(AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The code at sign-in."""

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        log_wrong_code(self.user)
        super()._emit_authentication_failed(authenticator)


class ReauthenticationCodeForm(ReauthenticateForm):  # type: ignore[misc]  # allauth has no types
    """The code before a sensitive action."""

    def _emit_authentication_failed(self, authenticator: Authenticator) -> None:
        log_wrong_code(self.user)
        super()._emit_authentication_failed(authenticator)
