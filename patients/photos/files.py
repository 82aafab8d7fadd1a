"""Stored pictures: reads them, and deletes those that no photo refers to."""

import logging
import re
from datetime import datetime, timedelta

from django.core.files.storage import default_storage
from django.db.models import Q
from django.db.models.fields.files import FieldFile
from django.utils import timezone

from encryption.files import stored_files
from encryption.seal import SealBroken
from patients.models import Photo

log = logging.getLogger(__name__)

ORPHAN_AGE = timedelta(hours=1)
"""A file is written before its row. After this time the row exists, or the process that wrote the file was killed."""
MOST_ORPHANS = 20
"""More files without a row are not left by killed processes: the files belong to another database."""
STORED_NAME = re.compile(r"[0-9a-f]{2}/[0-9a-f]{32}")
"""The names that patients.models.photo.private_path makes. A killed key rotation may leave one with a suffix."""


def read_stored(picture: FieldFile) -> bytes | None:
    """Return the content of a stored picture; None, with an error in the log, when its file is lost, damaged or another's."""
    try:
        with picture.open() as file:
            return bytes(file.read())
    except (FileNotFoundError, SealBroken) as error:
        log.error(
            "The file of %s %s cannot be read: %s", picture.instance._meta.model_name, picture.instance.pk, type(error).__name__
        )
        return None


def delete_orphans() -> int:
    """Delete the files that no photo refers to; return how many. A killed process leaves them, and no erasure would find them.

    Deletes nothing when there are many, or when no photo has a file: then the database is another one, or an older copy.
    """
    named = {name for pair in Photo.objects.values_list("image", "preview") for name in pair if name}
    before = timezone.now() - ORPHAN_AGE
    orphans = [name for name in _stored() if name not in named and _written_at(name) < before]
    if orphans and (not named or len(orphans) > MOST_ORPHANS):
        log.error("%d stored files belong to no photo of this database. Is it the right one? They were left alone", len(orphans))
        return 0
    for name in orphans:
        if not Photo.objects.filter(Q(image=name) | Q(preview=name)).exists():
            default_storage.delete(name)
            log.warning("A stored file that belonged to no photo was deleted")
    return len(orphans)


def _stored() -> list[str]:
    """Return the names of all stored pictures. Leaves out files with other names: they are not ours."""
    try:
        folders, _files = default_storage.listdir("")
    except FileNotFoundError:  # nothing was stored yet
        return []
    ours = [folder for folder in folders if re.fullmatch("[0-9a-f]{2}", folder)]
    found = [name for folder in ours for name in stored_files(default_storage, folder)]
    return [name for name in found if STORED_NAME.match(name)]


def _written_at(name: str) -> datetime:
    try:
        return default_storage.get_modified_time(name)
    except FileNotFoundError:  # deleted meanwhile
        return timezone.now()
