"""What a process says to the parent of its decoders, and the parent to it."""

from dataclasses import dataclass

REQUEST_BYTES = 128
BUSY = b"busy"  # instead of how a decoder ended: no process could be started
CHECK = "CHECK"
"""In place of a format: the decoder opens nothing and only says which of its layers are missing."""


@dataclass(frozen=True)
class Request:
    """What one decoder is to do. With it come three handles: where the photo is read, where the answer goes, and a socket.

    The socket tells the decoder's exit status when it has ended. Closing the other end kills the decoder.
    """

    kind: str
    """The format, or CHECK."""
    max_pixels: int = 0
    required: frozenset[str] = frozenset()
    """The layers of ml.decode.confinement without which it reads nothing."""

    def written(self) -> bytes:
        """Return the request in REQUEST_BYTES bytes."""
        return " ".join((self.kind, str(self.max_pixels), *sorted(self.required))).ljust(REQUEST_BYTES).encode()


def read(request: bytes) -> Request:
    """Return what `Request.written` wrote."""
    kind, max_pixels, *required = request.decode().split()
    return Request(kind, int(max_pixels), frozenset(required))
