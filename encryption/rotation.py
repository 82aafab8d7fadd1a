"""Gives every key of a patient, and what belongs to the installation, the newest field key, while the site is up.

What the newest key opens is skipped, so a second run continues where an interrupted one stopped. Pictures and records are sealed by
the keys of their patients, which stay: a rotation touches one small file for each patient.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db import models, transaction

from encryption import patient_keys
from encryption.fields import SealedMixin, open_all, sealed_fields_of
from encryption.keys import Ring
from encryption.seal import TOKEN, SealBroken, from_text, house_ring, key_id_of, open_text, seal_text
from encryption.sealing import sealing_of
from encryption.storage import SealedFileField

NO_KEYS = (
    "{count} patients have no keys in {root}. Is PATIENT_KEYS set, and mounted? "
    "After a restored backup, run reapply_erasures first (docs/operators.md)."
)
NOT_THERE = (
    "{count} pictures that rows name are not in {root}. Is MEDIA_ROOT set, and mounted? "
    "A photo that is lost for good is to be deleted on its page."
)
FACTORS = "second factors"
Progress = Callable[[str, int], None]


@dataclass
class Count:
    """How many values there are, by the key that opens them."""

    newest: int = 0
    older: int = 0
    unreadable: int = 0


@dataclass
class Survey:
    """The counts by place."""

    counts: dict[str, Count] = field(default_factory=dict)

    def of(self, place: str) -> Count:
        """Return the count of one place."""
        return self.counts.setdefault(place, Count())

    def sum(self, kind: str) -> int:
        """Return the number of all values of one kind: newest, older or unreadable."""
        return sum(getattr(count, kind) for count in self.counts.values())


def walk_keys(change: bool, progress: Progress, survey: Survey) -> None:
    """Count the keys of patients; if `change`, give those that need it the newest field key."""
    if change:
        patient_keys.remove_unfinished()
    count = survey.of("keys of patients")
    for done, path in enumerate(list(patient_keys.stored()), start=1):
        try:
            is_newest = patient_keys.is_wrapped_by_newest(path)
            if not is_newest and change:
                patient_keys.rewrap(path)
        except FileNotFoundError:  # destroyed meanwhile
            continue
        except SealBroken:
            count.unreadable += 1
            continue
        count.newest, count.older = count.newest + is_newest, count.older + (not is_newest)
        if done % 100 == 0:
            progress("keys of patients", done)


def sealed_models() -> Iterator[type[models.Model]]:
    """Yield each model with sealed fields or files."""
    for model in apps.get_models(include_auto_created=True):
        if any(isinstance(each, SealedMixin | SealedFileField) for each in model._meta.concrete_fields):
            yield model


def walk_house(change: bool, portion: int, progress: Progress, survey: Survey) -> None:
    """Count what the field keys seal themselves: rows that belong to no patient, and secrets of second factors."""
    for model in sealed_models():
        sealing = sealing_of(model)
        if sealing.may_have_none:
            ownerless = model._default_manager.filter(**{sealing.owner: None})
            _walk_rows(model, ownerless, change, progress, survey)
    for factor in apps.get_model("mfa.Authenticator")._default_manager.iterator(chunk_size=portion):
        count = survey.of("mfa.Authenticator.data")
        changed = _with_newest(factor.data, count)
        if change and changed != factor.data:
            factor.data = changed
            factor.save(update_fields=["data"])


def _walk_rows(
    model: type[models.Model], rows: "models.QuerySet[Any]", change: bool, progress: Progress, survey: Survey
) -> None:  # Any: rows of every model
    names = [each.name for each in sealed_fields_of(model)]
    for pk in list(rows.values_list("pk", flat=True)):
        with transaction.atomic():
            row = model._default_manager.select_for_update().filter(pk=pk).first()
            if row is None:
                continue
            needs = [_count(row, name, survey.of(f"{model._meta.label}.{name}"), house_ring()) for name in names]
            if change and any(needs):
                open_all(row)
                row.save(update_fields=names)


def _count(row: models.Model, name: str, count: Count, ring: Ring) -> bool:
    """Count one value. Return whether it needs an older key."""
    held = row.__dict__.get(name)
    if held in (None, ""):
        return False
    try:
        getattr(row, name)
    except SealBroken:
        count.unreadable += 1
        return False
    value = held.value if hasattr(held, "value") else b""
    key = key_id_of(from_text(value) if isinstance(value, str) else value)
    is_newest = key == ring.newest.id
    count.newest, count.older = count.newest + is_newest, count.older + (not is_newest)
    return not is_newest


def _with_newest(value: Any, count: Count) -> Any:  # Any: JSON
    """Return JSON with every sealed text in it sealed by the newest key."""
    if isinstance(value, dict):
        return {name: _with_newest(each, count) for name, each in value.items()}
    if isinstance(value, list):
        return [_with_newest(each, count) for each in value]
    if not isinstance(value, str) or not TOKEN.fullmatch(value.encode()):
        return value
    try:
        plain = open_text(FACTORS, value)
    except SealBroken:
        count.unreadable += 1
        return value
    is_newest = key_id_of(from_text(value)) == house_ring().newest.id
    count.newest, count.older = count.newest + is_newest, count.older + (not is_newest)
    return value if is_newest else seal_text(FACTORS, plain)


def walk_records(progress: Progress, survey: Survey) -> None:
    """Open every field and file of every row, and count those that do not open where they stand."""
    for model in sealed_models():
        sealing, fields = sealing_of(model), sealed_fields_of(model)
        files = [each for each in model._meta.concrete_fields if isinstance(each, SealedFileField)]
        rows = model._default_manager.select_related(*sealing.joins or (None,))
        for done, row in enumerate(rows.iterator(chunk_size=100), start=1):
            for each in fields:
                if row.__dict__.get(each.name) not in (None, ""):
                    _try(survey.of(f"{model._meta.label}.{each.name}"), partial(getattr, row, each.name))
            for file in files:
                if getattr(row, file.name):
                    _try(survey.of(f"{model._meta.label}.{file.name}"), getattr(row, file.name).opened)
            if done % 1000 == 0:
                progress(model._meta.label, done)


def _try(count: Count, opens: Callable[[], object]) -> None:
    try:
        opens()
        count.newest += 1
    except FileNotFoundError:  # told by `missing_files`
        return
    except SealBroken:
        count.unreadable += 1


def keyless() -> int:
    """Return how many patients have no keys: they were erased after this database was saved, or the folder is not mounted."""
    count = 0
    for model in sealed_models():
        sealing = sealing_of(model)
        if sealing.makes_key(is_new=True) and not sealing.is_lazy:
            count += sum(not patient_keys.has(pk) for pk in model._default_manager.values_list("pk", flat=True).iterator())
    return count


def missing_files() -> list[str]:
    """Return the names of files that rows refer to and that are missing."""
    missing = []
    for model in apps.get_models():
        for each in model._meta.local_concrete_fields:
            if isinstance(each, models.FileField):
                names = model._default_manager.exclude(**{each.name: ""}).values_list(each.name, flat=True)
                missing += [name for name in names.iterator() if not each.storage.exists(name)]
    return missing


def write_keys(path: Path, keys: tuple[str, ...]) -> None:
    """Replace the key file with `keys`, newest first: atomically, and readable only by its owner."""
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write("\n".join(keys) + "\n")
        file.flush()
        os.fsync(file.fileno())
    if path.exists() and (path.stat().st_uid, path.stat().st_gid) != (os.getuid(), os.getgid()):
        # Root may rotate the keys, but the services must be able to read them.
        os.chown(new, path.stat().st_uid, path.stat().st_gid)
    os.replace(new, path)
