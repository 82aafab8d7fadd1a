"""Photos that the reader must refuse, each for another reason, made from a good portrait or drawn."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from tools.cohort.room import draw_room

Spoil = Callable[[Image.Image], Image.Image]

CUT_AT = 0.39
"""Share of the side at which the edge cuts: through the face of a portrait that looks straight on."""
COMPANION = "rosa"
"""Who sits beside the patient where a photo must show two faces."""


def blurred(portrait: Image.Image) -> Image.Image:
    """Return it as taken with a shaking hand."""
    side = portrait.width
    streak = np.mean([np.roll(np.asarray(portrait, float), shift, axis=1) for shift in range(-side // 40, side // 40)], axis=0)
    return Image.fromarray(streak.astype(np.uint8)).filter(ImageFilter.GaussianBlur(side / 64))


def dark(portrait: Image.Image) -> Image.Image:
    """Return it as taken with the lights off."""
    return portrait.point(lambda level: level * 0.13)


def too_small(portrait: Image.Image) -> Image.Image:
    """Return it as seen on a screen at the far end of the room."""
    side = portrait.width
    small = portrait.resize((side // 7, side // 7), Image.Resampling.LANCZOS)
    room, at = draw_room(9, side), side * 3 // 7
    pen = ImageDraw.Draw(room)
    pen.rectangle(
        (at + small.width // 2 - 5, at + small.width, at + small.width // 2 + 5, at + small.width + 26), fill=(60, 64, 68)
    )
    pen.ellipse((at, at + small.width + 20, at + small.width, at + small.width + 34), fill=(60, 64, 68))
    pen.rounded_rectangle((at - 26, at - 6, at + small.width + 26, at + small.width + 6), 5, fill=(34, 37, 40))
    room.paste(small, (at, at))
    return room


def cut_off(portrait: Image.Image) -> Image.Image:
    """Return it with a part of the face beyond the edge."""
    side = portrait.width
    left, high = round(CUT_AT * side), round((1 - CUT_AT) * side)
    return portrait.crop((left, side // 8, side, side // 8 + high)).resize((side, side), Image.Resampling.LANCZOS)


def no_face(portrait: Image.Image) -> Image.Image:
    """Return the room alone."""
    return draw_room(3, portrait.width)


def dog(portrait: Image.Image) -> Image.Image:
    """Return a drawn dog on a meadow."""
    side = 512
    meadow = Image.new("RGB", (side, side), (176, 205, 224))
    pen = ImageDraw.Draw(meadow)
    pen.rectangle((0, 330, side, side), fill=(121, 158, 92))
    fur, dark_fur, nose = (181, 128, 74), (120, 78, 42), (38, 28, 26)
    pen.ellipse((190, 250, 430, 420), fill=fur)  # body
    for x in (215, 265, 345, 390):
        pen.rounded_rectangle((x, 370, x + 32, 470), 14, fill=fur)
    pen.line((425, 300, 480, 225), fill=fur, width=22)  # tail
    pen.ellipse((95, 130, 270, 300), fill=fur)  # head, turned to the left
    pen.rounded_rectangle((40, 215, 170, 285), 34, fill=(205, 160, 110))  # muzzle
    pen.ellipse((32, 214, 76, 250), fill=nose)
    pen.ellipse((150, 180, 176, 208), fill=nose)
    pen.polygon([(215, 145), (290, 190), (262, 300), (225, 275)], fill=dark_fur)  # ear
    pen.line((60, 268, 150, 272), fill=nose, width=4)
    return meadow.filter(ImageFilter.GaussianBlur(1.2))


SPOILS: dict[str, tuple[Spoil, str]] = {
    # name: how it is made, what the reader must answer
    "blurred": (blurred, "too_blurred"),
    "dark": (dark, "too_dark"),
    "too_small": (too_small, "too_small"),
    "cut_off": (cut_off, "cut_off"),
    "no_face": (no_face, "no_face"),
    "dog": (dog, "no_face"),
}
TWO_FACES = "two_faces"
