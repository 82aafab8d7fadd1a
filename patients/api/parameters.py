"""Query parameters: what an address accepts is what its description names. Anything else is refused."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django.utils.translation import gettext as _
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.serializers import Serializer
from rest_framework.views import APIView


class UnknownParameter(APIException):
    """The address does not know a query parameter. Ignored, a misspelt filter would return everyone."""

    status_code = status.HTTP_400_BAD_REQUEST
    default_code = "unknown_parameter"


class DescribedView(APIView):
    """A view that refuses query parameters which its description does not name."""

    parameters: ClassVar[Mapping[str, Sequence[OpenApiParameter]]] = {}
    """What each action (or method, in small letters) accepts beside the filters and the pages of a list."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:  # Any: the framework's own signature
        """Let the request pass. Raises UnknownParameter, after everything that the framework raises."""
        super().initial(request, *args, **kwargs)
        known = known_parameters(self)
        unknown = sorted(set(request.query_params) - known)
        if unknown:
            facts = {"name": unknown[0][:100], "known": ", ".join(sorted(known)) or "–"}
            raise UnknownParameter(_("“%(name)s” is not a parameter of this address. It knows: %(known)s.") % facts)


def own_parameters(view: APIView) -> Sequence[OpenApiParameter]:
    """Return what the view names for the action, or for the method, of its request."""
    method = (getattr(view.request, "method", None) or "get").lower()
    named: Mapping[str, Sequence[OpenApiParameter]] = getattr(view, "parameters", {})
    return named.get(getattr(view, "action", None) or method, ())


def known_parameters(view: APIView) -> set[str]:
    """Return the names of the query parameters of this request."""
    known = {each.name for each in own_parameters(view) if each.location == OpenApiParameter.QUERY}
    is_list = getattr(view, "action", "list" if hasattr(view, "list") else "") == "list"
    if is_list and view.request.method in ("GET", "HEAD"):
        known |= set(getattr(getattr(view, "filterset_class", None), "base_filters", ()))
        pages = getattr(view, "paginator", None)
        if isinstance(pages, LimitOffsetPagination):
            known |= {pages.limit_query_param, pages.offset_query_param}
    return known


class Description(AutoSchema):
    """Describes an operation with the parameters that its view accepts."""

    def get_override_parameters(self) -> list[OpenApiParameter | Serializer[Any] | type[Serializer[Any]]]:  # Any: any row
        """Return the parameters that the view names."""
        return list(own_parameters(self.view))
