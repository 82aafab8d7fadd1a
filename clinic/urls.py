"""The URLs of the site."""

from dataclasses import asdict

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.http import require_GET

from clinic.metrics import metrics
from inference.health import layers, readiness
from patients.audit.addresses import page
from patients.audit.rules import ANYONE, NO_ONE, SIGNED_IN
from patients.views.home import go_home
from patients.views.provider import go_to_provider, return_from_provider


@login_not_required
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200: this process is alive."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@require_GET
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if photos can be stored and read, else 503 with the part that failed. `layers` are those around the decoder."""
    ready = readiness()
    return JsonResponse({**asdict(ready), "layers": layers()}, status=200 if ready.is_ready else 503)


@login_not_required
def not_found(request: HttpRequest, **kwargs: str) -> HttpResponse:
    """Answer 404: an account keeps the email it was invited with, so these pages of allauth are closed."""
    raise Http404


handler400 = "clinic.faults.answer_bad_request"
handler403 = "clinic.faults.answer_denied"
handler404 = "clinic.faults.answer_not_found"
handler500 = "clinic.faults.answer_fault"

urlpatterns = [
    page("", go_home, "home", SIGNED_IN),
    page("healthz", healthz, "healthz", ANYONE),
    page("readyz", readyz, "readyz", ANYONE),
    page("metrics", metrics, "metrics", ANYONE),  # with its token
    page("accounts/email/", not_found, "account_email", NO_ONE),
    page("accounts/confirm-email/", not_found, "account_email_verification_sent", NO_ONE),
    page("accounts/confirm-email/<str:key>/", not_found, "account_confirm_email", NO_ONE),
    page("accounts/oidc/<str:provider_id>/login/", go_to_provider, "openid_connect_login", ANYONE),
    page("accounts/oidc/<str:provider_id>/login/callback/", return_from_provider, "openid_connect_callback", ANYONE),
    # Not allauth.urls: it adds pages to link accounts of other providers, which no one here may.
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("accounts/sessions/", include("allauth.usersessions.urls")),
    path("api/v1/", include("patients.api.urls")),
    path("", include("patients.urls")),
]
