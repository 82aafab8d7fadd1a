"""Which files are read, by what name they go into the table, and their bytes."""

import errno
import os
import stat
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..decode.formats import MAX_BYTES, UndecodablePhoto

PHOTO_ENDINGS = frozenset(
    ".jpg .jpeg .jpe .jfif .png .webp .heic .heif .hif .avif .gif .bmp .tif .tiff .jp2 .jxl .dng .cr2 .cr3 .nef .arw".split()
)
"""Endings of pictures, also of those that are not opened: in a folder they get a row, and other files none."""


@dataclass(frozen=True)
class PhotoFile:
    """A file to be read. `name` is what the table calls it, and the same in every run."""

    path: Path
    name: str

    def content(self) -> bytes:
        """Return the bytes. Raises OSError, and UndecodablePhoto with too_large without reading a larger file."""
        # Opening a pipe would wait for someone to write into it.
        handle = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        with open(handle, "rb") as file:
            facts = os.fstat(handle)
            if not stat.S_ISREG(facts.st_mode):
                raise OSError(errno.EINVAL, "not a file")
            if facts.st_size > MAX_BYTES:
                raise UndecodablePhoto("too_large", bytes=facts.st_size, max_bytes=MAX_BYTES)
            return file.read(MAX_BYTES + 1)


def find_photos(paths: Sequence[Path], recursive: bool = False) -> Iterator[PhotoFile]:
    """Yield the files of one folder, by name, or the files named. Files in a folder are called by their path within it.

    A folder within the folder that cannot be listed is yielded itself: it has to be in the table. Raises OSError for the first.
    """
    if len(paths) == 1 and paths[0].is_dir():
        yield from _in_folder(paths[0], "", recursive)
    else:
        yield from (PhotoFile(path, plain_name(str(path))) for path in paths)


def _in_folder(folder: Path, prefix: str, recursive: bool) -> Iterator[PhotoFile]:
    try:
        with os.scandir(folder) as entries:
            # Hidden files are not photos: macOS puts "._photo.jpg" beside each photo on foreign disks.
            seen = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries if not entry.name.startswith("."))
    except OSError:
        if not prefix:
            raise
        yield PhotoFile(folder, plain_name(prefix))
        return
    for name, is_folder in seen:
        if not is_folder and os.path.splitext(name)[1].lower() in PHOTO_ENDINGS:
            yield PhotoFile(folder / name, plain_name(prefix + name))
    if recursive:
        for name, is_folder in seen:
            if is_folder:
                yield from _in_folder(folder / name, f"{prefix}{name}/", recursive)


def plain_name(name: str) -> str:
    """Return the name in one line of valid text: what is no letter in UTF-8, and control characters, as escapes."""
    text = os.fsencode(name).decode("utf-8", "backslashreplace")
    return "".join(repr(sign)[1:-1] if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in text)
