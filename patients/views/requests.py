"""Who asks, and where the answer leads back to."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from patients.models import User


class ClinicianRequest(HttpRequest):
    """A request of somebody who signed in: LoginRequiredMiddleware lets nobody else through."""

    user: User
    htmx: HtmxDetails


def redirect_back(request: HttpRequest, otherwise: str, *args: object) -> HttpResponse:
    """Return a redirect to the page that the form names as `next`, when it is ours, else to the named address.

    `next` is an address from the root of the site, never the name of a view: `redirect` would look names up, and fail on others.
    """
    target = request.POST.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(target if is_safe and target.startswith("/") else resolve_url(otherwise, *args))
