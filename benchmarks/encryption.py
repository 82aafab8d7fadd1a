"""The cost of sealing photos: time per photo and size on disk, now and before ADR 0130. Run `python -m benchmarks.encryption`.

Before: Fernet with the field keys. Now: AES-256-GCM with the key of the patient, bound to the row, and a SHA-256 of the file in its
row. Both are measured in turn in one run. The last lines compare a rotation of the field keys.
"""

import hashlib
import io
import os
import secrets
import statistics
import struct
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from uuid import uuid4

import django
from cryptography.fernet import Fernet, MultiFernet
from PIL import Image

ROUNDS = 15
SIZES = ((800, 600), (2000, 1500), (4000, 3000))
PHOTOS_A_PATIENT = 50
SHARES = (0.1, 0.05, 0.05, 0.4, 0.2, 0.1, 0.1)


def jpeg(width: int, height: int) -> bytes:
    """Return a JPEG that compresses about as well as a photo: noise, enlarged to twice its size."""
    small = Image.frombytes("RGB", (width // 2, height // 2), os.urandom(3 * (width // 2) * (height // 2)))
    file = io.BytesIO()
    small.resize((width, height), Image.Resampling.BICUBIC).save(file, "JPEG", quality=80)
    return file.getvalue()


def milliseconds(*runs: Callable[[], object]) -> list[float]:
    """Return the median time of each of `runs`, called in turn, in milliseconds."""
    times: list[list[float]] = [[] for _ in runs]
    for _ in range(ROUNDS):
        for run, taken in zip(runs, times, strict=True):
            began = time.perf_counter()
            run()
            taken.append(time.perf_counter() - began)
    return [1000 * statistics.median(taken) for taken in times]


def prepare(folder: Path, keys: list[str]) -> None:
    """Set Django up with keys and folders of its own."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "clinic.settings")
    os.environ["AFFECTLINE_VAR"] = str(folder)
    for name in ("SECRET_KEY", "SEARCH_KEY"):
        os.environ[name] = secrets.token_urlsafe(32)
    os.environ["FIELD_KEYS"] = ",".join(keys)
    django.setup()


def compare_photos(former: MultiFernet) -> None:
    """Print the cost of sealing and opening a photo, before and now."""
    from encryption import patient_keys
    from encryption.seal import Place, seal, unseal

    owner, row = uuid4(), uuid4()
    place, ring = Place("patients.Photo", "image", str(row), str(owner)), patient_keys.find_or_make(owner).record_ring

    def seal_now(content: bytes) -> str:
        return hashlib.sha256(seal(patient_keys.find(owner).record_ring, place, content)).hexdigest()

    def open_now(sealed: bytes) -> bytes:
        hashlib.sha256(sealed).hexdigest()
        return unseal(patient_keys.find(owner).record_ring, place, sealed)

    print("picture         bytes     seal: before      now     open: before      now   on disk: before    now")
    for width, height in SIZES:
        content = jpeg(width, height)
        then, now = former.encrypt(content), seal(ring, place, content)
        sealing = milliseconds(partial(former.encrypt, content), partial(seal_now, content))
        opening = milliseconds(partial(former.decrypt, then), partial(open_now, now))
        disk = [len(each) / len(content) for each in (then, now)]
        cells = "".join(f"{before:>13.2f} ms {after:>5.2f} ms" for before, after in (sealing, opening))
        print(f"{width}x{height:<6} {len(content):>9} {cells}           x{disk[0]:.2f}  x{disk[1]:.2f}")


def compare_fields(former: MultiFernet) -> None:
    """Print the cost of a name, before and now."""
    from encryption import patient_keys
    from encryption.seal import Place, from_text, seal, to_text, unseal

    owner = uuid4()
    place, ring = Place("patients.Patient", "name", str(owner), str(owner)), patient_keys.find_or_make(owner).record_ring
    then, now = former.encrypt(b"Ines Moreau"), to_text(seal(ring, place, b"Ines Moreau"))
    many = range(1000)

    def open_now() -> None:
        for _ in many:
            unseal(patient_keys.find(owner).record_ring, place, from_text(now))

    before, after = milliseconds(lambda: [former.decrypt(then) for _ in many], open_now)
    print(f"a name: {1000 * before / len(many):.1f} µs to open before, {1000 * after / len(many):.1f} µs now")


def cost_of_probabilities() -> None:
    """Print what it would cost to open seven probabilities for each photo of an export; they are not sealed (ADR 0130)."""
    from encryption import patient_keys
    from encryption.seal import Place, seal, unseal

    owner, rows = uuid4(), [str(uuid4()) for _ in range(1000)]
    ring = patient_keys.find_or_make(owner).record_ring
    stored = [
        (row, seal(ring, Place("inference.Prediction", "shares", row, str(owner)), struct.pack("<7d", *SHARES))) for row in rows
    ]

    def open_all() -> None:
        for row, sealed in stored:
            struct.unpack("<7d", unseal(ring, Place("inference.Prediction", "shares", row, str(owner)), sealed))

    (taken,) = milliseconds(open_all)
    print(f"probabilities, if they were sealed: {1000 * taken / len(rows):.1f} µs per photo to open")


def compare_rotations(former: MultiFernet) -> None:
    """Print the cost of a rotation per photo: before every file was sealed anew, now the keys of its patient are."""
    from encryption import patient_keys

    owner = uuid4()
    patient_keys.find_or_make(owner)
    path = patient_keys._path(owner)
    token = former.encrypt(jpeg(2000, 1500))
    before, now = milliseconds(partial(former.rotate, token), partial(patient_keys.rewrap, path))
    print(f"rotation: {before:.2f} ms per photo of 2000x1500 before, its file aside; now with it {now:.2f} ms per patient:")
    print(f"{now / PHOTOS_A_PATIENT:.2f} ms per photo for {PHOTOS_A_PATIENT} photos a patient")


def main() -> None:
    """Measure and print."""
    keys = [Fernet.generate_key().decode() for _ in range(2)]
    former = MultiFernet([Fernet(key) for key in keys])
    with tempfile.TemporaryDirectory() as folder:
        prepare(Path(folder), keys)
        compare_photos(former)
        compare_fields(former)
        cost_of_probabilities()
        compare_rotations(former)


if __name__ == "__main__":
    main()
