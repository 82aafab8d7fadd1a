"""The request of a signed-in user, and answers that many views give."""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render, resolve_url
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.middleware import HtmxDetails

from patients.audit.outcome import AdmittedRequest, unchanged
from patients.models import User

MOST_DIGITS = 18  # more may not fit into a database's integer, and Python refuses to read thousands


class LimitedRequest(HttpRequest):
    """A request with what SessionLimits says about its session: nothing is left where no one is signed in."""

    seconds_left: int
    user_mark: str


class ClinicianRequest(AdmittedRequest):
    """A request of a signed-in user: SignInRequired lets no one else in."""

    user: User
    htmx: HtmxDetails


def render_form(request: ClinicianRequest, template: str, context: dict[str, object]) -> HttpResponse:
    """Return the page with its form. After a POST it shows the errors, and the access log records the view."""
    if request.method == "POST":
        unchanged(request, is_shown=True)
    return render(request, template, context)


def number_in(text: str) -> int | None:
    """Return the whole number that a request names as text; None for anything else, and for one that no row can have."""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else None


def redirect_back(request: HttpRequest, otherwise: str, *args: object) -> HttpResponse:
    """Return a redirect to the page that the form names as `next`, when it is ours, else to the named address.

    `next` is an address from the root of the site, never the name of a view: `redirect` would look names up, and fail on others.
    """
    target = request.POST.get("next", "")
    is_safe = url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(target if is_safe and target.startswith("/") else resolve_url(otherwise, *args))
