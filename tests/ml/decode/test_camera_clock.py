"""When a photo was taken, in the spellings of cameras, phones and programs."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from PIL import Image

from ml.decode.camera_clock import taken_at
from ml.decode.rebuild import rebuild
from tests.factories import picture

EXIF, GPS = 0x8769, 0x8825
MORNING = datetime(2026, 11, 20, 9, 46)


def written(
    inner: dict[int, object] | None = None, outer: dict[int, object] | None = None, gps: dict[int, object] | None = None
) -> Image.Exif:
    exif = Image.Exif()
    exif.update(outer or {})
    exif.get_ifd(EXIF).update(inner or {})
    exif.get_ifd(GPS).update(gps or {})
    return exif


@pytest.mark.parametrize(
    "text",
    [
        "2026:11:20 09:46:00", "2026-11-20 09:46:00", "2026/11/20 09:46:00", "2026.11.20 09.46.00", "2026-11-20T09:46:00",
        "2026:11:20 09:46", "2026:11:20 9:46:0", "2026:11:20  09:46:00", " 2026:11:20 09:46:00\0", "2026:11:20:09:46:00",
        "2026:11:20 09:46:00.123", "2026:11:20 09:46:00,5", "20.11.2026 09:46:00", "20261120T094600", "20261120 094600",
        "2026:11:20 09:46:00 AM", "2026-11-20 09h46m00",
    ],
)  # fmt: skip
def test_every_spelling_is_read(text: str) -> None:
    assert taken_at(written({0x9003: text})) == MORNING


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("2026:11:20 09:46:00Z", 0),
        ("2026:11:20 09:46:00+02:00", 2),
        ("2026:11:20 09:46:00.25 -0530", -5.5),
        ("2026-11-20T09:46:00+01", 1),
        ("2026:11:20 09:46:00 UTC", 0),
    ],
)
def test_zone_behind_the_clock_is_read(text: str, hours: float) -> None:
    moment = taken_at(written({0x9003: text}))
    assert moment == MORNING.replace(tzinfo=timezone(timedelta(hours=hours)))


@pytest.mark.parametrize(("clock", "offset"), [(0x9003, 0x9011), (0x9004, 0x9012)])
def test_zone_in_a_tag_of_its_own_is_read(clock: int, offset: int) -> None:
    moment = taken_at(written({clock: "2026:11:20 09:46:00", offset: "+09:00"}))
    assert moment is not None
    assert moment.utcoffset() == timedelta(hours=9)


def test_tags_are_asked_one_after_the_other() -> None:
    original, digitized, changed = "2026:11:20 09:46:00", "2026:11:21 09:46:00", "2026:11:22 09:46:00"
    assert taken_at(written({0x9003: original, 0x9004: digitized}, {0x0132: changed})) == MORNING
    assert taken_at(written({0x9003: "    :  :     :  :  ", 0x9004: digitized}, {0x0132: changed})) == MORNING + timedelta(days=1)
    assert taken_at(written({0x9003: "0000:00:00 00:00:00"}, {0x0132: changed})) == MORNING + timedelta(days=2)
    assert taken_at(written({}, {0x9003: original})) == MORNING


def test_satellites_say_when_nothing_else_does() -> None:
    gps: dict[int, object] = {0x1D: "2026:11:20", 7: (9.0, 46.0, 0.0)}
    assert taken_at(written(gps=gps)) == MORNING.replace(tzinfo=UTC)
    assert taken_at(written({0x9003: "2026:11:21 09:46:00"}, gps=gps)) == MORNING + timedelta(days=1)


@pytest.mark.parametrize(
    "text", ["", "yesterday", "2026:13:41 25:61:00", "0001:01:01 00:00:00", "2026:11:20", "1" * 5000, "2026:11:20 24:00:00"]
)
def test_what_is_no_date_says_nothing(text: str) -> None:
    assert taken_at(written({0x9003: text})) is None


@pytest.mark.parametrize("file_format", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF"])
def test_every_format_says_when(file_format: str) -> None:
    import pillow_heif

    pillow_heif.register_heif_opener()
    exif = written({0x9003: "2026:11:20 09:46:00", 0x9011: "+01:00"})
    moment = rebuild(picture(file_format=file_format, exif=exif.tobytes()), file_format).taken_at
    assert moment == MORNING.replace(tzinfo=timezone(timedelta(hours=1)))
