"""An id for every request, and a log line with its status and duration."""

import logging
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

from clinic.logs import current_request, route_of
from patients.audit.log import request_id

log = logging.getLogger(__name__)

GetResponse = Callable[[HttpRequest], HttpResponseBase]


class RequestLog:
    """Gives each request an id, which all its log lines carry, and logs status and duration.

    The route is logged, not the path or the query: they hold what a user searches for.
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
