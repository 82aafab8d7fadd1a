"""A number for every request, and a line that says how it went."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from clinic.logs import current_request, route_of
from patients.audit.log import request_id

log = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestLog:
    """Gives each request its number, for every line that is logged during it, and logs how it went.

    The route is logged and not the address: what somebody searches for stands in the address.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token, began = current_request.set(request), time.perf_counter()
        request_id(request)
        try:
            response = self.get_response(request)
            response.headers["X-Request-ID"] = request_id(request)
            facts = {
                "method": request.method,
                "route": route_of(request),
                "status": response.status_code,
                "milliseconds": round(1000 * (time.perf_counter() - began)),
            }
            log.info("answered", extra=facts)
            return response
        finally:
            current_request.reset(token)
