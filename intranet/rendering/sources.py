"""Files as pages: PDF by PDFium, pictures by Pillow, text typeset. Only ever run in the child, one thread."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Protocol

from intranet.rendering.fonts import Font
from search.extract_charset import decode
from search.extract_sink import Problem

if TYPE_CHECKING:
    from PIL.Image import Image

MOST_PIXELS = 100_000_000  # of a picture before it is made smaller; as `search.extract_picture`
_DRAWN = 25_000_000  # of a page that is drawn
_PASSWORD, _SECURITY = 4, 5  # FPDF_GetLastError of PDFium's fpdfview.h
PICTURES = ("PNG", "JPEG", "GIF", "TIFF", "BMP", "WEBP")
_MOST_TEXT = 4_000_000  # characters that are typeset
_LINES, _SIZE, _TOP, _SIDE, _LEAD = 46, 22, 90, 100, 34  # of a typeset page 1240 wide, in pixels
TEXT_SIZE = (1240, 1754)  # A4 at 150 dpi


class Source(Protocol):
    """A file in pages."""

    pages: int

    def draw(self, number: int, width: int) -> Image:
        """Page `number` (from 0) as a picture of that width in RGB. Raises `Problem`."""


class Pdf:
    """Pages of a PDF."""

    def __init__(self, data: bytes) -> None:
        self.document = opened(data)
        self.pages = len(self.document)
        if not self.pages:
            raise Problem("damaged", "no pages")

    def draw(self, number: int, width: int) -> Image:
        import pypdfium2

        try:
            page = self.document[number]
            wide, high = page.get_size()
            scale = min(width / max(wide, 1), (_DRAWN / max(1.0, wide * high)) ** 0.5)
            drawn: Image = page.render(scale=scale, limit_image_cache=True).to_pil().convert("RGB")
            page.close()
        except (pypdfium2.PdfiumError, ValueError) as error:
            raise Problem("damaged", f"page {number + 1}: {error}"[:200]) from error
        return drawn


def opened(data: bytes) -> Any:
    """A PDF document. Raises `Problem` (encrypted, damaged)."""
    import pypdfium2

    try:
        document = pypdfium2.PdfDocument(data)
        document.init_forms()
    except pypdfium2.PdfiumError as error:
        if error.err_code in (_PASSWORD, _SECURITY):
            raise Problem("encrypted", "PDF with a password") from error
        raise Problem("damaged", f"bad PDF: {error}"[:200]) from error
    return document


class Picture:
    """A picture, or each page of a TIFF; of a moving one the first."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.image = self._open()
        self.pages = int(getattr(self.image, "n_frames", 1)) if self.image.format == "TIFF" else 1

    def _open(self) -> Image:
        from PIL import Image

        Image.MAX_IMAGE_PIXELS = None  # its own guard warns before it refuses, and refuses at twice the size
        return Image.open(io.BytesIO(self._data), formats=PICTURES)

    def draw(self, number: int, width: int) -> Image:
        from PIL import Image

        image = self.upright(number, draft=width)
        if image.width != width and (image.width > width or image.width * 3 < width):
            high = max(1, min(round(image.height * width / image.width), _DRAWN // width))
            image = image.resize((width, high), Image.Resampling.LANCZOS)
        return image

    def upright(self, number: int = 0, *, draft: int = 0) -> Image:
        """One frame in its own size (or roughly `draft` wide, where that is quicker), turned as the camera meant it, in RGB
        and without anything else that a camera writes."""
        from PIL import Image, ImageOps

        image = self._open()
        image.seek(number)
        if draft:
            image.draft("RGB", (draft, draft))
        if image.width * image.height > MOST_PIXELS:
            raise Problem("too_large", f"{image.width} x {image.height} pixels")
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I;16") or image.mode == "I":
            image = image.convert("I").point(lambda value: value / 256).convert("L")
        if "A" in image.mode or "transparency" in image.info:
            image = image.convert("RGBA")
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
        return image.convert("RGB")


class Text:
    """Plain text on typeset pages: every sign as it stands, long lines broken."""

    def __init__(self, data: bytes, font: Font) -> None:
        text = decode(data)
        if text is None:
            raise Problem("unsupported", "no text in a known encoding")
        if len(text) > _MOST_TEXT:
            raise Problem("too_large", f"more than {_MOST_TEXT} characters")
        self.text, self._font = text, font
        self._widths: dict[str, float] = {}
        self._lines = list(self._broken(TEXT_SIZE[0] - 2 * _SIDE))
        self.pages = max(1, -(-len(self._lines) // _LINES))

    def _broken(self, room: int) -> Any:
        shape = self._font.at(_SIZE)
        for line in self.text.expandtabs(4).splitlines():
            begun, used = 0, 0.0
            for at, sign in enumerate(line):
                wide = self._widths.get(sign)
                if wide is None:
                    wide = self._widths[sign] = shape.getlength(sign) if sign.isprintable() else 0.0
                if used + wide > room:
                    yield line[begun:at]
                    begun, used = at, 0.0
                used += wide
            yield line[begun:]

    def draw(self, number: int, width: int) -> Image:
        from PIL import Image, ImageDraw

        scale = width / TEXT_SIZE[0]
        shape = self._font.at(round(_SIZE * scale))
        page = Image.new("RGB", (width, round(TEXT_SIZE[1] * scale)), "white")
        pen = ImageDraw.Draw(page)
        for n, line in enumerate(self._lines[number * _LINES : (number + 1) * _LINES]):
            shown = "".join(c if c.isprintable() else " " for c in line)
            pen.text((_SIDE * scale, (_TOP + n * _LEAD) * scale), shown, font=shape, fill=(20, 24, 30))
        return page
