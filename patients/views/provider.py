"""The way to the hospital's provider and back."""

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
    try:
        answer: HttpResponse = views.login(request, provider_id)
        return answer
    except RequestException:
        return refusal(request, "unavailable", status=503)


@login_not_required
@require_GET
def return_from_provider(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Sign in whom the provider names, or say why not."""
    try:
        answer: HttpResponse = views.callback(request, provider_id)
        return answer
    except RequestException:
        return refusal(request, "unavailable", status=503)
