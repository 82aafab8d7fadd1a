"""What every contestant gets and gives back, as JSON files.

Given: {"kind": "faces" or "photos", "files": [path, ...], "options": {...}}. Given back, in the order of the files:
for faces (48x48 PNGs), {"labels": [name, ...], "second_labels": [...]}; the second of a head for FER2013's labels, if any;
for photos, {"boxes": [[[left, top, width, height], ...], ...]} in pixels; each face is read as well.
Names are those of ml.serve.expressions.
"""

from typing import Any, NotRequired, TypedDict


class Task(TypedDict):
    """What a contestant does."""

    kind: str
    files: list[str]
    options: dict[str, Any]  # Any: JSON


class Answer(TypedDict):
    """What a contestant found."""

    labels: NotRequired[list[str]]
    second_labels: NotRequired[list[str]]
    boxes: NotRequired[list[list[list[float]]]]
