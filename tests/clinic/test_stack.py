"""A request finds room on Python's stack, however deep its calls are."""

import resource
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from clinic.stack import RoomForCalls

CALLS = 500
DEPTHS = range(150)


def nested(calls: int) -> int:
    """Return 1 after so many calls within each other."""
    return nested(calls - 1) if calls else 1


def many_calls(request: HttpRequest) -> HttpResponseBase:
    """Answer after some hundred calls in a loop."""
    return HttpResponse(sum(nested(5) for _ in range(CALLS)))


def pages_asked(depth: int, view: Callable[[HttpRequest], HttpResponseBase]) -> int:
    """Return how often the system gave memory while the view answered, so many calls deep."""
    if depth:
        return pages_asked(depth - 1, view)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    view(HttpRequest())
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_calls_of_a_request_ask_for_no_memory_however_deep_they_are() -> None:
    view = RoomForCalls(many_calls)
    assert max(pages_asked(depth, view) for depth in DEPTHS) < CALLS / 2
