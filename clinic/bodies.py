"""How much a request may send, decided by its headers: nothing of a body is read for a request that is refused anyway."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils.translation import gettext as _

from clinic.faults import asks_for_json
from patients.views.phone import answer_over, phone_pairing_of

GetResponse = Callable[[HttpRequest], HttpResponseBase]

MOST_BYTES = 4_000_000
"""Of a form without photos. deploy/nginx.conf has the same limit."""
MOST_PHOTO_BYTES = 100_000_000
"""Of a plain form with several photos."""
PHOTO_VIEWS = {"patients:add_photo", "patients:import", "patients:add_imported_photo", "patients:phone_photos", "api:visit-photos"}


class BodyLimits:
    """Refuse bodies that are larger than the address takes. Stands before everything that reads a body, as CSRF protection does."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: tuple[object, ...], kwargs: dict[str, object]
    ) -> HttpResponse | None:  # Any: Django's own signature
        """Return a refusal; None lets the request pass."""
        sent = int(request.META.get("CONTENT_LENGTH") or 0)
        name = request.resolver_match.view_name if request.resolver_match else ""
        most = MOST_PHOTO_BYTES if name in PHOTO_VIEWS else MOST_BYTES
        if sent <= most:
            # CSRF protection would read the photos of a phone before its view looks at the pairing.
            is_strange = sent > MOST_BYTES and name == "patients:phone_photos" and phone_pairing_of(request) is None
            return answer_over(request) if is_strange else None
        message = _("This is more than %(most)d MB.") % {"most": most // 1_000_000}
        if asks_for_json(request):
            return JsonResponse({"code": "too_large", "message": message}, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return HttpResponse(message, status=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, content_type="text/plain")
