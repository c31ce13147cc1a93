"""One analyser for Chinese and Latin, the same at index and at query time.

Folding is done character by character, so that every folded character knows the original one it came from:
full and half width, letter case, accents, traditional and simplified become one. Chinese, kana and Hangul are
indexed as pairs of neighbours, runs of Latin letters and digits whole. The first and the last character of a
Chinese run are indexed alone as well: with them any piece of a text of two characters or more can be found, also
one that crosses from Chinese into digits or punctuation ("第3").
"""

from __future__ import annotations

import re
import unicodedata
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from operator import add

#: Stand between title, number, names and text, and between names, in the folded form of an entry; never part of a folded text.
SEAM, NAME_SEAM = "\0", "\1"

_CJK = (
    "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3038-\u303b\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff"
    "\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff"
)
_RUN = re.compile(f"(?P<cjk>[{_CJK}]+)|[^\\W_{_CJK}]+")
# Blanks at the ends and beside a Chinese character, and all but the first of several. Folding leaves only the one kind of blank.
_IDLE = re.compile(rf"\A +| +\Z|(?<=[{_CJK}]) +| +(?=[{_CJK}])|(?<= ) +")
_IS_CJK = re.compile(f"[{_CJK}]")
_NOT_ALNUM = re.compile(r"[\W_]+")


@cache
def _simplified() -> dict[str, str]:
    """Single characters of zhconv's table; its phrases would break the character-by-character mapping. Loaded at the first
    character: most commands never fold one."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # zhconv leaves its dictionary file open
        from zhconv.zhconv import getdict  # type: ignore[import-untyped]

        table: dict[str, str] = getdict("zh-hans")
    return {old: new for old, new in table.items() if len(old) == len(new) == 1}


class _Folding(dict[int, str]):
    """Code point -> folded form, worked out at first sight. `odd`: what does not fold to exactly one."""

    def __init__(self) -> None:
        super().__init__()
        self.odd: set[str] = set()

    def __missing__(self, code: int) -> str:
        char = chr(code)
        folded = char
        for _ in range(
            4
        ):  # a compatibility form may fold to a letter with an accent, that to a bare capital ...
            before, folded = folded, "".join(self._once(c) for c in folded)
            if before == folded:
                break
        if len(folded) != 1:
            self.odd.add(char)
        self[code] = folded
        return folded

    def _once(self, char: str) -> str:
        if char.isspace():
            return " "
        if char < " " or "\u0300" <= char <= "\u036f" or unicodedata.category(char) in ("Cc", "Cf", "Cs"):
            return ""
        text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", char).casefold())
        # Accents of Latin, Greek and Cyrillic letters go; the voicing marks of kana are letters of their own.
        bare = unicodedata.normalize("NFD", text)
        if len(bare) > len(text) and bare[0] < "\u0590":
            text = "".join(c for c in bare if unicodedata.category(c) != "Mn")
        if not any(c.isalnum() for c in text):
            text = text[:1]  # "…" is "..." for Unicode; one mark for one keeps texts and folded texts aligned
        simple = _simplified()
        return "".join(simple.get(c, c) for c in text)


_FOLDING = _Folding()


def _tighten(text: str) -> str:
    """Drop blanks that mean nothing: extracted text breaks lines inside Chinese words."""
    return _IDLE.sub("", text) if " " in text else text


def fold(text: str) -> str:
    """The comparable form of a text: two texts that a person takes for the same fold to the same."""
    return _tighten(text.translate(_FOLDING))


def fold_map(text: str) -> tuple[str, Sequence[int]]:
    """`fold(text)` and, for each of its characters, the offset of the original one (and one past the end)."""
    folded = text.translate(_FOLDING)
    whole = _FOLDING.odd.isdisjoint(text)
    if whole and " " not in folded:
        return folded, range(len(text) + 1)
    offsets: Sequence[int] = range(len(text))
    if not whole:
        offsets = _odd_offsets(text)
    kept: list[int] = []
    last = 0
    for idle in _IDLE.finditer(folded):
        kept += offsets[last : idle.start()]
        last = idle.end()
    kept += offsets[last:]
    kept.append(len(text))
    return _tighten(folded), kept


def _odd_offsets(text: str) -> list[int]:
    """The offset of the original character for each folded one, where some fold to none or to several."""
    offsets: list[int] = []
    last = 0
    for odd in re.finditer(f"[{re.escape(''.join(_FOLDING.odd))}]", text):
        at = odd.start()
        offsets += range(last, at)
        offsets += [at] * len(_FOLDING[ord(odd.group())])
        last = at + 1
    offsets += range(last, len(text))
    return offsets


def align(text: str) -> tuple[str, str, bool]:
    """(text to keep, its folded form, whether the two run character by character).

    Idle blanks go from the kept text too, so that a snippet can be cut from it at places found in the folded form.
    """
    folded, offsets = fold_map(text)  # first: a character is known to be odd only once it was folded
    if not _FOLDING.odd.isdisjoint(text):
        return text, folded, False
    if len(folded) == len(text):
        return text, folded, True
    return "".join([text[at] for at in offsets[:-1]]), folded, True


def runs(folded: str) -> list[tuple[int, int, bool]]:
    """(start, end, Chinese?) of each run of a folded text; what is between runs is not indexed."""
    return [(m.start(), m.end(), m.lastgroup == "cjk") for m in _RUN.finditer(folded)]


def is_cjk(char: str) -> bool:
    """True for a character that is indexed in pairs."""
    return _IS_CJK.match(char) is not None


def count_terms(folded: str) -> Counter[str]:
    """Terms of a folded text with how often each occurs."""
    terms: list[str] = []
    for match in _RUN.finditer(folded):
        run = match.group()
        if match.lastgroup != "cjk" or len(run) == 1:
            terms.append(run)
        else:
            terms += map(add, run, run[1:])
            terms += (run[0], run[-1])
    return Counter(terms)


def entry_text(title: str, number: str, names: Sequence[str], text: str) -> str:
    """Folded form of a whole entry, the one thing that is indexed and in which phrases are looked up."""
    return joined(fold(title), fold(number), map(fold, names), fold(text))


def joined(title: str, number: str, names: Iterable[str], text: str) -> str:
    """`entry_text` of folded parts; `parted` takes it apart."""
    return SEAM.join((title, number, NAME_SEAM.join(names), text))


def parted(folded: str) -> tuple[str, str, str, str]:
    """Folded title, number, names and text of `joined`."""
    title, number, names, text = folded.split(SEAM, 3)
    return title, number, names, text


def number_key(text: str) -> str:
    """A number without its brackets, blanks and dashes: people leave them out when they type it."""
    return _NOT_ALNUM.sub("", fold(text))
