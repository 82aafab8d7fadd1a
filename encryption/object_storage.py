"""Sealed files in an object store that speaks S3, for installations of several hosts. Installed by requirements-s3.lock.

Only sealed bytes arrive there: the store sees neither a picture nor a key. The keys of patients stay in PATIENT_KEYS, a folder:
a store may keep versions and copies of what was deleted, and a key that was destroyed must be gone (ADR 0147).
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from django.core.files.base import File
from storages.backends.s3 import S3Storage

from encryption.storage import SealedStorage, StorageDown

ABSENT = (404, "404", "NoSuchKey")
CONFIG = Config(
    s3={"addressing_style": "path"},
    signature_version="s3v4",
    connect_timeout=5,
    read_timeout=15,
    retries={"mode": "standard", "total_max_attempts": 3},
    # Seal and hash tell of every changed byte, and not every store knows the newer checksums.
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
)
# For a question whether the store answers at all: one try, as quick as the other parts of /readyz.
ASKING = CONFIG.merge(Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1}))


class ObjectStorage(SealedStorage, S3Storage):  # type: ignore[misc]  # storages has no types
    """Keeps what SealedFileField has sealed in a bucket. Raises FileNotFoundError, and StorageDown without an answer."""

    def __init__(self, **options: Any) -> None:  # Any: those of django-storages
        options = {"default_acl": None, "file_overwrite": True} | options
        super().__init__(**{"client_config": CONFIG} | options)
        self._asking = S3Storage(**options | {"client_config": ASKING})

    def read_sealed(self, name: str, most: int | None = None) -> bytes:
        """Return the sealed bytes, or the first `most` of them."""
        first = {} if most is None else {"Range": f"bytes=0-{most - 1}"}
        with _as_files(name):
            content: bytes = self._client.get_object(**self._at(name), **first)["Body"].read()
        return content

    def put_sealed(self, name: str, sealed: bytes) -> None:
        """Store the bytes, in the place of others: an object is there whole or not at all."""
        with _as_files(name):
            self._client.put_object(**self._at(name), Body=sealed, ContentType="application/octet-stream")

    def write_sealed(self, name: str, sealed: bytes) -> bool:
        """Replace the sealed bytes. Return False when they are gone. Only while nothing else deletes: there are two requests."""
        if not self.exists(name):
            return False
        self.put_sealed(name, sealed)
        return True

    def _save(self, name: str, content: File[bytes]) -> str:
        content.seek(0)
        self.put_sealed(name, content.read())
        return name

    def delete(self, name: str) -> None:
        """Delete the object, if it is there."""
        with _as_files(name):
            self._client.delete_object(**self._at(name))

    def exists(self, name: str) -> bool:
        """Whether the object is there."""
        try:
            self.get_modified_time(name)
        except FileNotFoundError:
            return False
        return True

    def get_modified_time(self, name: str) -> datetime:
        """Return when the object was written, by the clock of the store."""
        with _as_files(name):
            moment: datetime = self._client.head_object(**self._at(name))["LastModified"]
        return moment

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        """Return the names of folders and files below `path`."""
        with _as_files(path):
            folders, files = super().listdir(path)
        return folders, files

    def answers(self) -> bool:
        """Whether the store answers and lets this key into the bucket."""
        try:
            self._asking.connection.meta.client.head_bucket(Bucket=self.bucket_name)
        except (ClientError, BotoCoreError):
            return False
        return True

    @property
    def _client(self) -> Any:  # Any: botocore makes its classes while it runs
        return self.connection.meta.client

    def _at(self, name: str) -> dict[str, str]:
        return {"Bucket": self.bucket_name, "Key": self._normalize_name(name)}


@contextlib.contextmanager
def _as_files(name: str) -> Iterator[None]:
    """Turn the errors of boto3 into those of files."""
    try:
        yield
    except ClientError as error:
        if error.response["Error"].get("Code") in ABSENT:
            raise FileNotFoundError(name) from None
        raise StorageDown(f"The object store refuses: {error.response['Error'].get('Code')}") from error
    except BotoCoreError as error:
        raise StorageDown(f"The object store does not answer: {type(error).__name__}") from error
