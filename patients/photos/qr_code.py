"""QR codes as SVG paths, drawn here so that no address is sent to another service."""

from dataclasses import dataclass
from itertools import groupby

from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M

QUIET_ZONE = 4  # light modules around the code that readers need (ISO/IEC 18004, 5.3.8)


@dataclass(frozen=True)
class QrPicture:
    """A square of `side` modules, and the SVG path of the dark ones."""

    side: int
    path: str


def qr_picture(text: str) -> QrPicture:
    """Return the QR code of `text`. It stays readable with 15 % of it covered."""
    code = QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE)
    code.add_data(text)
    rows = code.get_matrix()
    strokes = []
    for y, row in enumerate(rows):
        x = 0
        for is_dark, run in groupby(row):
            length = len(list(run))
            if is_dark:
                strokes.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return QrPicture(len(rows), "".join(strokes))
