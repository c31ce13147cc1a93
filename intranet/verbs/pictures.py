"""Photos of people who complain lose place, time and device before they are kept, and stand upright (row 111)."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterable, Iterator

from PIL import Image, ImageOps, UnidentifiedImageError

LIMIT = 40 << 20  # bytes; a larger "photo" is not one
PIXELS = 80_000_000
FORMATS = ("JPEG", "PNG", "WEBP")
BOMBS = (
    Image.DecompressionBombWarning,
    Image.DecompressionBombError,
)  # few bytes that unpack to far too many


def clean(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same picture without metadata, or the same bytes when it is no picture we know. Memory: at most LIMIT.

    Only the head of a file decides whether it is buffered, so that a recording of any length streams through."""
    source = iter(chunks)
    head = next(source, b"")
    if not _picture(head):
        yield head
        yield from source
        return
    data = bytearray(head)
    for chunk in source:
        data += chunk
        if len(data) > LIMIT:
            yield bytes(data)
            yield from source
            return
    yield _stripped(bytes(data))


def _picture(head: bytes) -> bool:
    return head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
        head[:4] == b"RIFF" and head[8:12] == b"WEBP"
    )


def _stripped(data: bytes) -> bytes:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
                if picture.width * picture.height > PIXELS:
                    return data
                upright = ImageOps.exif_transpose(picture)
                bare = upright.convert("RGBA" if "A" in upright.getbands() else "RGB")
                bare.info.clear()
                out = io.BytesIO()
                bare.save(out, format=picture.format or "PNG", quality=88)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, *BOMBS):
        return data  # not a whole picture: kept as evidence as it is
    return out.getvalue()
