"""The QR code is the one that readers know, drawn without gaps."""

import re

from qrcode import QRCode
from qrcode.constants import ERROR_CORRECT_M

from patients.photos.qr_code import QUIET_ZONE, qr_picture


def test_path_covers_exactly_the_dark_modules() -> None:
    text = "https://affectline.clinic.example/phone/abc/"
    picture = qr_picture(text)
    code = QRCode(error_correction=ERROR_CORRECT_M, border=QUIET_ZONE)
    code.add_data(text)
    wanted = {(x, y) for y, row in enumerate(code.get_matrix()) for x, is_dark in enumerate(row) if is_dark}
    strokes = [tuple(map(int, stroke)) for stroke in re.findall(r"M(\d+) (\d+)h(\d+)v1h-\d+z", picture.path)]
    drawn = [(x + k, y) for x, y, length in strokes for k in range(length)]
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == wanted
    assert min(x for x, _y in drawn) == QUIET_ZONE
    assert max(x for x, _y in drawn) == picture.side - QUIET_ZONE - 1
