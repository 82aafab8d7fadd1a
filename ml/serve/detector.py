"""Runs CenterFace (Xu et al. 2019) in two parts: the first layers strip by strip, then the others at once.

The first layers work at the full resolution, and so need most of the memory and of the time. A strip needs little of both: its
values stay in the processor's cache. It is run with some rows of its neighbours, so that the maps are those of the whole picture.
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .onnx_session import open_session

FINE, COARSE = "centerface.fine.onnx", "centerface.coarse.onnx"
DETECTOR_SHA256 = {
    FINE: "1c72f069bcd62e06e09e6fbbc7450953d930461c1a070f9c9118f3c1e7d2ac82",
    COARSE: "1c9c61cde0c69baf37a269ad41e0fedb7762cabcf79892e8163eba9ebf09d134",
}
MAPS = ("537", "538", "539", "540")  # heat map, box size, box offset, landmarks
BETWEEN = {"387": (24, 4), "394": (32, 8)}
"""What the first part hands to the second: channels, and by how much the picture is coarser there."""
STRIDE = 4
"""The maps are this many times coarser than the picture."""
MULTIPLE_PX = 32
"""The network halves its input five times, so both sides must be multiples of this."""
STRIP_PIXELS = 1280 * 64
OVERLAP_PX = 16
"""Rows of a neighbour that a strip is run with. The value of a row in `BETWEEN` depends on 13 rows around it."""


class Detector:
    """The network, on one thread. Opening it is slow, so a process keeps one. Raises WeightsMissing or WeightsMismatch."""

    def __init__(self, weights: Path) -> None:
        self.fine, self.coarse = (open_session(weights / name, DETECTOR_SHA256[name]) for name in (FINE, COARSE))

    def maps(self, picture: NDArray[np.uint8]) -> list[NDArray[np.float32]]:
        """Return the four maps (1 | 2 | 2 | 10, H / 4, W / 4) of an RGB picture (h, w, 3).

        H and W are h and w, up to multiples of 32: the picture gets black edges on the right and below.
        """
        height, width = (-(-side // MULTIPLE_PX) * MULTIPLE_PX for side in picture.shape[:2])
        between = {
            name: np.empty((1, channels, height // coarser, width // coarser), np.float32)
            for name, (channels, coarser) in BETWEEN.items()
        }
        rows = max(1, STRIP_PIXELS // width // MULTIPLE_PX) * MULTIPLE_PX
        for top in range(0, height, rows):
            self._run_strip(picture, top, min(top + rows, height), between)
        found: list[Any] = self.coarse.run(MAPS, between)  # (1, C, H / 4, W / 4) each
        return [each[0] for each in found]

    def _run_strip(self, picture: NDArray[np.uint8], top: int, end: int, between: dict[str, NDArray[np.float32]]) -> None:
        """Fill the rows of `between` that belong to rows `top` to `end` of the picture with its black edges."""
        height, width = (side * BETWEEN["387"][1] for side in between["387"].shape[2:])
        first, last = max(0, top - OVERLAP_PX), min(height, end + OVERLAP_PX)
        strip = np.zeros((1, 3, last - first, width), np.float32)
        inside = picture[first:last].transpose(2, 0, 1)  # (3, rows, w)
        strip[0, :, : inside.shape[1], : inside.shape[2]] = inside
        for (name, (_channels, coarser)), part in zip(
            BETWEEN.items(), self.fine.run(list(BETWEEN), {"input.1": strip}), strict=True
        ):
            between[name][:, :, top // coarser : end // coarser] = part[:, :, (top - first) // coarser : (end - first) // coarser]
