"""What a file is, told from its bytes; the name only decides between kinds the bytes cannot tell apart.

Own signatures come first: the Chinese formats (OFD, GB/T 33190; WPS) and the Office ones are containers, and
libmagic and its relatives mistake them for each other. libmagic, when it can be loaded, names the rest.
"""

from __future__ import annotations

import functools
import ntpath
import re
from collections.abc import Callable
from typing import Any

from search.extract_charset import guess
from search.filetype_containers import ole, zipped

UNKNOWN = "application/octet-stream"
EMPTY = "application/x-empty"

_SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"{\\rtf", "application/rtf"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"BM", "image/bmp"),
    (b"Rar!\x1a\x07", "application/vnd.rar"),
    (b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (b"\x1f\x8b\x08", "application/gzip"),
)
# Junk before the header is usual (ISO 32000-1, annex H, note 13), but a PDF in another file does not make it one.
_PDF = re.compile(rb"(?m)^%PDF-[12]\.\d")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = (b"<!doctype html", b"<html", b"<head", b"<body")
_MAIL = (
    b"return-path:",
    b"received:",
    b"mime-version:",
    b"delivered-to:",
    b"x-mozilla-status:",
    b"message-id:",
)
_TEXTS = {
    ".csv": "text/csv",
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".htm": "text/html",
    ".html": "text/html",
    ".eml": "message/rfc822",
    ".mht": "message/rfc822",
}


def sniff(head: bytes, filename: str = "", *, library: bool = True) -> str:
    """The media type of a file that begins with `head` (64 KiB or more; all of it is best for ZIP and OLE).

    Never raises, whatever the bytes. `library=False` leaves libmagic out: nothing is loaded or run.
    """
    if not head:
        return EMPTY
    suffix = ntpath.splitext(filename)[1].lower()
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return zipped(head, suffix)
    if head.startswith(_OLE):
        return ole(head, suffix)
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if sound := _sound(head):
        return sound
    for mark, mime in _SIGNATURES:
        if head.startswith(mark) and (mark != b"BM" or head[6:10] == bytes(4)):
            return mime
    if _PDF.search(head[:1024]):
        return "application/pdf"
    if guess(head) is not None:
        return _text(head, suffix)
    return (library and _libmagic(head)) or UNKNOWN


def _sound(head: bytes) -> str:
    """Recordings that browsers play. An Ogg or MP4 container may hold pictures too: then it is none."""
    if head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        return "audio/wav"
    if head[4:11] in (b"ftypM4A", b"ftypM4B"):
        return "audio/mp4"
    if head[:4] == b"OggS":
        return "audio/ogg" if b"vorbis" in head[:64] or b"OpusHead" in head[:64] else ""
    if head[:3] == b"ID3":
        return "audio/mpeg"
    return "audio/flac" if head[:4] == b"fLaC" else ""


def _text(head: bytes, suffix: str) -> str:
    start = head[:2048].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith(b"<?xml"):
        return "text/html" if b"<html" in start else "text/xml"
    if start.startswith(_HTML):
        return "text/html"
    if start.startswith(_MAIL):
        return "message/rfc822"
    return _TEXTS.get(suffix, "text/plain")


def _libmagic(head: bytes) -> str:
    ask = _library()
    if ask is None:
        return ""
    try:
        return str(ask(head, mime=True))
    except Exception:  # noqa: BLE001 - libmagic reports what it chokes on with exceptions of its own
        return ""


@functools.cache
def _library() -> Callable[..., Any] | None:
    """python-magic's `from_buffer`; None where the package or the C library is missing (Windows, slim images)."""
    try:
        import magic
    except (ImportError, OSError):
        return None
    found: Callable[..., Any] = magic.from_buffer
    return found
