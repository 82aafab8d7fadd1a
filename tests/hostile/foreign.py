"""Files that are not photos; and photos of another format than the name says, which are taken."""

import gzip
import io
import zipfile

from tests.factories import picture
from tests.hostile.case import MARK, Hostile, fixed

SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">%s</svg>'
ENTITY = b'<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg>&x;</svg>'
LAUGHS = b'<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><svg>&b;</svg>'


def zipped() -> bytes:
    """Return a small archive that carries the mark."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("run.class", MARK)
    return file.getvalue()


def _of(file_format: str) -> bytes:
    return picture(file_format=file_format)


def _refused(what: str, content: bytes, name: str = "photo.jpg") -> Hostile:
    return Hostile(what, fixed(content), "unsupported_format", name)


FOREIGN: tuple[Hostile, ...] = (
    Hostile("nothing at all", fixed(b""), "empty"),
    Hostile("a byte more than 30 MB", lambda: picture().ljust(30_000_001, b"\0"), "too_large"),
    _refused("one byte", b"\xff"),
    _refused("zeros", bytes(4096)),
    _refused("text", b"hello, I am a photo"),
    _refused("UTF-16 text", "\ufeffphoto".encode("utf-16")),
    _refused("a table", b"=cmd|' /C calc'!A0,1\r\n"),
    _refused("svg", SVG % b"<rect/>", "photo.svg"),
    _refused("svg with a script, named jpg", SVG % b"<script>alert(1)</script>"),
    _refused("svg that reads a file", ENTITY),
    _refused("svg that grows", LAUGHS),
    _refused("html", b"<!doctype html><script>alert(document.cookie)</script>"),
    _refused("html as a photo's comment, without the photo", b"<!--" + picture() + b"--><script>alert(1)</script>"),
    _refused("a program for Windows", b"MZ\x90\0\x03\0\0\0\x04" + bytes(200), "photo.exe"),
    _refused("a program for Linux", b"\x7fELF\x02\x01\x01" + bytes(200)),
    _refused("an archive", zipped(), "photo.zip"),
    _refused("a gzip bomb", gzip.compress(bytes(10_000_000))),
    _refused(
        "a PDF that holds a JPEG", b"%PDF-1.7\n1 0 obj<</Filter/DCTDecode>>stream\n" + picture() + b"\nendstream", "photo.pdf"
    ),
    _refused("PostScript", b"%!PS-Adobe-3.0 EPSF-3.0\n(%pipe%id) (w) file\n", "photo.eps"),
    _refused(
        "a drawing for ImageMagick", b"push graphic-context\nfill 'url(https://x.test/\"|id\")'\npop graphic-context\n", "photo.mvg"
    ),
    _refused("an animation that is a JAR too", _of("GIF") + zipped()),
    _refused("an animation that is JavaScript too", b"GIF89a/*" + bytes(20) + b"*/=1;alert(1)"),
    _refused("gif", _of("GIF"), "photo.gif"),
    _refused("bmp", _of("BMP"), "photo.bmp"),
    _refused("tiff", _of("TIFF"), "photo.tiff"),
    _refused("tiff, the other way round", b"MM\0*" + _of("TIFF")[4:]),
    _refused("ico", _of("ICO"), "photo.ico"),
    _refused("jpeg 2000", _of("JPEG2000"), "photo.jp2"),
    _refused("jpeg xl", b"\0\0\0\x0cJXL \r\n\x87\n" + bytes(60), "photo.jxl"),
    _refused("psd", b"8BPS\0\x01" + bytes(6) + b"\0\x03\0\0\0\x30\0\0\0\x40\0\x08\0\x03" + bytes(60), "photo.psd"),
    _refused("dicom", bytes(128) + b"DICM" + bytes(60), "photo.dcm"),
    _refused("a film", b"\0\0\0\x18ftypisom\0\0\x02\0isomiso2" + bytes(60), "photo.mp4"),
    _refused("a sound in the container of WebP", b"RIFF\x24\0\0\0WAVEfmt " + bytes(30), "photo.webp"),
    _refused("a photo after a blank", b" " + picture()),
    Hostile("avif", lambda: _of("AVIF"), None, "photo.avif"),
    Hostile("avif named heic", lambda: _of("AVIF"), None, "photo.heic"),
    Hostile("png named jpg", lambda: _of("PNG"), None),
    Hostile("jpg named png", picture, None, "photo.png"),
    Hostile("jpg named html", picture, None, "photo.html"),
    Hostile("jpg named svg", picture, None, "photo.jpg.svg"),
    Hostile("webp named heic", lambda: _of("WEBP"), None, "photo.heic"),
)
