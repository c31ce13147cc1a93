"""How a text sounds: pinyin for those who type letters, and one sound for characters that are taken for each other.

A slip of an input method is a wrong character of the same sound, or of one that many speakers do not tell apart
(zh/z, ch/c, sh/s; ang/an, eng/en, ing/in). `key` gives texts that sound alike the same form, character by character,
so that a place found in it is the place in the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate

from search import analysis

#: Stands between title, number and names in a line of syllables: nothing that is typed runs across it.
PART = "|"
_RETROFLEX = re.compile(r"^([zcs])h")
_BACK = re.compile(r"(?<=[aei])ng$")
_PRIVATE = (
    0xE000  # the first of the code points that stand for sounds; folded texts of an office hold none of them
)


class _Keys(dict[int, str]):
    """Code point -> the character that stands for its sound; whatever has none stays itself."""

    def __init__(self) -> None:
        super().__init__()
        from pypinyin.pinyin_dict import pinyin_dict  # a tenth of a second, and most commands need none

        self._readings: dict[int, str] = pinyin_dict
        self._sounds: dict[str, str] = {}

    def __missing__(self, code: int) -> str:
        reading = self._readings.get(code, "").split(",")[0]
        self[code] = self._sound(reading) if reading and analysis.is_cjk(chr(code)) else chr(code)
        return self[code]

    def _sound(self, reading: str) -> str:
        bare = "".join(c for c in unicodedata.normalize("NFD", reading) if c.isalpha())
        bare = _BACK.sub("n", _RETROFLEX.sub(r"\1", bare))
        return self._sounds.setdefault(bare, chr(_PRIVATE + len(self._sounds)))


@cache
def _keys() -> _Keys:
    return _Keys()


def key(folded: str) -> str:
    """The sound of a folded text, one character for one character. Only comparable within one process."""
    return folded.translate(_keys())


def syllables(text: str) -> list[str]:
    """Pinyin of a text without tones, one item a syllable; a run of Latin letters and digits is one."""
    return [syllable for syllable, _ in _spelled(analysis.fold(text))]


def line(parts: Sequence[str]) -> str:
    """Syllables of several texts as one line, blanks between them and `PART` between the texts."""
    return f" {PART} ".join(map(_line, parts))


@lru_cache(maxsize=4096)
def _line(part: str) -> str:
    """Units, people, places come again and again."""
    return " ".join(syllables(part))


def initials(parts: Sequence[str]) -> str:
    """First letters of syllables: 后勤保障部 -> hqbzb."""
    return "".join(part[0] for part in parts)


def _spelled(folded: str) -> list[tuple[str, tuple[int, int]]]:
    """Each syllable with its place in the folded text."""
    from pypinyin import lazy_pinyin

    found: list[tuple[str, tuple[int, int]]] = []
    for start, end, cjk in analysis.runs(folded):
        if not cjk:
            found.append((folded[start:end], (start, end)))
            continue
        # One item a character also where one has no pinyin: a list is taken, though pypinyin's types do not say so.
        read = lazy_pinyin(folded[start:end], v_to_u=False, errors=lambda run: [""] * len(run))  # type: ignore[arg-type, return-value]
        found += [(s, (start + at, start + at + 1)) for at, s in enumerate(read) if s and s.isascii()]
    return found


def letters_of(word: str) -> str:
    """What of a folded word may be looked up as pinyin: two letters or more, perhaps with digits; else ""."""
    letters = word.replace("'", "")
    spellable = len(letters) > 1 and letters.isascii() and letters.isalnum() and not letters.isdigit()
    return letters if spellable else ""


def places(folded: str, letters: str) -> list[tuple[int, int]]:
    """Where a folded text is spelled so, in full or by initials; from the beginning of a syllable on."""
    found = _spelled(folded)
    parts = [s for s, _ in found]
    spans: list[tuple[int, int]] = []
    heads = initials(parts)
    at = heads.find(letters)
    while at >= 0:
        spans.append((found[at][1][0], found[at + len(letters) - 1][1][1]))
        at = heads.find(letters, at + 1)
    whole = "".join(parts)
    starts = [0, *accumulate(map(len, parts))]
    for number, start in enumerate(starts[:-1]):
        if whole.startswith(letters, start):
            last = next(n for n in range(number, len(parts)) if starts[n + 1] >= start + len(letters))
            spans.append((found[number][1][0], found[last][1][1]))
    return spans


def spells(folded: str, letters: str) -> bool:
    """Whether `places` would find any."""
    parts = syllables(folded)
    if letters in initials(parts):
        return True
    return any("".join(parts[at:]).startswith(letters) for at in range(len(parts)))
