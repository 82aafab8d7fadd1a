"""Re-encrypts everything with the newest key: rows in batches, files one at a time, while the site is up.

Values that the newest key opens are skipped, so a second run continues where an interrupted one stopped.
"""

import os
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.core.files.storage import default_storage
from django.db import connection, models, transaction

from encryption.fields import UNFINISHED, EncryptedBinaryField, EncryptedTextField, fernet, field_keys

TOKEN = re.compile(rb"gAAAAA[\w-]{90,}={0,2}")  # version 0x80, the zeros of a 64-bit time; the shortest has 100 characters
NOT_THERE = (
    "{count} pictures that rows name are not in {root}. Is MEDIA_ROOT set, and mounted? "
    "A photo that is lost for good is to be deleted on its page."
)
Sealed = str | bytes | memoryview | None


class SealedFiles(Protocol):
    """A storage whose files are encrypted."""

    def listdir(self, path: str) -> tuple[list[str], list[str]]: ...
    def delete(self, name: str) -> None: ...
    def read_sealed(self, name: str) -> bytes: ...
    def write_sealed(self, name: str, sealed: bytes) -> bool: ...


@dataclass
class Count:
    """How many encrypted values there are, by the key that opens them."""

    newest: int = 0
    older: int = 0
    unreadable: int = 0

    def add(self, sealed: bytes) -> bool:
        """Count a value. Return whether it needs an older key."""
        for number, key in enumerate(field_keys()):
            try:
                Fernet(key).extract_timestamp(sealed)  # checks the signature and decrypts nothing
            except InvalidToken:
                continue
            self.newest, self.older = self.newest + (number == 0), self.older + (number > 0)
            return number > 0
        self.unreadable += 1
        return False


@dataclass
class Survey:
    """The counts by model and field, and of the files."""

    counts: dict[str, Count] = field(default_factory=dict)

    def of(self, place: str) -> Count:
        """Return the count of one place."""
        return self.counts.setdefault(place, Count())

    @property
    def total(self) -> int:
        """How many values there are."""
        return sum(count.newest + count.older + count.unreadable for count in self.counts.values())

    @property
    def older(self) -> int:
        """How many values need an older key."""
        return sum(count.older for count in self.counts.values())

    @property
    def unreadable(self) -> int:
        """How many values no key opens."""
        return sum(count.unreadable for count in self.counts.values())


Progress = Callable[[str, int], None]


def sealed_fields() -> Iterator[tuple[type[models.Model], list[models.Field[Any, Any]]]]:  # Any: fields of every kind
    """Yield each model with its encrypted fields, found by their class, and its JSON fields: they may hold encrypted texts."""
    kinds = (EncryptedTextField, EncryptedBinaryField, models.JSONField)
    for model in apps.get_models(include_auto_created=True):
        fields: list[models.Field[Any, Any]] = [each for each in model._meta.local_concrete_fields if isinstance(each, kinds)]
        if fields and model._meta.managed and not model._meta.proxy:
            yield model, fields


def _tokens(value: Sealed, is_json: bool) -> list[bytes]:
    """Return the encrypted values in a column: its content, or the tokens inside its JSON."""
    content = value.encode() if isinstance(value, str) else bytes(value or b"")
    if is_json:
        return TOKEN.findall(content)
    return [content] if content else []


def _reseal(value: Sealed, older: list[bytes]) -> str | bytes:
    """Return the value of a column with each token of `older` encrypted with the newest key. The time in a token is kept."""
    content = value.encode() if isinstance(value, str) else bytes(value or b"")
    for token in older:
        content = content.replace(token, fernet().rotate(token))
    return content.decode() if isinstance(value, str) else content


def _quoted(column: str | None) -> str:
    """Return the name of a table or column as SQL has it."""
    assert column is not None  # every concrete field has a column
    return connection.ops.quote_name(column)


def _primary(model: type[models.Model]) -> str:
    assert model._meta.pk is not None
    return _quoted(model._meta.pk.column)


def _rows(model: type[models.Model], columns: list[str], after: Any, most: int, lock: bool) -> list[tuple[Any, ...]]:
    """Return the next rows as the database holds them: the key, then `columns`. Any: whatever a primary key or a column holds."""
    table, primary = _quoted(model._meta.db_table), _primary(model)
    where = f"WHERE {primary} > %s" if after is not None else ""
    locked = "FOR UPDATE" if lock and connection.features.has_select_for_update else ""  # SQLite lets one writer in anyway
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join([primary, *columns])} FROM {table} {where} ORDER BY {primary} LIMIT {most} {locked}",  # nosec B608  # names of ours, quoted
            [] if after is None else [after],
        )
        return list(cursor.fetchall())


def _portion(
    model: type[models.Model], fields: list[models.Field[Any, Any]], after: Any, most: int, survey: Survey, change: bool
) -> list[tuple[Any, ...]]:
    """Count, and if `change` re-encrypt, the rows after key `after`. Return them."""
    json = [isinstance(each, models.JSONField) for each in fields]
    columns = [
        f"CAST({_quoted(each.column)} AS text)" if is_json else _quoted(each.column)
        for each, is_json in zip(fields, json, strict=True)
    ]
    rows = _rows(model, columns, after, most, lock=change)
    for key, *values in rows:
        for each, is_json, value in zip(fields, json, values, strict=True):
            count = survey.of(f"{model._meta.label}.{each.name}")
            older = [token for token in _tokens(value, is_json) if count.add(token)]
            if change and older:
                _write(model, each, key, _reseal(value, older))
    return rows


def _write(model: type[models.Model], each: models.Field[Any, Any], key: Any, value: str | bytes) -> None:
    """Store the new value of one column. In SQL, because the field would encrypt it again."""
    is_jsonb = isinstance(each, models.JSONField) and connection.vendor == "postgresql"
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_quoted(model._meta.db_table)} SET {_quoted(each.column)} = {'%s::jsonb' if is_jsonb else '%s'} "  # nosec B608  # quoted
            f"WHERE {_primary(model)} = %s",
            [value, key],
        )


def walk_rows(change: bool, most: int, progress: Progress, survey: Survey) -> None:
    """Count every encrypted value of every row; if `change`, give those that need it the newest key, `most` rows at a time."""
    for model, fields in sealed_fields():
        after: Any = None  # a primary key of any kind
        done = 0
        while True:
            with transaction.atomic():
                rows = _portion(model, fields, after, most, survey, change)
            done += len(rows)
            progress(model._meta.label, done)
            if len(rows) < most:
                break
            after = rows[-1][0]


def missing_files() -> list[str]:
    """Return the names of files that rows refer to and that are missing."""
    missing = []
    for model in apps.get_models():
        for each in model._meta.local_concrete_fields:
            if isinstance(each, models.FileField):
                names = model._default_manager.exclude(**{each.name: ""}).values_list(each.name, flat=True)
                missing += [name for name in names.iterator() if not each.storage.exists(name)]
    return missing


def stored_files(storage: SealedFiles, folder: str = "") -> Iterator[str]:
    """Yield the name of every file."""
    try:
        folders, files = storage.listdir(folder)
    except FileNotFoundError:  # nothing was stored yet, or it was deleted a moment ago
        return
    for name in files:
        yield os.path.join(folder, name)
    for name in folders:
        yield from stored_files(storage, os.path.join(folder, name))


def walk_files(change: bool, progress: Progress, survey: Survey, storage: SealedFiles = default_storage) -> None:  # type: ignore[assignment]  # a proxy of it
    """Count every stored file; if `change`, give those that need it the newest key, and take away what an earlier run left."""
    count = survey.of("files")
    for done, name in enumerate(list(stored_files(storage)), start=1):
        try:
            if name.endswith(UNFINISHED) and change:
                storage.delete(name)
                continue
            sealed = storage.read_sealed(name)
        except FileNotFoundError:  # deleted meanwhile
            continue
        if count.add(sealed) and change:
            storage.write_sealed(name, fernet().rotate(sealed))
        if done % 100 == 0:
            progress("files", done)


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
