"""Every address of the site."""

from dataclasses import asdict

from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.urls import include, path
from django.views.decorators.http import require_GET

from inference.health import readiness
from patients.audit.addresses import page
from patients.audit.rules import ANYONE, NO_ONE, SIGNED_IN
from patients.views.home import go_home


@login_not_required
@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as this process answers at all."""
    return HttpResponse("ok", content_type="text/plain")


@login_not_required
@require_GET
def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 when photos can be taken in and read, else 503, and which part is not well."""
    ready = readiness()
    return JsonResponse(asdict(ready), status=200 if ready.is_ready else 503)


@login_not_required
def nowhere(request: HttpRequest, **kwargs: str) -> HttpResponse:
    """Answer 404: an account has the one address it was invited by, and no one changes it here."""
    raise Http404


handler500 = "clinic.faults.answer_fault"

urlpatterns = [
    page("", go_home, "home", SIGNED_IN),
    page("healthz", healthz, "healthz", ANYONE),
    page("readyz", readyz, "readyz", ANYONE),
    page("accounts/email/", nowhere, "account_email", NO_ONE),
    page("accounts/confirm-email/", nowhere, "account_email_verification_sent", NO_ONE),
    page("accounts/confirm-email/<str:key>/", nowhere, "account_confirm_email", NO_ONE),
    path("accounts/", include("allauth.urls")),
    path("api/", include("patients.api.urls")),
    path("", include("patients.urls")),
]
