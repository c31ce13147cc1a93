"""Pictures: PNG, JPEG, GIF, TIFF with all its pages, BMP, WebP; and documents that hold pictures and hardly a word.

Only ever run in the child. Pillow is told which formats to try, and sizes are looked at before a pixel is unpacked.
"""

from __future__ import annotations

import functools
import io
import zipfile
from typing import TYPE_CHECKING

from search.extract_ocr import Pictures
from search.extract_sink import Problem, Sink
from search.extract_zip import natural, opened

if TYPE_CHECKING:
    from PIL.Image import Image

FEW = 50  # characters; a page or a document with fewer, and a picture on it, is taken for a scan
MOST_PIXELS = 100_000_000  # phones take 12 to 50 million; A1 at 300 dpi is 70
_LONGEST, _SHORTEST = 5000, 1200  # of the longer side, for Tesseract: A3 at 300 dpi; half a screen
_ICON = 8192  # bytes: what is smaller than this in a document is a logo, not a page
_PREVIEWS = ("docProps/", "Thumbnails/")  # of the first page, for folders (ECMA-376 part 2, ODF 1.3 part 2)
_FORMATS = ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP")
_ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp", ".gif", ".webp")


def read(data: bytes, sink: Sink, pictures: Pictures) -> None:
    """The text of a picture, of each page of a TIFF. Of a moving picture the first is read."""
    for number in range(_pages(data)):
        sink.line(pictures.read(functools.partial(_open, data, number)))


def inside(data: bytes, sink: Sink, pictures: Pictures) -> None:
    """The text of the pictures in a document that is a ZIP (DOCX, PPTX, ODT, OFD), in the order of their names."""
    with opened(data) as archive:
        found = [
            e
            for e in archive.infolist()
            if e.filename.lower().endswith(_ENDINGS) and not e.filename.startswith(_PREVIEWS)
        ]
        for entry in sorted(found, key=lambda e: natural(e.filename)):
            if entry.file_size > _ICON:
                sink.line(_one_of_many(archive, entry, pictures))


def _one_of_many(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, pictures: Pictures) -> str:
    try:
        return pictures.read(lambda: _open(archive.read(entry), 0))
    except MemoryError:
        raise
    except Exception:  # noqa: BLE001 - Pillow raises many kinds of errors; one bad picture does not spoil the others
        pictures.miss()
        return ""


def _pages(data: bytes) -> int:
    if not data.startswith((b"II*\0", b"MM\0*")):
        return 1
    from PIL import Image

    return int(getattr(Image.open(io.BytesIO(data), formats=("TIFF",)), "n_frames", 1))


def _open(data: bytes, number: int) -> Image:
    """A page of a picture in grey, upright, of a size that Tesseract likes."""
    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = None  # its own guard warns before it refuses, and refuses at twice the size
    image: Image.Image = Image.open(io.BytesIO(data), formats=_FORMATS)
    image.seek(number)
    image.draft("L", (_LONGEST, _LONGEST))  # a large JPEG is unpacked at a half or a quarter of its size
    if image.width * image.height > MOST_PIXELS:
        raise Problem("too_large", f"{image.width} x {image.height} pixels")
    return _sized(ImageOps.exif_transpose(_grey(image)))


def _grey(image: Image) -> Image:
    """Black on white, also where the paper is transparent or the grey has 16 bits."""
    from PIL import Image as Pil

    if image.mode.startswith("I"):
        image = image.convert("I").point(lambda value: value / 256)
    elif "A" in image.mode or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Pil.alpha_composite(Pil.new("RGBA", image.size, "white"), image)
    return image.convert("L")


def _sized(image: Image) -> Image:
    longest = max(image.size)
    if longest > _LONGEST:
        image.thumbnail((_LONGEST, _LONGEST))
    elif longest < _SHORTEST:
        image = image.resize((2 * image.width, 2 * image.height))
    return image
