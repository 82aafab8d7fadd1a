"""Render the demo's photos: `python -m tools.cohort --out demo`. Keeps finished photos, so a second run resumes."""

import argparse
import json
import time
from pathlib import Path

from PIL import Image

from tools.cohort.plan import Planned, describe, whole_plan
from tools.cohort.render import film_of, over_room, save
from tools.cohort.spoil import SPOILS


def picture_of(photo: Planned, portraits: Path) -> Image.Image:
    """Return the picture. A spoiled one is made from the good portrait of the same visit."""
    if photo.beside is not None:
        return over_room(photo.shot, film_of(photo.shot), film_of(photo.beside))
    if photo.spoiled:
        with Image.open(portraits / f"{photo.file[: photo.file.index('-') + 3]}-1.jpg") as portrait:
            return SPOILS[photo.spoiled][0](portrait.convert("RGB"))
    return over_room(photo.shot, film_of(photo.shot))


def main() -> None:
    """Render what is missing, then write cohort.json."""
    parser = argparse.ArgumentParser(prog="python -m tools.cohort", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("demo"))
    parser.add_argument("--only-json", action="store_true", help="render nothing")
    options = parser.parse_args()
    portraits = options.out / "portraits"
    plan = whole_plan()
    missing = [] if options.only_json else [photo for photo in plan if not (portraits / photo.file).exists()]
    for number, photo in enumerate(missing, start=1):
        began, used = time.monotonic(), time.process_time()
        save(picture_of(photo, portraits), portraits / photo.file)
        seconds, cpu = time.monotonic() - began, time.process_time() - used
        print(f"{number}/{len(missing)} {photo.file} {seconds:.1f} s, {cpu:.1f} s of processor", flush=True)
    finished = {photo.file for photo in plan if (portraits / photo.file).exists()}
    (options.out / "cohort.json").write_text(json.dumps(describe(finished), indent=1) + "\n")


if __name__ == "__main__":
    main()
