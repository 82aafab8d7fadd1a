"""A photo as inference sees it: all that this room knows about the patients above it."""

from typing import Protocol, runtime_checkable
from uuid import UUID

from django.db.models.fields.files import FieldFile

CONSENT_PATH = "photo__visit__patient"
"""What `may_be_read` looks up, from a Prediction: fetch it in the same query."""

PERSON_PATH = "photo__uploaded_by"
"""Who sent the photo, from a Prediction."""


@runtime_checkable
class ReadablePhoto(Protocol):
    """Satisfied by patients.models.Photo, the target of Prediction.photo."""

    @property
    def pk(self) -> UUID: ...

    @property
    def may_be_read(self) -> bool:
        """Whether a worker may open the picture: it is not erased, and the patient consents to its use in their care."""

    @property
    def image(self) -> FieldFile:
        """The upright JPEG without metadata, encrypted on disk. Opening it raises FileNotFoundError when the file is lost."""
