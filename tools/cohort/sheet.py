"""Contact sheets of rendered people: `python -m tools.cohort.sheet OUT.png PERSON... [--expressions a,b] [--side 256]`."""

import argparse
from pathlib import Path

from PIL import Image

from tools.cohort.people import PEOPLE
from tools.cohort.render import film_of, over_room
from tools.cohort.shot import Shot


def main() -> None:
    """Render each person with each expression, one row a person, and save the sheet."""
    parser = argparse.ArgumentParser(prog="python -m tools.cohort.sheet", description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("people", nargs="*", default=list(PEOPLE))
    parser.add_argument("--expressions", default="neutral,happy,sad,angry")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--yaw", type=float, default=5.0)
    options = parser.parse_args()
    names = options.expressions.split(",")
    sheet = Image.new("RGB", (options.side * len(names), options.side * len(options.people)))
    for row, person in enumerate(options.people):
        for column, name in enumerate(names):
            shot = Shot(person, {name: 1.0}, yaw=options.yaw, side_px=options.side, lens_mm=128)
            sheet.paste(over_room(shot, film_of(shot)), (column * options.side, row * options.side))
            sheet.save(options.out)


if __name__ == "__main__":
    main()
