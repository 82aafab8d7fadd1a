"""An import without a script: one form shows where the photos go, a second one, with the same photos, adds them.

Between the two nothing is kept on the server: originals are never stored.
"""

import contextlib
import hashlib
from collections.abc import Iterable
from datetime import date, datetime

from django.core.files.uploadedfile import UploadedFile
from django.http import QueryDict

from patients.audit.log import Actor
from patients.models import Import, User, Visit
from patients.photos.codes import RejectedPhoto
from patients.photos.decoding import announced_format, rebuild_apart
from patients.photos.import_plan import FoundFile, is_a_day_of
from patients.photos.importing import finish, keep_failure, visit_on
from patients.photos.receive import receive_photo

PLAIN_MOST = 30
"""How many photos a plain form can hold: each is opened twice, and the request waits for all."""


def found_in(files: Iterable[UploadedFile[bytes]]) -> list[FoundFile]:
    """Return the files with their hashes and the dates of the camera. A file that cannot be opened has no date."""
    return [_found(index, bytes(file.read())) for index, file in enumerate(files)]


OTHER = "other"
"""What the choice of a visit says when a person enters its date."""


def add_plainly(batch: Import, files: Iterable[UploadedFile[bytes]], asked: QueryDict, user: User, who: Actor) -> int:
    """Add each file to the visit of its row in the form `asked`, and finish the import. Return how many were left out."""
    left_out = 0
    ticked = set(asked.getlist("row"))
    for file in files:
        sha256 = hashlib.sha256(bytes(file.read())).hexdigest()
        file.seek(0)
        row = asked.get(f"file-{sha256}", "")
        if row not in ticked:
            left_out += 1
            continue
        chosen = asked.get(f"to-{row}", "")
        day, visit = _target(batch, asked.get(f"other-{row}", "") if chosen == OTHER else chosen or row, user)
        keep = f"keep-{row}" in asked
        try:
            if visit is None:
                raise RejectedPhoto("visit_gone")
            receive_photo(visit, file, user, keep_duplicate=keep, who=who, imported_in=batch)
        except RejectedPhoto as rejected:
            if rejected.code.startswith("duplicate"):
                left_out += 1
            else:
                keep_failure(batch, file.name or "", day, rejected.code, rejected.detail)
    finish(batch)
    return left_out


def _found(index: int, source: bytes) -> FoundFile:
    taken: datetime | None = None
    with contextlib.suppress(RejectedPhoto):  # said when it is added
        taken = rebuild_apart(source, announced_format(source)).taken_at
    return FoundFile(index, hashlib.sha256(source).hexdigest(), taken.replace(tzinfo=None) if taken else None)


def _target(batch: Import, wanted: str, user: User) -> tuple[date | None, Visit | None]:
    """Return the day and the visit that a row names: a day, or the id of a visit of the patient."""
    try:
        day = date.fromisoformat(wanted)
    except ValueError:
        visit = next((each for each in batch.patient.visits.all() if str(each.pk) == wanted), None)
        return (visit.date, visit) if visit else (None, None)
    return day, visit_on(batch, day, user) if is_a_day_of(batch.patient, day) else None
