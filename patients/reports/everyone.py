"""The patients of an export of everyone in someone's care, a thousand at once, each with an entry in the access log beforehand."""

from collections.abc import Iterator
from uuid import UUID

from django.db.models import CharField
from django.db.models.functions import Cast
from django.http import HttpRequest
from rest_framework.request import Request

from patients.audit.log import record_for_each, user_of
from patients.models import AccessLog, Patient, User
from patients.models.patient import cared_for

LOGGED_AT_ONCE = 1000
"""Of so many patients, no one can tell from the order of entries whose row is whose; and the first row waits for so many."""


class Everyone:
    """The patients in regular care of who asks, in the order in which they were added. They can be read once.

    The entries of a thousand patients are stored before the first row of any of them leaves: those of the first thousand when the
    object is made, so that a fault is still an answer. A download that breaks off leaves entries of a thousand patients, or a few
    more, whose rows were not sent, and never a row without an entry. A patient who left the care meanwhile gets neither.
    """

    def __init__(self, request: HttpRequest | Request) -> None:
        user = user_of(request)
        assert isinstance(user, User)
        self._request, self._user = request, user
        ids = Patient.objects.in_care_of(user).order_by("created_at", "pk").annotate(key=Cast("pk", CharField()))
        self._waiting = list(ids.values_list("key", flat=True))  # as text: thousands of objects would take longer than the query
        self._next = self._logged()

    def __iter__(self) -> Iterator[Patient]:
        while self._next:
            yield from self._next
            self._next = self._logged()

    def _logged(self) -> list[Patient]:
        """Return the next patients, after adding an entry about each; none at the end."""
        while self._waiting:
            some, self._waiting = self._waiting[:LOGGED_AT_ONCE], self._waiting[LOGGED_AT_ONCE:]
            found = _in_care(some, self._user)
            record_for_each(self._request, AccessLog.Action.EXPORT, (patient.pk for patient in found), page="caseload_csv")
            if found:
                return found
        return []


def _in_care(ids: list[str], user: User) -> list[Patient]:
    keys = [UUID(key) for key in ids]
    found = Patient.objects.filter(cared_for(user, "pk")).in_bulk(keys)
    return [found[key] for key in keys if key in found]
