"""Room on Python's stack for the calls of a whole request.

Python keeps the frames of its calls in pieces of 16 KiB, and gives a piece back to the system as soon as it is empty
(`push_chunk` and `_PyThreadState_PopFrame` in Python/pystate.c). A page is rendered some hundred calls deep. Where such a piece
happens to end at the loop over its rows, each call in that loop asks the system for memory: a table of 400 visits then takes
240 ms instead of 90.
"""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase

SLOTS = 60_000
"""Values that the frame of the middleware has room for: half a megabyte. The piece with it has as much for all calls below."""


class RoomForCalls:
    """Comes first: what it calls finds its frames in one piece."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self.get_response(request)


def with_room(function: Callable[..., object]) -> None:
    """Make calls of the function take a piece of the stack that is large enough for the calls below it."""
    function.__code__ = function.__code__.replace(co_stacksize=SLOTS)


with_room(RoomForCalls.__call__)
