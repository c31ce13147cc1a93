"""Small real files for the demo: text, PDF, Word, Excel, pictures, made from words when they are needed."""

from __future__ import annotations

import csv
import io
import math
import wave
from collections.abc import Callable


def make(name: str, title: str, body: str) -> bytes:
    """A file of the kind that the ending of `name` says. Raises KeyError for an ending nobody makes."""
    makers: dict[str, Callable[[str, str], bytes]] = {
        "txt": text, "pdf": pdf, "docx": word, "xlsx": sheet, "csv": table, "png": picture, "wav": sound,
    }  # fmt: skip
    return makers[name.rpartition(".")[2]](title, body)


def text(title: str, body: str) -> bytes:
    return f"{title}\n\n{body}\n".encode()


def table(title: str, body: str) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["序号", title])
    writer.writerows(enumerate((line for line in body.splitlines() if line.strip()), 1))
    return b"\xef\xbb\xbf" + out.getvalue().encode()


def word(title: str, body: str) -> bytes:
    from docx import Document

    document = Document()
    document.add_heading(title, 1)
    for line in body.splitlines():
        if line.strip():
            document.add_paragraph(line.strip())
    out = io.BytesIO()
    document.save(out)
    return out.getvalue()


def sheet(title: str, body: str) -> bytes:
    from openpyxl import Workbook

    book = Workbook()
    page = book.active
    page.title = "明细"
    page.append([title])
    for line in body.splitlines():
        if line.strip():
            page.append([part.strip() for part in line.replace("：", "，").split("，")])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def sound(title: str, _body: str) -> bytes:
    """Four seconds of soft tones whose pitch comes from the title: a recording in which nobody speaks."""
    rate, seconds = 8000, 4
    pitches = [220 * 2 ** ((sum(title.encode()) * n % 12) / 12) for n in range(1, seconds + 1)]
    out = io.BytesIO()
    with wave.open(out, "wb") as made:
        made.setnchannels(1)
        made.setsampwidth(2)
        made.setframerate(rate)
        for pitch in pitches:
            swell = (
                int(6000 * math.sin(math.pi * n / rate) * math.sin(2 * math.pi * pitch * n / rate))
                for n in range(rate)
            )
            made.writeframes(b"".join(level.to_bytes(2, "little", signed=True) for level in swell))
    return out.getvalue()


def picture(title: str, _body: str) -> bytes:
    """A drawn picture whose colours come from the title: a photo that shows nobody."""
    from PIL import Image, ImageDraw

    seed = sum(title.encode())
    ground = (90 + seed % 90, 110 + seed % 70, 120 + seed % 60)
    image = Image.new("RGB", (640, 420), ground)
    draw = ImageDraw.Draw(image)
    for i in range(9):
        x, y = (seed * (i + 3) * 37) % 560, (seed * (i + 5) * 53) % 340
        shade = tuple(min(255, c + 14 * (i % 5) - 20) for c in ground)
        draw.rounded_rectangle((x, y, x + 70 + 9 * i, y + 46 + 6 * i), 8, fill=shade)
    draw.rectangle((0, 392, 640, 420), fill=(40, 44, 48))
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def pdf(title: str, body: str) -> bytes:
    """A plain one-column PDF. Its Chinese font is named, not embedded, as the format allows (ISO 32000-1, 9.7.5)."""
    lines = [title, "", *_wrapped(body, 38)]
    pages = [lines[i : i + 42] for i in range(0, len(lines), 42)]
    kids = " ".join(f"{5 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type0 /BaseFont /STSong-Light /Encoding /UniGB-UCS2-H /DescendantFonts [4 0 R] >>",
        (
            b"<< /Type /Font /Subtype /CIDFontType0 /BaseFont /STSong-Light "
            b"/CIDSystemInfo << /Registry (Adobe) /Ordering (GB1) /Supplement 2 >> /DW 1000 "
            b"/FontDescriptor << /Type /FontDescriptor /FontName /STSong-Light /Flags 4 /FontBBox [-25 -254 1000 880] "
            b"/ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 880 /StemV 93 >> >>"
        ),
    ]
    for number, page in enumerate(pages):
        shown = b"".join(b"<%s> Tj 0 -17 Td\n" % line.encode("utf-16-be").hex().encode() for line in page)
        stream = b"BT /F1 12 Tf 64 780 Td\n" + shown + b"ET"
        objects += [
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] "
            b"/Resources << /Font << /F1 3 0 R >> >> /Contents %d 0 R >>" % (6 + 2 * number),
            b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        ]
    return _assembled(objects)


def _wrapped(body: str, width: int) -> list[str]:
    return [line[i : i + width] for line in body.splitlines() for i in range(0, max(len(line), 1), width)]


def _assembled(objects: list[bytes]) -> bytes:
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    for at in places:
        out += b"%010d 00000 n \n" % at
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start)
    return bytes(out)
