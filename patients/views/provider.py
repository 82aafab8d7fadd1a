"""The way to the hospital's provider and back."""

from collections.abc import Callable

from allauth.socialaccount.providers.openid_connect import views
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_GET, require_POST
from requests import RequestException

from patients.accounts.provider import refusal


@login_not_required
@require_POST
def go_to_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Redirect to the provider."""
    return _asked(views.login, request, provider_id)


@login_not_required
@require_GET
def return_from_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Sign in the person whom the provider names, or say why not."""
    return _asked(views.callback, request, provider_id)


def _asked(view: Callable[[HttpRequest, str], HttpResponse], request: HttpRequest, provider_id: str) -> HttpResponse:
    """Return the view's answer, or a page that says that the provider does not answer."""
    try:
        return view(request, provider_id)
    except RequestException:
        return refusal(request, "unavailable", status=503)
