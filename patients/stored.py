"""Reads stored pictures, some of which may be lost."""

import logging

from cryptography.fernet import InvalidToken
from django.db.models.fields.files import FieldFile

log = logging.getLogger(__name__)


def read_stored(picture: FieldFile) -> bytes | None:
    """Return the decrypted content of a stored picture; None, with a line in the log, when the file is lost or damaged."""
    try:
        with picture.open() as file:
            return bytes(file.read())
    except (FileNotFoundError, InvalidToken) as error:
        log.error("The picture of photo %s cannot be read: %s", picture.instance.pk, type(error).__name__)
        return None
