"""Photos lose place, time and device, and stand upright; everything else stays as it was sent (row 111)."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from intranet.verbs import pictures

ORIENTATION, GPS, MAKE = 0x0112, 0x8825, 0x010F


def photo(form: str = "JPEG") -> bytes:
    picture = Image.new("RGB", (40, 20), (200, 30, 30))
    exif = Image.Exif()
    exif[MAKE] = "Spy Phone 15"
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS)[2] = (30.0, 15.0, 0.0)
    out = io.BytesIO()
    picture.save(out, form, exif=exif)
    return out.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("size", [7, 1 << 20])
def test_nothing_but_the_picture_is_left(form: str, size: int) -> None:
    data = photo(form)
    assert b"Spy Phone" in data
    pieces = [data[:12], *(data[i : i + size] for i in range(12, len(data), size))]
    clean = b"".join(pictures.clean(pieces))
    assert b"Spy Phone" not in clean
    with Image.open(io.BytesIO(clean)) as left:
        assert (left.format, left.size, dict(left.getexif())) == (form, (20, 40), {})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"plain text",
        b"\xff\xd8\xff not a photo at all",
        photo()[:200],
        b"\x00\x00\x00\x18ftypmp42 a film",
    ],
)
def test_what_is_no_whole_picture_stays_as_evidence(data: bytes) -> None:
    assert b"".join(pictures.clean([data])) == data


def test_a_bomb_is_not_unpacked() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    chunk = (
        struct.pack(">I", len(header)) + b"IHDR" + header + struct.pack(">I", zlib.crc32(b"IHDR" + header))
    )
    bomb = b"\x89PNG\r\n\x1a\n" + chunk
    assert b"".join(pictures.clean([bomb])) == bomb
