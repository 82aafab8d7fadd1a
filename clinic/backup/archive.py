"""One encrypted file with many in it: a tar file in the format of age (age-encryption.org), with checksums of all that it holds.

The last member is the manifest. It is written while the others go by, so each file is read once.
"""

import hashlib
import io
import json
import os
import tarfile
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import pyrage

MANIFEST = "manifest.json"
CHUNK_BYTES = 1_000_000
Opens = Callable[[], IO[bytes]]
"""Opens a file to be read. Raises FileNotFoundError when it has gone."""


class BrokenBackup(Exception):
    """A backup that does not open with this key, or does not hold what its manifest says."""


@dataclass
class Manifest:
    """What a backup holds."""

    facts: dict[str, str]
    files: dict[str, tuple[int, str]] = field(default_factory=dict)
    """Size in bytes and SHA-256 of each file, by its name."""

    def as_json(self) -> bytes:
        """Return the manifest as it is written."""
        return json.dumps({"facts": self.facts, "files": self.files}).encode()

    @property
    def bytes(self) -> int:
        """The size of all files together."""
        return sum(size for size, _ in self.files.values())


class _Tar:
    """A tar file as a stream that is made while it is read. Files that have gone meanwhile are left out."""

    def __init__(self, files: Iterable[tuple[str, Opens]], manifest: Manifest) -> None:
        self.chunks, self.rest, self.manifest = self._made(files), b"", manifest

    def read(self, size: int = -1) -> bytes:
        """Return up to `size` bytes; none at the end."""
        self.rest = self.rest or next(self.chunks, b"")
        size = len(self.rest) if size < 0 else size
        given, self.rest = self.rest[:size], self.rest[size:]
        return given

    def _made(self, files: Iterable[tuple[str, Opens]]) -> Iterator[bytes]:
        for name, opens in files:
            with suppress(FileNotFoundError), opens() as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(0)
                yield from self._member(name, size, file)
        told = self.manifest.as_json()
        yield from self._member(MANIFEST, len(told), io.BytesIO(told))
        del self.manifest.files[MANIFEST]
        yield bytes(2 * tarfile.BLOCKSIZE)

    def _member(self, name: str, size: int, file: IO[bytes]) -> Iterator[bytes]:
        """Yield one member. Raises OSError when its file shrinks while it is read."""
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode = size, 0o600
        yield entry.tobuf(tarfile.PAX_FORMAT)
        digest, left = hashlib.sha256(), size
        while left:
            chunk = file.read(min(CHUNK_BYTES, left))
            if not chunk:
                raise OSError(f"{name} became shorter while it was read")
            digest.update(chunk)
            left -= len(chunk)
            yield chunk
        if size % tarfile.BLOCKSIZE:
            yield bytes(-size % tarfile.BLOCKSIZE)
        self.manifest.files[name] = (size, digest.hexdigest())


def write(target: Path, files: Iterable[tuple[str, Opens]], facts: dict[str, str], recipients: list[str]) -> Manifest:
    """Write a backup to `target`, read it back and return its manifest. Raises OSError, BrokenBackup, FileExistsError.

    `recipients` are public keys (age1...). A key that is made for this run, and never stored, is one more: with it the file is read
    back from disk and compared, though the operator's secret key is elsewhere.
    """
    if target.exists():
        raise FileExistsError(f"{target} is there already.")
    own = pyrage.x25519.Identity.generate()
    keys = [own.to_public(), *(pyrage.x25519.Recipient.from_str(each) for each in recipients)]
    manifest, new = Manifest(facts), target.with_name(f".{target.name}.unfinished")
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            pyrage.encrypt_io(_Tar(files, manifest), out, keys)
            out.flush()
            os.fsync(out.fileno())
        if verify(new, own).files != manifest.files:
            raise BrokenBackup("What was read back is not what was written.")
        os.rename(new, target)
    finally:
        new.unlink(missing_ok=True)
    return manifest


def verify(source: Path, identity: Any) -> Manifest:  # Any: pyrage has no types
    """Read a backup to its end and return its manifest. Raises BrokenBackup."""
    return read(source, identity, lambda name, file: None)


def read(source: Path, identity: Any, take: Callable[[str, IO[bytes]], None]) -> Manifest:  # Any: pyrage has no types
    """Hand each file of a backup to `take`, with its name, and return the manifest. Raises BrokenBackup.

    What `take` got may be wrong until this returns: `verify` first.
    """
    found: dict[str, tuple[int, str]] = {}
    told = b""
    with _decrypted(source, identity) as plain, tarfile.open(fileobj=plain, mode="r|") as tar:
        for entry in tar:
            member = tar.extractfile(entry)
            if member is None:
                raise BrokenBackup(f"{entry.name} is no file.")
            if entry.name == MANIFEST:
                told = member.read()
                continue
            counted = _Counted(member)
            take(entry.name, counted)  # type: ignore[arg-type]  # it can read, and that is all
            found[entry.name] = counted.finish()
    manifest = json.loads(told or b"{}")
    files = {name: (int(size), str(digest)) for name, (size, digest) in manifest.get("files", {}).items()}
    if not told or files != found:
        raise BrokenBackup("The backup does not hold what its manifest says.")
    return Manifest(manifest["facts"], files)


class _Counted:
    """A file that counts and hashes what is read of it."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.size, self.digest = file, 0, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        chunk = self.file.read(size)
        self.size += len(chunk)
        self.digest.update(chunk)
        return chunk

    def finish(self) -> tuple[int, str]:
        """Read to the end; return size and SHA-256."""
        while self.read(CHUNK_BYTES):
            pass
        return self.size, self.digest.hexdigest()


class _decrypted:  # used as a function
    """The plain text of a file, through a pipe: age decrypts in a thread, so that neither waits for the whole."""

    def __init__(self, source: Path, identity: Any) -> None:  # Any: pyrage has no types
        self.source, self.identity = source, identity
        self.error: Exception | None = None
        reader, writer = os.pipe()
        self.plain, self.writer = os.fdopen(reader, "rb"), os.fdopen(writer, "wb")
        self.thread = threading.Thread(target=self._decrypt)

    def _decrypt(self) -> None:
        try:
            with self.source.open("rb") as file, self.writer:
                pyrage.decrypt_io(file, self.writer, [self.identity])
        except (OSError, pyrage.DecryptError) as error:
            self.error = error

    def __enter__(self) -> IO[bytes]:
        self.thread.start()
        return self.plain

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if kind is None:
            while self.plain.read(CHUNK_BYTES):
                pass
        self.plain.close()
        self.thread.join()
        if isinstance(error, tarfile.TarError | ValueError | None) and (error or self.error):
            raise BrokenBackup(f"The backup is damaged, or this is not its key: {self.error or error}") from self.error or error
