"""Backs an installation up, and restores it: in which order, and what is refused."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any

import pyrage
from django.conf import settings
from django.core.management import call_command, get_commands
from django.utils import timezone

from clinic.backup import archive, databases, pictures
from clinic.backup.archive import Manifest
from encryption.keys import keyed_hash

FORMAT = "1"


class RefusedRestore(Exception):
    """A restore that would destroy something, or make something that no one can open."""


@dataclass
class Restored:
    """What a restore did."""

    manifest: Manifest
    missing: int
    """Files that rows name and that the backup does not hold."""
    removed: int
    """Files that were there before and that no row names now."""


def back_up(target: Path, recipients: list[str]) -> tuple[Manifest, int]:
    """Write database and pictures to `target`; return what it holds, and how many files that rows name are not there.

    Others go on working meanwhile. The database is saved first: a photo that arrives later is left out, and one that is erased
    meanwhile is not there.
    """
    facts = {"format": FORMAT, "made_at": timezone.now().isoformat(), "database": databases.name(), "keys": _keys()}
    with _private_folder() as folder:
        database = folder / databases.name()
        databases.save(database)
        names = sorted(pictures.named())
        files: list[tuple[str, archive.Opens]] = [
            (databases.name(), lambda: database.open("rb")),
            *((pictures.FOLDER + name, partial(pictures.opened, name)) for name in names),
        ]
        manifest = archive.write(target, files, facts | {"build": settings.BUILD}, recipients)
        return manifest, len(files) - len(manifest.files)


def identity_in(path: Path) -> Any:  # Any: pyrage has no types
    """Return the secret key in a file as age-keygen writes it. Raises RefusedRestore."""
    lines = [line.strip() for line in path.read_text().splitlines() if line.strip() and not line.startswith("#")]
    try:
        return pyrage.x25519.Identity.from_str(lines[0])
    except (IndexError, pyrage.IdentityError):
        raise RefusedRestore(f"{path} holds no secret key (AGE-SECRET-KEY-1...).") from None


def check(source: Path, identity: Any) -> Manifest:  # Any: pyrage has no types
    """Read a backup to its end, and return what it holds. Raises BrokenBackup, and RefusedRestore when it does not fit here."""
    manifest = archive.verify(source, identity)
    if manifest.facts.get("format") != FORMAT or manifest.facts.get("database") != databases.name():
        raise RefusedRestore(f"The backup holds {manifest.facts.get('database')}, and this installation needs {databases.name()}.")
    if manifest.facts.get("keys") != _keys():
        raise RefusedRestore("The keys of this installation are not those of the backup. Put those of its day in place first.")
    return manifest


def restore(source: Path, identity: Any, force: bool = False) -> Restored:  # Any: pyrage has no types
    """Put a backup in the place of database and pictures. Stop web and workers before.

    Raises BrokenBackup and RefusedRestore, and then nothing has changed; DatabaseFault.
    """
    manifest = check(source, identity)
    if not force and (databases.is_in_use() or next(pictures.stored(), None)):
        raise RefusedRestore("This installation has users or pictures. They would be gone: --force says that you know.")
    with _private_folder() as folder:
        database = folder / databases.name()
        # Pictures follow the database in the file, so that rows say which of them are wanted.
        wanted: set[str] = set()

        def take(name: str, file: IO[bytes]) -> None:
            if name == databases.name():
                with database.open("wb") as out:
                    while chunk := file.read(archive.CHUNK_BYTES):
                        out.write(chunk)
                databases.load(database)
                call_command("migrate", verbosity=0, interactive=False)
                wanted.update(pictures.named())
            elif name.removeprefix(pictures.FOLDER) in wanted:
                pictures.put(name.removeprefix(pictures.FOLDER), file)

        archive.read(source, identity, take)
    held = {name.removeprefix(pictures.FOLDER) for name in manifest.files}
    leftover = [name for name in pictures.stored() if name not in wanted]
    for name in leftover:
        pictures.delete(name)
    if "reapply_erasures" in get_commands():
        call_command("reapply_erasures")
    return Restored(manifest, len(wanted - held), len(leftover))


@contextmanager
def _private_folder() -> Iterator[Path]:
    """A folder beside the database, for this user alone: what lies in it is as secret as the database."""
    with tempfile.TemporaryDirectory(prefix="backup-", dir=settings.VAR) as folder:
        yield Path(folder)


def _keys() -> str:
    """Return what tells one installation's keys from another's, and nothing else."""
    return keyed_hash("backups", b"the keys of a backup")
