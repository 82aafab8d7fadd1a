"""The OpenAPI description: every operation also names how errors look."""

from typing import Any

Json = dict[str, Any]  # Any: an OpenAPI document
ERROR = {
    "description": "An error. 401 without a valid key, 403 where a right is missing, 404 for what you may not see",
    "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}},
}


def with_errors(result: Json, generator: Any, request: Any, public: bool) -> Json:  # Any: drf-spectacular's own signature
    """Return the document with an error among the responses of every operation."""
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"].setdefault("default", ERROR)
    return result
