"""The cost of encrypting photos: time per photo and size on disk. Run `python -m benchmarks.encryption`."""

import io
import os
import statistics
import time
from functools import partial

from cryptography.fernet import Fernet, MultiFernet
from PIL import Image

ROUNDS = 15
SIZES = ((800, 600), (2000, 1500), (4000, 3000))


def jpeg(width: int, height: int) -> bytes:
    """Return a JPEG that compresses about as well as a photo: noise, enlarged to twice its size."""
    small = Image.frombytes("RGB", (width // 2, height // 2), os.urandom(3 * (width // 2) * (height // 2)))
    file = io.BytesIO()
    small.resize((width, height), Image.Resampling.BICUBIC).save(file, "JPEG", quality=80)
    return file.getvalue()


def milliseconds(run: object) -> float:
    """Return the median time of a call of `run`, in milliseconds."""
    assert callable(run)
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        run()
        times.append(time.perf_counter() - began)
    return 1000 * statistics.median(times)


def main() -> None:
    """Measure and print, one line per size of picture."""
    keys = MultiFernet([Fernet(Fernet.generate_key()), Fernet(Fernet.generate_key())])
    print("picture      bytes   encrypt   decrypt   on disk")
    for width, height in SIZES:
        content = jpeg(width, height)
        sealed = keys.encrypt(content)
        seal, unseal = milliseconds(partial(keys.encrypt, content)), milliseconds(partial(keys.decrypt, sealed))
        print(f"{width}x{height} {len(content):>9} {seal:>6.1f} ms {unseal:>6.1f} ms   x{len(sealed) / len(content):.2f}")


if __name__ == "__main__":
    main()
