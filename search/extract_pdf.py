"""Text of PDF by PDFium (pypdfium2), and of pages that are scans by Tesseract. Only ever run in the child: PDFium is C++
and not thread-safe."""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from search.extract_ocr import DPI, Pictures
from search.extract_picture import FEW
from search.extract_sink import Problem, Sink

if TYPE_CHECKING:
    from PIL.Image import Image

# FPDF_GetLastError and FPDF_PAGEOBJ_IMAGE of PDFium's fpdfview.h and fpdf_edit.h.
_PASSWORD, _SECURITY = 4, 5
_IMAGE = 3
_POINTS = 72
_MOST_PIXELS = 25_000_000  # of a page that is drawn: A3 at 300 dpi has 17 million


def read(data: bytes, sink: Sink, pictures: Pictures) -> None:
    """Text page by page. A page that cannot be read does not hide the others."""
    import pypdfium2  # type: ignore[import-untyped,unused-ignore]

    try:
        document = pypdfium2.PdfDocument(data)
    except pypdfium2.PdfiumError as error:
        if error.err_code in (_PASSWORD, _SECURITY):
            raise Problem("encrypted", "PDF with a password") from error
        raise Problem("damaged", f"bad PDF: {error}"[:200]) from error
    count = len(document)
    bad = []
    for number in range(count):
        try:
            page = document[number]
            text = page.get_textpage()
            content = text.get_text_bounded()
            text.close()
            seen = _is_scan(page, content)
        except (pypdfium2.PdfiumError, ValueError):
            bad.append(number + 1)
            continue
        sink.line(content)
        if seen:
            sink.line(_recognised(page, pictures))
        page.close()
    if bad:
        raise Problem("damaged", f"{len(bad)} of {count} pages unreadable, the first is {bad[0]}")


def _is_scan(page: Any, content: str) -> bool:
    """Whether what is to be read on a page is drawn: no text, or a line of it (a scanner's name, a page number) over a
    picture of half the page, or characters that no program can name (a font without a table)."""
    signs = [c for c in content if not c.isspace()]
    if not signs:
        return any(True for _ in page.get_objects(max_depth=1))
    nameless = sum(unicodedata.category(c) in ("Co", "Cn", "Cc", "Cs") or c == "\ufffd" for c in signs)
    if 3 * nameless > len(signs):
        return True
    width, height = page.get_size()
    return len(signs) < FEW and 2 * _area(page.get_objects(filter=(_IMAGE,), max_depth=3)) > width * height


def _area(images: Iterable[Any]) -> float:
    """Square points that pictures take; where they lie on each other, too much is counted."""
    total = 0.0
    for image in images:
        left, bottom, right, top = image.get_bounds()
        total += (right - left) * (top - bottom)
    return total


def _recognised(page: Any, pictures: Pictures) -> str:
    import pypdfium2

    try:
        return pictures.read(functools.partial(_draw, page))
    except (pypdfium2.PdfiumError, ValueError):
        pictures.miss()
        return ""


def _draw(page: Any) -> Image:
    width, height = page.get_size()
    scale = min(DPI / _POINTS, (_MOST_PIXELS / max(1.0, width * height)) ** 0.5)
    drawn: Image = page.render(scale=scale, grayscale=True, may_draw_forms=False).to_pil()
    return drawn.convert("L")
