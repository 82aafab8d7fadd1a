"""Protection against lost updates: a program that sends the `ETag` it was given as `If-Match` never overwrites an unseen change.

Without `If-Match`, the fields that are sent are changed, whatever they were.
"""

import json
from collections.abc import Sequence
from typing import Any, ClassVar, TypeVar

from django.db import transaction
from django.db.models import Model
from django.http import Http404
from django.utils.translation import gettext_lazy as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from encryption.keys import keyed_hash

Row = TypeVar("Row", bound=Model)
IF_MATCH = OpenApiParameter(
    "If-Match",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    description="The `ETag` that came with what you change. 412 if someone else has changed it since",
)


class ChangedMeanwhile(APIException):
    """Someone else changed the row since the program fetched it."""

    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "changed_meanwhile"
    default_detail = _("Someone else changed this meanwhile. Fetch it again, then decide.")


def revision(row: Model, names: Sequence[str]) -> str:
    """Return the `ETag` of these columns: 16 hex digits in quotes, from which nothing can be recovered."""
    values = {name: str(getattr(row, name)) for name in names}
    return f'"{keyed_hash("revisions", json.dumps([str(row.pk), values], sort_keys=True).encode())[:16]}"'


def check_revision(request: Request, row: Model, names: Sequence[str]) -> None:
    """Return if the program has seen these columns as they are, or did not say. Raises ChangedMeanwhile."""
    seen = [each.strip() for each in request.headers.get("If-Match", "*").split(",")]
    if "*" not in seen and revision(row, names) not in seen:
        raise ChangedMeanwhile


def locked(row: Row) -> Row:
    """Return the row as it is stored, locked until the transaction ends. Raises Http404 when it was deleted."""
    stored = type(row)._default_manager.select_for_update(no_key=True).filter(pk=row.pk).first()
    if stored is None:
        raise Http404
    return stored


class RevisedRow(GenericAPIView[Any]):  # Any: the row of the view
    """Shows a row with its `ETag`, and changes the fields that are sent."""

    revised: ClassVar[Sequence[str]]
    """The columns that PATCH can change."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # Any: the framework's own signature
        """As it is stored. The `ETag` stands for what can be changed."""
        return self.shown(self.get_object())

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:  # Any: the framework's own signature
        """Change the fields that are sent. With `If-Match`, only if no one else has changed them since."""
        row = self.get_object()
        serializer = self.get_serializer(row, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        with transaction.atomic():
            check_revision(request, locked(row), self.revised)
            self.perform_update(serializer)
        assert serializer.instance is not None
        return self.shown(serializer.instance)

    def perform_update(self, serializer: BaseSerializer[Any]) -> None:
        """Save what was sent."""
        serializer.save()

    def shown(self, row: Model, status_code: int = status.HTTP_200_OK) -> Response:
        """Return the response with the row."""
        headers = {"ETag": revision(row, self.revised)}
        return Response(self.get_serializer(row).data, status=status_code, headers=headers)
