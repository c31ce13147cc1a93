"""The font of marks and typeset pages: one with Chinese signs where the machine has any."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from PIL import ImageFont

PLACES = ("/usr/share/fonts", "/usr/local/share/fonts")
#: Free fonts with the signs of GB 18030 that distributions carry, the best for small sizes first.
NAMES = (
    "NotoSansCJK-Regular.ttc", "NotoSansCJKsc-Regular.otf", "NotoSansSC-Regular.otf", "NotoSansSC-Regular.ttf",
    "SourceHanSansSC-Regular.otf", "SourceHanSansCN-Regular.otf", "wqy-microhei.ttc", "wqy-zenhei.ttc",
    "NotoSerifCJK-Regular.ttc", "DroidSansFallbackFull.ttf", "DroidSansFallback.ttf", "uming.ttc", "ukai.ttc",
)  # fmt: skip
_FACES = 16  # of one collection


class Font(NamedTuple):
    """A file, "" where there is none with Chinese signs; and which face in it."""

    path: str = ""
    face: int = 0

    @property
    def chinese(self) -> bool:
        return bool(self.path)

    def at(self, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
        """The font in a size of so many pixels; Pillow's own, which has Latin signs only, where there is none."""
        from PIL import ImageFont

        return ImageFont.truetype(self.path, size, self.face) if self.path else ImageFont.load_default(size)


@functools.cache
def find(places: tuple[str, ...] = PLACES) -> Font:
    """The best of the fonts that are installed."""
    there: dict[str, str] = {}
    for place in places:
        for path in sorted(Path(place).rglob("*.[to]t[cf]")):
            there.setdefault(path.name, str(path))
    path = next((there[name] for name in NAMES if name in there), "")
    return Font(path, _face(path)) if path else Font()


def _face(path: str) -> int:
    """In a collection for all of East Asia, the one with the shapes that are written in China."""
    from PIL import ImageFont

    if path.endswith(".ttc"):
        for number in range(_FACES):
            try:
                family = ImageFont.truetype(path, 10, number).getname()[0] or ""
            except OSError:
                break
            if family.endswith(" SC"):
                return number
    return 0
