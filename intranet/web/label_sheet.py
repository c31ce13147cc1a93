"""A4 sheets of 3 by 8 labels (63.5 x 33.9 mm), drawn once and written twice: as SVG for the screen and the browser's printer, as
PDF for any other. Black on white; the code is drawn as one path, so it stays sharp.

The Chinese font of the PDF is named, not embedded, as the format allows (ISO 32000-1, 9.7.5): every viewer that shows Chinese has one.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import segno
from markupsafe import Markup, escape

WIDE, HIGH = 210.0, 297.0
ACROSS, DOWN = 3, 8
LABEL_WIDE, LABEL_HIGH, GAP = 63.5, 33.9, 2.5
LEFT = (WIDE - ACROSS * LABEL_WIDE - (ACROSS - 1) * GAP) / 2
TOP = (HIGH - DOWN * LABEL_HIGH) / 2
PER_SHEET = ACROSS * DOWN
PAD, CODE = 3.0, 25.0  # mm: the white edge of a label, the side of its code
MONO, SANS = "mono", "sans"
POINT = 25.4 / 72  # mm


@dataclass(frozen=True)
class Words:
    """One line of text on a label; `size` in mm, `box`: set in a frame (the word of the level)."""

    text: str
    size: float
    face: str = SANS
    bold: bool = False
    box: bool = False


@dataclass(frozen=True)
class Drawn:
    """What stands on one label: the address in its code, and its lines from top to bottom."""

    address: str
    lines: Sequence[Words]


def sheets(labels: Sequence[Drawn], start: int) -> list[list[tuple[float, float, Drawn]]]:
    """The labels with their corners (mm), sheet by sheet; the first one at place `start`, from 1, row by row."""
    found: list[list[tuple[float, float, Drawn]]] = []
    for position, label in enumerate(labels, start - 1):
        page, at = divmod(position, PER_SHEET)
        row, column = divmod(at, ACROSS)
        while len(found) <= page:
            found.append([])
        found[page].append((LEFT + column * (LABEL_WIDE + GAP), TOP + row * LABEL_HIGH, label))
    return found


def _runs(address: str) -> tuple[int, Iterator[tuple[int, int, int]]]:
    """(modules a side, (x, y, length) of each dark run) of the code of an address."""
    matrix = segno.make(address, error="m", micro=False).matrix

    def dark() -> Iterator[tuple[int, int, int]]:
        for y, row in enumerate(matrix):
            x = 0
            while x < len(row):
                length = 0
                while x + length < len(row) and row[x + length]:
                    length += 1
                if length:
                    yield x, y, length
                x += length or 1

    return len(matrix), dark()


def _width(text: str, size: float, face: str) -> float:
    """Roughly how wide a line is, in mm: Chinese characters are square, Latin ones narrower."""
    latin = 0.6 if face == MONO else 0.55
    return sum(size if ord(c) > 0x2E7F else size * latin for c in text)


def _fitted(line: Words) -> tuple[str, float]:
    """The text and the size at which it fits beside the code; what is too long even then is cut."""
    room = LABEL_WIDE - CODE - 2 * PAD - 1.5
    size = max(2.3, min(line.size, line.size * room / max(_width(line.text, line.size, line.face), 0.1)))
    text = line.text
    while len(text) > 1 and _width(text, size, line.face) > room + 0.01:
        text = text[:-2] + "…"
    return text, size


def _placed(label: Drawn) -> Iterator[tuple[float, float, str, float, Words]]:
    """(x, baseline y, text, size, line) within the label, in mm; the lines as one block in the middle of its height."""
    fitted = [(*_fitted(line), line) for line in label.lines]
    y = (LABEL_HIGH - sum(size * 1.45 for _text, size, _line in fitted)) / 2
    for text, size, line in fitted:
        yield PAD + CODE + 1.5, y + size * 1.1, text, size, line
        y += size * 1.45


# -- SVG ----------------------------------------------------------------------------------------------------------
def svg(page: Sequence[tuple[float, float, Drawn]], *, alone: bool = False) -> Markup:
    """One sheet. `alone`: a file of its own."""
    size = 'width="210mm" height="297mm"' if alone else 'class="label-sheet"'
    box = f"0 0 {WIDE:g} {HIGH:g}"
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" {size} role="img">']
    parts.append(f'<rect width="{WIDE:g}" height="{HIGH:g}" fill="#fff"/>')
    parts += [_svg_label(x, y, label) for x, y, label in page]
    # made of numbers, and of words that are escaped
    return Markup("".join([*parts, "</svg>"]))  # noqa: S704


def _svg_label(x: float, y: float, label: Drawn) -> str:
    side, runs = _runs(label.address)
    scale, top = CODE / side, (LABEL_HIGH - CODE) / 2
    path = "".join(f"M{a} {b}h{n}v1h-{n}z" for a, b, n in runs)
    parts = [f'<g transform="translate({x:.2f} {y:.2f})">']
    parts.append(f'<rect x=".4" y=".4" width="{LABEL_WIDE - 0.8:g}" height="{LABEL_HIGH - 0.8:g}" rx="1.5" fill="none" class="label-edge"/>')  # fmt: skip
    parts.append(f'<path transform="translate({PAD:g} {top:.2f}) scale({scale:.5f})" d="{path}" shape-rendering="crispEdges"/>')  # fmt: skip
    for left, base, text, size, line in _placed(label):
        face = "'DejaVu Sans Mono','Consolas','Menlo',monospace" if line.face == MONO else "'Microsoft YaHei','PingFang SC','Noto Sans CJK SC',sans-serif"  # fmt: skip
        if line.box:
            wide = _width(text, size, line.face) + 2
            parts.append(f'<rect x="{left:.2f}" y="{base - size * 1.05:.2f}" width="{wide:.2f}" height="{size * 1.4:.2f}" fill="none" stroke="#000" stroke-width=".35"/>')  # fmt: skip
        weight = ' font-weight="600"' if line.bold else ""
        inset = 1 if line.box else 0
        parts.append(f'<text x="{left + inset:.2f}" y="{base:.2f}" font-size="{size:.2f}" font-family="{escape(face)}"{weight}>{escape(text)}</text>')  # fmt: skip
    return "".join([*parts, "</g>"])


# -- PDF ----------------------------------------------------------------------------------------------------------
def pdf(pages: Sequence[Sequence[tuple[float, float, Drawn]]], title: str) -> bytes:
    """All sheets as one file, cut lines left out: the paper has its own."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    if "STSong-Light" not in pdfmetrics.getRegisteredFontNames():
        pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    out = io.BytesIO()
    canvas = Canvas(out, pagesize=(WIDE / POINT, HIGH / POINT), invariant=1)
    canvas.setTitle(title)
    for page in pages:
        for x, y, label in page:
            _pdf_label(canvas, x, y, label)
        canvas.showPage()
    canvas.save()
    return out.getvalue()


def _pdf_label(canvas: object, x: float, y: float, label: Drawn) -> None:
    c: object = canvas
    side, runs = _runs(label.address)
    module = CODE / side / POINT
    left, top = (x + PAD) / POINT, (HIGH - y - (LABEL_HIGH - CODE) / 2) / POINT
    path = c.beginPath()  # type: ignore[attr-defined]
    for a, b, n in runs:
        path.rect(left + a * module, top - (b + 1) * module, n * module, module)
    c.drawPath(path, stroke=0, fill=1)  # type: ignore[attr-defined]
    for at, base, text, size, line in _placed(label):
        latin = text.isascii()
        font = ("Courier-Bold" if line.bold else "Courier") if latin and line.face == MONO else "STSong-Light"
        px, py = (x + at + (1 if line.box else 0)) / POINT, (HIGH - y - base) / POINT
        c.setFont(font, size / POINT)  # type: ignore[attr-defined]
        c.drawString(px, py, text)  # type: ignore[attr-defined]
        if line.box:
            wide = (_width(text, size, line.face) + 2) / POINT
            c.setLineWidth(1)  # type: ignore[attr-defined]
            c.rect((x + at) / POINT, py - size * 0.35 / POINT, wide, size * 1.4 / POINT, stroke=1, fill=0)  # type: ignore[attr-defined]
