"""What a process says to the parent of its decoders, and the parent to it."""

REQUEST_BYTES = 32
BUSY = b"busy"  # instead of how a decoder ended: no process could be started


def written(kind: str, max_pixels: int) -> bytes:
    """Return the request for a decoder. With it come three handles: where the photo is read, where the answer goes, and a socket.

    The socket tells the decoder's exit status when it has ended. Closing the other end kills the decoder.
    """
    return f"{kind} {max_pixels}".ljust(REQUEST_BYTES).encode()


def read(request: bytes) -> tuple[str, int]:
    """Return the format and the most pixels of a request."""
    kind, max_pixels = request.decode().split()
    return kind, int(max_pixels)
