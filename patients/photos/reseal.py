"""Seals what belongs to a visit or a photo for another patient, when it moves there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.core.files.base import ContentFile
from django.db import models, transaction

from encryption.fields import open_all, sealed_fields_of, sealed_values
from encryption.seal import Place, SealBroken, unseal
from encryption.sealing import place_of, sealing_of
from encryption.storage import SealedFileField, SealedStorage
from patients.models import Photo, SelfReport, Visit


@dataclass(frozen=True)
class OpenedRow:
    """A row whose fields are open, and where its files were sealed."""

    row: models.Model
    owner: UUID | None
    places: dict[str, Place]

    @classmethod
    def of(cls, row: models.Model) -> OpenedRow:
        """Open the fields of a row. Raises SealBroken: what cannot be read does not move."""
        open_all(row)
        places = {field.name: place_of(row, field) for field in _files_of(row)}
        return cls(row, sealing_of(type(row)).owner_of(row), places)

    def seal_again(self) -> None:
        """Seal fields and files for the owner that the row has now. The former files are deleted after commit."""
        values: dict[str, object] = {}
        for field in _files_of(self.row):
            values |= self._seal_file(field)
        plain = {field.name: getattr(self.row, field.name) for field in sealed_fields_of(type(self.row))}
        rows = type(self.row)._default_manager.filter(pk=self.row.pk)
        rows.update(**values, **sealed_values(self.row, **plain))

    def _seal_file(self, field: SealedFileField) -> dict[str, object]:
        file = getattr(self.row, field.name)
        storage, former = file.storage, str(file.name or "")
        if not former:
            return {}
        assert isinstance(storage, SealedStorage)
        try:
            ring = sealing_of(type(self.row)).ring_of(self.owner)
            content = unseal(ring, self.places[field.name], storage.read_sealed(former))
        except (FileNotFoundError, SealBroken):  # it was lost before
            return {}
        file.save(field.name, ContentFile(content), save=False)
        transaction.on_commit(partial(storage.delete, former))
        return {field.name: file.name, field.hash_field: getattr(self.row, field.hash_field)}


def opened_visit(visit: Visit) -> list[OpenedRow]:
    """Return the visit and all that is sealed below it, opened."""
    reports = list(SelfReport.objects.filter(visit=visit))
    for report in reports:
        report.visit = visit  # so that it knows the new owner
    photos = (row for photo in visit.photos.filter() for row in opened_photo(photo))
    return [OpenedRow.of(visit), *map(OpenedRow.of, reports), *photos]


def opened_photo(photo: Photo) -> list[OpenedRow]:
    """Return the photo and all that is sealed below it, opened."""
    Photo.objects.select_for_update().filter(pk=photo.pk).first()  # a worker that has read it waits, and sees the new owner
    # Fresh queries: what a page has prefetched leaves some out. Their rows know `photo`, and with it the new owner.
    return [OpenedRow.of(row) for row in (photo, *photo.predictions.filter(), *photo.own_labels.filter())]


def _files_of(row: models.Model) -> Iterator[SealedFileField]:
    yield from (field for field in type(row)._meta.concrete_fields if isinstance(field, SealedFileField))
