"""A whole file with the mark in it: PDF on every page, a picture in its pixels, a text in its first and last line.

Only ever run in the child. In a PDF the mark is a picture that all pages of one size share, and the same words once more
as text without ink, so that they are found by a search. The file is written anew: no earlier state stays in it.
"""

from __future__ import annotations

import io
import zlib
from typing import Any

from intranet.rendering import mark as marks
from intranet.rendering import sources
from intranet.rendering.fonts import Font
from intranet.rendering.mark import Mark
from search.extract_charset import decode
from search.extract_sink import Problem

_DRAWN = 1000  # pixels of a page's width: what the mark is drawn in
_FORMATS = {"JPEG": ("image/jpeg", {"quality": 92}), "WEBP": ("image/webp", {"quality": 92})}


def pdf(data: bytes, mark: Mark, font: Font) -> tuple[bytes, str]:
    """(the PDF with the mark on each page, its media type)."""
    import pypdfium2

    document = sources.opened(data)
    made: dict[tuple[int, int], Any] = {}
    try:
        for number in range(len(document)):
            page = document[number]
            turned = page.get_rotation()
            left, bottom, right, top = page.get_cropbox()
            size = max(1, round(right - left)), max(1, round(top - bottom))
            seen = size if turned % 180 == 0 else size[::-1]
            if seen not in made:
                made[seen] = pypdfium2.PdfDocument(_overlay(seen, mark, font)).page_as_xobject(0, document)
            overlay = made[seen].as_pageobject()
            overlay.set_matrix(_upright(turned, left, bottom, *seen))
            page.insert_obj(overlay)
            page.gen_content()
            page.close()
        out = io.BytesIO()
        document.save(out, flags=pypdfium2.raw.FPDF_NO_INCREMENTAL)
    except (pypdfium2.PdfiumError, ValueError) as error:
        raise Problem("damaged", f"not marked: {error}"[:200]) from error
    return out.getvalue(), "application/pdf"


def _upright(turned: int, left: float, bottom: float, width: float, height: float) -> Any:
    """From the mark as it is to be seen to the page's own space, which is shown turned clockwise."""
    import pypdfium2

    a, b, c, d, e, f = {
        0: (1, 0, 0, 1, 0, 0),
        90: (0, 1, -1, 0, height, 0),
        180: (-1, 0, 0, -1, width, height),
        270: (0, -1, 1, 0, 0, width),
    }[turned % 360]
    return pypdfium2.PdfMatrix(a, b, c, d, e + left, f + bottom)


def _overlay(size: tuple[int, int], mark: Mark, font: Font) -> bytes:
    """A PDF of one page with nothing but the mark (ISO 32000-1: 8.9.5 images, 11.6.5.3 soft masks, 9.3.6 text without ink)."""
    width, height = size
    high = max(1, min(3 * _DRAWN, round(_DRAWN * height / width)))
    sheet = marks.sheet((_DRAWN, high), mark.lines, font)
    strip = marks.foot(_DRAWN, mark.foot, font).convert("RGBA")
    sheet.paste(strip, (0, max(0, high - strip.height)))
    pixels, mask = (
        zlib.compress(sheet.convert("RGB").tobytes()),
        zlib.compress(sheet.getchannel("A").tobytes()),
    )
    small = max(2.0, min(8.0, 1.6 * width / max(1, len(mark.foot))))
    words = mark.foot.encode("utf-16-be", "replace").hex()
    content = f"q {width} 0 0 {height} 0 0 cm /M Do Q BT 3 Tr /F {small:g} Tf 8 {small / 2:g} Td <{words}> Tj ET".encode()
    picture = (
        b"/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /Filter /FlateDecode"
        % (
            _DRAWN,
            high,
        )
    )
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %d %d] /Contents 4 0 R "
        b"/Resources << /XObject << /M 5 0 R >> /Font << /F 7 0 R >> >> >>" % (width, height),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
        b"<< %s /ColorSpace /DeviceRGB /SMask 6 0 R /Length %d >>\nstream\n%s\nendstream"
        % (picture, len(pixels), pixels),
        b"<< %s /ColorSpace /DeviceGray /Length %d >>\nstream\n%s\nendstream" % (picture, len(mask), mask),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [8 0 R] >>",
        (
            b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light "
            b"/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /DW 1000 "
            b"/FontDescriptor << /Type /FontDescriptor /FontName /STSong-Light /Flags 4 /FontBBox [-25 -254 1000 880] "
            b"/ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >> >>"
        ),
    ]
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, one in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % at for at in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)


def picture(data: bytes, mark: Mark, font: Font) -> tuple[bytes, str]:
    """(the picture with the mark burnt in, its media type). What a camera wrote beside the pixels is gone."""
    source = sources.Picture(data)
    form = source.image.format or ""
    out = io.BytesIO()
    if source.pages > 1:
        frames = [marks.burn(source.upright(n), mark, font) for n in range(source.pages)]
        frames[0].save(out, "TIFF", save_all=True, append_images=frames[1:], compression="tiff_lzw")
        return out.getvalue(), "image/tiff"
    mime, options = _FORMATS.get(form, ("image/png", {}))
    marks.burn(source.upright(), mark, font).save(out, mime.removeprefix("image/").upper(), **options)
    return out.getvalue(), mime


def text(data: bytes, mark: Mark, mime: str) -> tuple[bytes, str]:
    """(the text between two lines that say whose it is, its media type), in UTF-8; a table stays one."""
    found = decode(data)
    if found is None:
        raise Problem("unsupported", "no text in a known encoding")
    line = '"' + mark.foot.replace('"', '""') + '"' if mime == "text/csv" else mark.foot
    said = f"{line}\r\n{found.rstrip()}\r\n{line}\r\n"
    return (b"\xef\xbb\xbf" if mime == "text/csv" else b"") + said.encode("utf-8", "replace"), mime
