"""How much damage to pixel data is seen, and how often a whole picture is taken for a damaged one. `python -m benchmarks.damage`.

Damages the demo's portraits, and the JPEGs of a folder if one is named, in every format. Seeded: two runs say the same.
"""

import io
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pillow_heif
from PIL import Image, ImageDraw

from ml.decode.formats import UndecodablePhoto
from ml.decode.rebuild import open_photo
from tests.cohort import portraits

SIDE_PX = 800
EVERY = 4  # of the portraits
SEED = 20261128
VARIANTS: tuple[tuple[str, str, dict[str, Any]], ...] = (  # Any: options of an encoder
    *(("JPEG", "JPEG", {"quality": quality, "optimize": tight}) for quality in (60, 85, 95) for tight in (False, True)),
    ("JPEG with restart markers", "JPEG", {"quality": 85, "restart_marker_rows": 1}),
    *(("JPEG, progressive", "JPEG", {"quality": quality, "progressive": True}) for quality in (60, 85, 95)),
    ("PNG", "PNG", {}),
    *(("HEIC", "HEIF", {"quality": quality}) for quality in (60, 90)),
    *(("AVIF", "AVIF", {"quality": quality}) for quality in (60, 90)),
    *(("WebP", "WEBP", {"quality": quality}) for quality in (80, 95)),
    ("WebP, lossless", "WEBP", {"lossless": True}),
)
KINDS = ("cut out", "set to zero", "overwritten", "missing at the end")


def pictures(folder: Path | None) -> list[Image.Image]:
    """Return the whole pictures: portraits, photos, and drawings with areas of one colour, in which coders write odd bytes."""
    paths = [*(portrait.path for portrait in portraits()[::EVERY]), *(sorted(folder.glob("*.jpg")) if folder else ())]
    opened = [open_photo(path.read_bytes()) for path in paths]
    for picture in opened:
        picture.thumbnail((SIDE_PX, SIDE_PX))
    flat = [Image.new("RGB", (1600, 1200), colour) for colour in ("white", "black", "#787970")]
    studio = Image.new("RGB", (2400, 1800), "white")
    studio.paste(opened[0], (900, 500))
    disc = Image.new("RGB", (1600, 1200), "white")
    ImageDraw.Draw(disc).ellipse((400, 200, 1200, 1000), fill="pink")
    return [*opened, *flat, studio, disc, Image.linear_gradient("L").resize((1600, 1200)).convert("RGB")]


def is_refused(source: bytes) -> bool:
    """Whether a file is turned away."""
    try:
        open_photo(source)
    except UndecodablePhoto:
        return True
    return False


def damaged(source: bytes, kind: str, size: int, chance: random.Random) -> bytes:
    """Return the file with `size` bytes changed somewhere in its last nine tenths."""
    at = chance.randrange(len(source) // 10, len(source) - size - 50)
    if kind == "missing at the end":
        return source[:-size]
    middle = {"cut out": b"", "set to zero": bytes(size), "overwritten": chance.randbytes(size)}[kind]
    return source[:at] + middle + source[at + size :]


def main() -> None:
    """Print one row of a table for each format."""
    pillow_heif.register_heif_opener()
    chance = random.Random(SEED)
    alarms, whole, seen, tried = Counter[str](), Counter[str](), Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    for picture in pictures(Path(sys.argv[1]) if len(sys.argv) > 1 else None):
        for name, file_format, options in VARIANTS:
            file = io.BytesIO()
            picture.save(file, file_format, **options)
            source = file.getvalue()
            whole[name] += 1
            alarms[name] += is_refused(source)
            for kind in KINDS:
                for size in (512, 1024, 4096, len(source) // 10):
                    changed = damaged(source, kind, size, chance) if 2 * size < len(source) > 4_000 else source
                    if changed != source:  # where a flat area is zeros, more zeros change nothing
                        tried[name, kind] += 1
                        seen[name, kind] += is_refused(changed)
    print(f"| format | {' | '.join(KINDS)} | whole pictures refused |\n|{'---|' * 6}")
    for name in whole:
        cells = (f"{seen[name, kind]} of {tried[name, kind]}" for kind in KINDS)
        print(f"| {name} | {' | '.join(cells)} | {alarms[name]} of {whole[name]} |")


if __name__ == "__main__":
    main()
