"""The mark of whoever reads: their name, login, the time, number and copy of the file, over the whole of each page.

It is drawn into the pixels, dark with a light rim, so that it is read on white paper and on a black picture alike.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from intranet.rendering.fonts import Font

if TYPE_CHECKING:
    from PIL.Image import Image

_ALPHA = 62  # of 255: the text under it stays legible, a photograph of the screen still shows it
_INK, _RIM = (20, 28, 60), (255, 255, 255)
_SLANT = 24  # degrees
_PER_WIDTH = 46  # the mark is this part of a page's width high


class Mark(NamedTuple):
    """What is written: `lines` slanted over the page, `foot` in one line below it."""

    lines: tuple[str, ...]
    foot: str


def stamp(size: tuple[int, int], lines: tuple[str, ...], font: Font) -> Image:
    """The mark once, slanted, on nothing, as large as suits a page of this size."""
    from PIL import Image, ImageDraw

    high = max(14, min(size[0], 2 * size[1]) // _PER_WIDTH)
    shape = font.at(high)
    draw = ImageDraw.Draw(Image.new("L", (1, 1)))
    widest = max(math.ceil(draw.textlength(line, font=shape)) for line in lines)
    step = round(1.5 * high)
    tile = Image.new("RGBA", (widest + 2 * high, step * len(lines) + high), (*_INK, 0))
    pen = ImageDraw.Draw(tile)
    for n, line in enumerate(lines):
        pen.text(
            (high, high // 2 + n * step),
            line,
            font=shape,
            fill=(*_INK, _ALPHA),
            stroke_width=max(1, high // 14),
            stroke_fill=(*_RIM, _ALPHA),
        )
    return tile.rotate(_SLANT, resample=Image.Resampling.BICUBIC, expand=True, fillcolor=(*_INK, 0))


def spread(page: Image, one: Image) -> None:
    """Put the stamp all over a picture, row by row, each row shifted by half."""
    across, down = one.width, max(1, round(one.height * 0.92))
    for row, y in enumerate(range(-one.height // 3, page.height, down)):
        for x in range(-(row % 2) * across // 2 - across // 4, page.width, across):
            if page.mode == "RGBA":  # nothing under it: the mark is as dense as on paper
                page.alpha_composite(one, (max(x, 0), max(y, 0)), (max(-x, 0), max(-y, 0)))
            else:
                page.paste(one, (x, y), one)


def sheet(size: tuple[int, int], lines: tuple[str, ...], font: Font) -> Image:
    """A transparent sheet of this size, full of the mark."""
    from PIL import Image

    made = Image.new("RGBA", size, (*_INK, 0))
    spread(made, stamp(size, lines, font))
    return made


def foot(width: int, text: str, font: Font) -> Image:
    """The line below a page: black on white, as small as it must be to fit."""
    from PIL import Image, ImageDraw

    high = max(12, width // 62)
    while (
        high > 8 and ImageDraw.Draw(Image.new("L", (1, 1))).textlength(text, font=font.at(high)) > width - 24
    ):
        high -= 1
    strip = Image.new("RGB", (width, high * 2), "white")
    pen = ImageDraw.Draw(strip)
    pen.line((0, 0, width, 0), fill=(120, 120, 120))
    pen.text((12, high * 0.4), text, font=font.at(high), fill=(30, 30, 30))
    return strip


def burn(image: Image, mark: Mark, font: Font, kept: dict[tuple[object, ...], Image] | None = None) -> Image:
    """The picture with the mark in it and the foot below. `kept`: the stamp of this document, made once a size and text."""
    from PIL import Image as Pil

    key = (image.size, mark.lines)
    one = kept.get(key) if kept is not None else None
    if one is None:
        one = stamp(image.size, mark.lines, font)
        if kept is not None:
            kept.clear()  # the text changes by the minute: one is enough
            kept[key] = one
    strip = foot(image.width, mark.foot, font)
    made = Pil.new("RGB", (image.width, image.height + strip.height), "white")
    spread(image, one)
    made.paste(image)
    made.paste(strip, (0, image.height))
    return made
