"""Where the bytes of an upload wait until they are opened: in memory, or in a file without a name. Never in a file that stays."""

import tempfile
from typing import Any

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import FileUploadHandler


class NamelessFile(FileUploadHandler):
    """Takes what is too much for memory: many photos at once, from a form without a script.

    Django's own handler writes a file with a name. The original, with all that a camera wrote into it, would lie there unencrypted,
    and stay for good when the process is killed. A file without a name is gone with the process.
    No more than one byte above the limit of a photo is kept: a request, of whoever, fills no disk.
    """

    def new_file(self, *arguments: Any, **named: Any) -> None:  # Any: Django's own signature
        """Begin a file."""
        super().new_file(*arguments, **named)
        self.file = tempfile.TemporaryFile(dir=settings.FILE_UPLOAD_TEMP_DIR)  # noqa: SIM115  # closed with the request
        self.room = settings.PHOTO_MAX_BYTES + 1

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        """Keep what there is room for."""
        self.file.write(raw_data[: self.room])
        self.room -= min(self.room, len(raw_data))

    def file_complete(self, file_size: int) -> UploadedFile[bytes]:
        """Return the file, which says how large it was sent."""
        self.file.seek(0)
        return UploadedFile(self.file, self.file_name, self.content_type, file_size, self.charset, self.content_type_extra)
