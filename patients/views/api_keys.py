"""The user's own API keys: make one, see it once, revoke it."""

from allauth.account.adapter import get_adapter
from allauth.account.decorators import reauthentication_required
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from encryption.seal import open_text, seal_text
from patients.accounts.api_keys import make_key, revoke_key
from patients.care.break_glass import has_reauthenticated
from patients.forms.api_key import ApiKeyForm
from patients.models.token import prefix_of
from patients.views.requests import ClinicianRequest

NEW_KEY = "new_api_key"


@require_GET
def show_api_keys(request: ClinicianRequest) -> HttpResponse:
    """Show the open keys of the user. A key that was just made is shown in full, this once."""
    hidden = request.session.pop(NEW_KEY, "")
    new = open_text("new API keys", hidden) if hidden else ""
    keys = request.user.api_tokens.filter(revoked_at=None)
    context = {"keys": keys, "now": timezone.now(), "new_key": new, "new_prefix": prefix_of(new)}
    return render(request, "patients/api_keys.html", context)


@require_http_methods(["GET", "POST"])
def add_api_key(request: ClinicianRequest) -> HttpResponse:
    """Make a key, after the user reauthenticated."""
    if request.method == "GET":
        answer: HttpResponse = _ask(request)
        return answer
    if not has_reauthenticated(request):
        return redirect("patients:add_api_key")
    form = ApiKeyForm(request.POST)
    if not form.is_valid():
        return render(request, "patients/api_key_form.html", {"form": form})
    name, scope, days = (form.cleaned_data[field] for field in ("name", "scope", "days"))
    key = make_key(request.user, request, name, scope, days)
    request.session[NEW_KEY] = seal_text("new API keys", key)  # sessions are stored as they are
    get_adapter().mail_notice("account/email/api_key_made", request.user, {"name": name})
    return redirect("patients:api_keys")


@require_POST
def revoke_api_key(request: ClinicianRequest, api_token_id: int) -> HttpResponse:
    """End one of the user's keys at once."""
    token = get_object_or_404(request.user.api_tokens.filter(revoked_at=None), pk=api_token_id)
    revoke_key(token, request)
    messages.success(request, _("The key was revoked. Programs that use it are refused from now on."))
    return redirect("patients:api_keys")


@reauthentication_required  # type: ignore[untyped-decorator]  # allauth has no types
def _ask(request: ClinicianRequest) -> HttpResponse:
    return render(request, "patients/api_key_form.html", {"form": ApiKeyForm()})
