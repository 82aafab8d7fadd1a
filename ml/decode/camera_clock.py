"""When the camera says that a photo was taken, in the spellings that cameras, phones and programs write."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction

from PIL import ExifTags, Image

EARLIEST_YEAR = 1900  # photos were scanned, but hardly of patients who were photographed before; some programs write the year 1
TAGS = (
    (ExifTags.Base.DateTimeOriginal, ExifTags.Base.OffsetTimeOriginal),
    (ExifTags.Base.DateTimeDigitized, ExifTags.Base.OffsetTimeDigitized),
    (ExifTags.Base.DateTime, ExifTags.Base.OffsetTime),
)
"""What says when, and beside it the zone. The first date that can be read counts."""
_CLOCK = (
    r"(?:[T\s,]\s*|[:.\-/\s])(?P<hour>\d{1,2})[:.\-hH](?P<minute>\d{1,2})"
    r"(?:[:.\-mM](?P<second>\d{1,2})(?:[.,:]\d+)?)?\s*(?P<half>[AaPp]\.?[Mm]\.?)?\s*(?P<zone>Z|z|UTC|GMT|[+\-−]\d{1,2}(?::?\d{2})?)?"
)
WRITTEN = tuple(
    re.compile(day + clock)
    for day, clock in (
        (r"(?P<year>\d{4})[:.\-/\s](?P<month>\d{1,2})[:.\-/\s](?P<day>\d{1,2})", _CLOCK),
        (r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4})", _CLOCK),
        (
            r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
            r"[T\s]?(?P<hour>\d\d):?(?P<minute>\d\d):?(?P<second>\d\d)(?:[.,]\d+)?(?P<half>)\s*(?P<zone>Z|[+\-]\d\d(?::?\d{2})?)?",
        ),
    )
)
"""The year first with any separators, the German order, and without separators."""
ZONE = re.compile(r"([+\-−])(\d{1,2}):?(\d{2})?$")


def taken_at(exif: Image.Exif) -> datetime | None:
    """Return when the photo was taken, with a zone where one is written; None when nothing that can be read says it."""
    try:
        inner: Mapping[int, object] = exif.get_ifd(ExifTags.IFD.Exif)
    except Exception:  # a broken part says nothing; the others may
        inner = {}
    for tag, offset_tag in TAGS:
        for holder in (inner, exif):  # some programs write a tag into the other part
            moment = _read(_get(holder, tag), _get(inner, offset_tag) or _get(exif, offset_tag))
            if moment is not None:
                return moment
    return _by_satellite(exif)


def _get(holder: Mapping[int, object], tag: int) -> object:
    """Return what a tag says; None when its place in the file is broken."""
    try:
        return holder.get(tag)
    except Exception:
        return None


def _read(written: object, offset: object) -> datetime | None:
    """Return the moment that a tag spells, or None."""
    text = _text(written)
    for pattern in WRITTEN:
        found = pattern.match(text)
        if found:
            return _moment(found, _text(offset))
    return None


def _text(written: object) -> str:
    if isinstance(written, bytes):
        written = written.decode("ascii", "replace")
    return str(written or "")[:64].strip("\0 \t\r\n\"'")


def _moment(found: re.Match[str], offset: str) -> datetime | None:
    hour, half = int(found["hour"]), (found["half"] or "")[:1].lower()
    if half and hour <= 12:
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        moment = datetime(int(found["year"]), int(found["month"]), int(found["day"]), hour, int(found["minute"]))
        moment += timedelta(seconds=min(int(found["second"] or 0), 59))
    except (ValueError, OverflowError):
        return None
    return moment.replace(tzinfo=_zone(found["zone"] or offset)) if moment.year >= EARLIEST_YEAR else None


def _zone(written: str) -> timezone | None:
    """Return the zone that is written as +02:00, +0200, +2, Z, UTC or GMT; None for anything else."""
    if written.upper() in {"Z", "UTC", "GMT"}:
        return UTC
    found = ZONE.match(written)
    if not found:
        return None
    away = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return timezone(away if found[1] == "+" else -away) if away <= timedelta(hours=14) else None


def _by_satellite(exif: Image.Exif) -> datetime | None:
    """Return the moment that the position was measured, in UTC."""
    try:
        gps = exif.get_ifd(ExifTags.IFD.GPSInfo)
        hour, minute, second = (int(Fraction(str(part))) for part in gps[ExifTags.GPS.GPSTimeStamp])
    except Exception:  # not there, or not three numbers
        return None
    return _read(f"{_text(gps.get(ExifTags.GPS.GPSDateStamp))} {hour:02}:{minute:02}:{second:02}Z", None)
