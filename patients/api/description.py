"""The OpenAPI description: made once in each language, with a summary and the shape of errors for every operation."""

from functools import lru_cache
from typing import Any

from django.utils.translation import get_language
from drf_spectacular.generators import SchemaGenerator

Json = dict[str, Any]  # Any: an OpenAPI document
ERROR = {
    "description": "An error. 401 without a valid key, 403 where a right is missing, 404 for what you may not see",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


class KeptGenerator(SchemaGenerator):
    """Makes the description once: it takes a second, and anyone may ask for it."""

    def get_schema(self, request: Any = None, public: bool = False) -> Json:  # Any: drf-spectacular's own signature
        """Return the description of every address."""
        return _described(get_language() or "")


@lru_cache(maxsize=8)
def _described(language: str) -> Json:
    made: Json = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


def with_errors(result: Json, generator: Any, request: Any, public: bool) -> Json:  # Any: drf-spectacular's own signature
    """Return the document with an error among the responses of every operation, and its first sentence as its summary."""
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"].setdefault("default", ERROR)
            operation["summary"] = operation["description"].partition("\n")[0].partition(". ")[0].rstrip(".")
    return result
