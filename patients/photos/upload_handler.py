"""Where the bytes of an upload wait until they are decoded: in memory or in an unnamed file, never in a file that persists."""

import tempfile
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler


class NamelessFile(FileUploadHandler):
    """Holds uploads that are too large for memory: many photos at once, from a form without a script.

    Django's own handler writes a named file. It would hold the original with all its metadata, unencrypted, and would stay behind
    if the process were killed. An unnamed file goes with the process.
    Keeps at most one byte above the size limit of a photo, so that no request can fill the disk.
    """

    def new_file(self, *arguments: Any, **named: Any) -> None:  # Any: Django's own signature
        """Open the unnamed file."""
        super().new_file(*arguments, **named)
        self.file = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115  # closed with the request
        self.room = settings.PHOTO_MAX_BYTES + 1

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Write the chunk up to the limit. Returns None: no later handler sees the bytes."""
        self.file.write(raw_data[: self.room])
        self.room -= min(self.room, len(raw_data))

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:
        """Return the file. Its size is the size that was sent, even when less was kept."""
        self.file.seek(0)
        return UploadedFile(self.file, self.file_name, self.content_type, file_size, self.charset, self.content_type_extra)
