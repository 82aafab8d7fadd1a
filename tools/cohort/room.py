"""The room in the background: a few drawn shapes, far out of focus."""

import numpy as np
from PIL import Image, ImageDraw, ImageFilter


def draw_room(seed: int, side_px: int, light: float = 1.0) -> Image.Image:
    """Return a blurred consulting room, RGB: window, door, something on the wall."""
    rng, unit = np.random.default_rng(seed), side_px / 512
    fade = np.linspace(0, 1, side_px)[:, None, None]
    wall = np.array([198, 208, 212]) * (1 - fade) + np.array([160, 168, 170]) * fade + np.zeros((side_px, side_px, 3))
    room = Image.fromarray(np.clip(wall, 0, 255).astype(np.uint8))
    pen = ImageDraw.Draw(room)
    x = float(rng.integers(-60, 300)) * unit
    pen.rectangle((x, -20, x + 150 * unit, 230 * unit), fill=(236, 240, 240))
    pen.rectangle((x + 70 * unit, -20, x + 80 * unit, 230 * unit), fill=(190, 198, 200))
    x = float(rng.integers(250, 460)) * unit
    pen.rectangle((x, 120 * unit, x + 90 * unit, side_px), fill=tuple(int(level) for level in rng.integers(110, 165, 3)))
    pen.rectangle((0, float(rng.integers(380, 440)) * unit, side_px, side_px), fill=(138, 150, 152))
    x = float(rng.integers(0, 420)) * unit
    pen.rectangle((x, 60 * unit, x + 60 * unit, 120 * unit), fill=tuple(int(level) for level in rng.integers(120, 210, 3)))
    lit = np.asarray(room.filter(ImageFilter.GaussianBlur(22 * unit)), float) * light
    return Image.fromarray(np.clip(lit, 0, 255).astype(np.uint8))
