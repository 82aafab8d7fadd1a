"""The answer of a hijacked decoder: whatever it claims, only the plain pictures that we write are taken and opened."""

import io
import json
from collections.abc import Callable
from functools import cache

import pytest
from PIL import Image

from ml.decode import apart
from ml.decode.formats import UndecodablePhoto
from ml.decode.made import NotOurPicture, check_made, open_made
from ml.decode.rebuild import STORED_SIDE_PX, rebuild
from tests.factories import picture


@cache
def jpeg(width: int, height: int, mode: str = "RGB", file_format: str = "JPEG", **options: object) -> bytes:
    """Return a picture as `rebuild` writes it, unless the options say otherwise."""
    file = io.BytesIO()
    Image.new(mode, (width, height), 120 if mode == "L" else (9, 120, 140, 0)[: len(mode)]).save(
        file, file_format, **{"quality": 92, "subsampling": 0, **options}
    )
    return file.getvalue()


def answer(image: bytes, preview: bytes, **claimed: object) -> bytes:
    """Return what a decoder says of these pictures, with some of its words replaced."""
    told = {"width": 100, "height": 80, "taken_at": None, "image_bytes": len(image), "preview_bytes": len(preview)}
    return json.dumps(told | claimed).encode() + b"\n" + image + preview


def taken(monkeypatch: pytest.MonkeyPatch, said: bytes) -> str:
    """Return the size of the photo that an answer is taken for, or the code with which it is refused."""
    monkeypatch.setattr(apart, "ask_decoder", lambda *_: said)
    try:
        photo = apart.rebuild_apart(b"any", "JPEG")
    except UndecodablePhoto as error:
        return error.code
    return f"{photo.width} x {photo.height}"


IMAGE, PREVIEW = jpeg(100, 80), jpeg(50, 40, quality=82, subsampling=2)
WITHOUT_END, FRAME = IMAGE[:-2], IMAGE.index(b"\xff\xc0")
LIES: dict[str, Callable[[], bytes]] = {
    "a larger picture than it says": lambda: answer(jpeg(12_000, 12_000), PREVIEW),
    "a larger picture, and it says so": lambda: answer(jpeg(12_000, 12_000), PREVIEW, width=12_000, height=12_000),
    "another size than it says": lambda: answer(jpeg(80, 100), PREVIEW),
    "a side too long": lambda: answer(jpeg(STORED_SIDE_PX + 1, 8), jpeg(50, 8), width=STORED_SIDE_PX + 1, height=8),
    "no height yet": lambda: answer(IMAGE[: FRAME + 5] + b"\0\0" + IMAGE[FRAME + 7 :], PREVIEW, height=0),
    "a large preview": lambda: answer(jpeg(2000, 80), jpeg(801, 40), width=2000),
    "a preview larger than its picture": lambda: answer(IMAGE, jpeg(101, 40)),
    "a preview that is none": lambda: answer(IMAGE, b"<svg/>"),
    "progressive": lambda: answer(jpeg(100, 80, progressive=True), PREVIEW),
    "grey": lambda: answer(jpeg(100, 80, mode="L"), PREVIEW),
    "four inks": lambda: answer(jpeg(100, 80, mode="CMYK"), PREVIEW),
    "restart markers": lambda: answer(jpeg(100, 80, restart_marker_blocks=4), PREVIEW),
    "a comment": lambda: answer(jpeg(100, 80, comment=b"where it was taken"), PREVIEW),
    "metadata": lambda: answer(jpeg(100, 80, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0"), PREVIEW),
    "a colour profile": lambda: answer(jpeg(100, 80, icc_profile=b"any"), PREVIEW),
    "a trailer": lambda: answer(IMAGE + b"<script>", PREVIEW),
    "a second picture": lambda: answer(IMAGE + IMAGE, PREVIEW),
    "a second scan": lambda: answer(WITHOUT_END + IMAGE[IMAGE.index(b"\xff\xda") :], PREVIEW),
    "no end": lambda: answer(WITHOUT_END, PREVIEW),
    "half a segment": lambda: answer(IMAGE[:30], PREVIEW),
    "a segment of no length": lambda: answer(IMAGE[:2] + b"\xff\xe0\0\0" + IMAGE[4:], PREVIEW),
    "another format": lambda: answer(jpeg(100, 80, file_format="PNG"), PREVIEW),
    "fewer bytes": lambda: answer(IMAGE, PREVIEW, image_bytes=len(IMAGE) - 1, preview_bytes=len(PREVIEW) + 1),
    "more bytes": lambda: answer(IMAGE, PREVIEW) + b"x",
    "bytes that are not there": lambda: answer(IMAGE, PREVIEW, preview_bytes=10**30),
    "bytes below none": lambda: answer(IMAGE, PREVIEW, image_bytes=-len(PREVIEW), preview_bytes=len(PREVIEW)),
    "words for numbers": lambda: answer(IMAGE, PREVIEW, image_bytes="all"),
    "numbers without end": lambda: answer(IMAGE, PREVIEW, width=float("inf")),
    "lists for numbers": lambda: answer(IMAGE, PREVIEW, width=[100]),
    "no such day": lambda: answer(IMAGE, PREVIEW, taken_at="2026-02-30"),
}


@pytest.mark.parametrize("lie", LIES)
def test_lying_answer_is_refused(lie: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert taken(monkeypatch, LIES[lie]()) == "decoder_crashed"


def test_honest_answer_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    assert taken(monkeypatch, answer(IMAGE, PREVIEW)) == "100 x 80"


@pytest.mark.parametrize("size", [(1, 1), (64, 48), (4096, 5), (900, 1700)])
def test_what_rebuild_writes_is_opened(size: tuple[int, int]) -> None:
    photo = rebuild(picture(*size, file_format="PNG"), "PNG")
    assert check_made(photo.image) == open_made(photo.image).size == size
    assert max(check_made(photo.preview)) <= 800


def test_large_picture_that_was_stored_once_is_not_opened() -> None:
    with pytest.raises(NotOurPicture, match="12000 x 12000 pixels"):
        open_made(jpeg(12_000, 12_000))
