"""Text of pages and pictures by Tesseract. Only ever run in the child.

Tesseract gets grey pixels through a pipe and gives text through another: it reads no format that a file could
abuse, and nothing touches a disk. It inherits the limits of the child on memory and processor time.
"""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from search.extract_clock import Clock
from search.extract_notes import Pictures as Counted
from search.extract_programs import CHINESE, ENGLISH, UPRIGHT

if TYPE_CHECKING:
    from PIL.Image import Image

DPI = 300
_LONGEST_PAGE = 60  # seconds; one in small print on A3 takes ten
_FLAT = 24  # of 256: what differs less than this from light to dark is paper, not print
_HAN = re.compile("[\u3400-\u9fff]")
_LATIN = re.compile("[A-Za-z]")


class Ocr(NamedTuple):
    """How pictures are read: at most so many `pages` of one file, in so many `seconds` altogether."""

    program: str
    languages: frozenset[str]
    pages: int
    seconds: float


class Pictures:
    """The pages and pictures of one file whose text is only to be seen, counted, and read as far as may be."""

    def __init__(self, ocr: Ocr | None, clock: Clock) -> None:
        self._ocr = ocr
        self._clock = clock
        self._tried = 0
        self._left = ocr.seconds if ocr else 0.0
        self._seen = 0
        self._done = 0

    @property
    def counted(self) -> Counted:
        return Counted(self._seen, self._done, self._ocr is not None)

    def read(self, draw: Callable[[], Image]) -> str:
        """The text in a picture; "" where it is blank, or stays unread. `draw` is called only if it will be looked at.

        What `draw` raises is passed on, and the picture is not counted.
        """
        if self._ocr is None or self._tried >= self._ocr.pages or self._left <= 0:
            self.miss()
            return ""
        image = draw()
        if _is_blank(image):
            return ""
        self._tried += 1
        self._seen += 1
        pixels = b"P5 %d %d 255\n" % image.size + image.tobytes()
        text = self._run(self._ocr, pixels, CHINESE)
        if text is not None and ENGLISH in self._ocr.languages and _is_latin(text):
            text = self._run(self._ocr, pixels, ENGLISH) or text
        if text is None:
            return ""
        self._done += 1
        return text

    def miss(self) -> None:
        """Count a picture that nobody looked at."""
        self._seen += 1

    def _run(self, ocr: Ocr, pixels: bytes, language: str) -> str | None:
        """Chinese data read Latin too; both at once take half as long again and lose Chinese words (decision 025)."""
        layout = "1" if UPRIGHT in ocr.languages else "3"  # with or without finding out which way is up
        command = [ocr.program, "stdin", "stdout", "-l", language, "--psm", layout, "--dpi", str(DPI)]
        patience = min(_LONGEST_PAGE, self._left)
        begun = time.monotonic()
        try:
            with self._clock.waiting(patience):
                done = subprocess.run(
                    [*command, "-c", "preserve_interword_spaces=1"],
                    input=pixels,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    timeout=patience,
                    check=True,
                )
        except (OSError, subprocess.SubprocessError):
            return None
        finally:
            self._left -= time.monotonic() - begun
        return done.stdout.decode("utf-8", "replace")


def _is_blank(image: Image) -> bool:
    shades = [shade for shade, pixels in enumerate(image.histogram()) if pixels]
    return shades[-1] - shades[0] < _FLAT


def _is_latin(text: str) -> bool:
    return len(_LATIN.findall(text)) > 20 * len(_HAN.findall(text))
