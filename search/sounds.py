"""How a text sounds: pinyin for those who type letters, and one sound for characters that are taken for each other.

A slip of an input method is a wrong character of the same sound, or of one that many speakers do not tell apart
(zh/z, ch/c, sh/s; ang/an, eng/en, ing/in). `key` gives texts that sound alike the same form, character by character,
so that a place found in it is the place in the text. Readings are those of the word a character stands in (空调 kong tiao).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache
from itertools import accumulate
from typing import NamedTuple

from search import analysis

#: Stands between title, number and names in a line of syllables: nothing that is typed runs across it.
PART = "|"
_RETROFLEX = re.compile(r"^([zcs])h")
_BACK = re.compile(r"(?<=[aei])ng$")
_PRIVATE = 0xE000  # the first of the code points that stand for sounds; texts of an office hold none of them


class Syllable(NamedTuple):
    """How a character or a run of Latin letters and digits is read, and its place in the folded text."""

    text: str
    start: int
    end: int


@cache
def _sounds() -> dict[str, str]:
    """Syllable without tone -> the character that stands for its sound. The same for every process with the same pypinyin."""
    from pypinyin.pinyin_dict import pinyin_dict

    readings = {reading for several in set(pinyin_dict.values()) for reading in several.split(",")}
    bare = {_bare(reading) for reading in readings}
    numbers = {sound: chr(_PRIVATE + at) for at, sound in enumerate(sorted(set(map(_alike, bare))))}
    return {syllable: numbers[_alike(syllable)] for syllable in bare}


def _bare(reading: str) -> str:
    letters = unicodedata.normalize("NFD", reading).replace("u\u0308", "v")
    return "".join(c for c in letters if c.isascii() and c.isalpha())


def _alike(syllable: str) -> str:
    return _BACK.sub("n", _RETROFLEX.sub(r"\1", syllable))


def key(folded: str) -> str:
    """The sound of a folded text, one character for one character; what has no reading stays itself."""
    return sound_of(folded, spelled(folded))


def sound_of(folded: str, read: Sequence[Syllable]) -> str:
    """`key` of a text whose syllables are known."""
    sounds, chars = _sounds(), list(folded)
    for one in read:
        if analysis.is_cjk(folded[one.start]):
            chars[one.start] = sounds.get(one.text, folded[one.start])
    return "".join(chars)


def line(parts: Sequence[Sequence[Syllable]]) -> str:
    """Syllables of several texts as one line, blanks between them and `PART` between the texts."""
    return f" {PART} ".join(" ".join(one.text for one in part) for part in parts)


def syllables(text: str) -> list[str]:
    """Pinyin of a text without tones, one item a syllable; a run of Latin letters and digits is one."""
    return [one.text for one in spelled(analysis.fold(text))]


def initials(parts: Sequence[str]) -> str:
    """First letters of syllables, and all digits: 后勤保障部 -> hqbzb, 通知2026 -> tz2026."""
    return "".join(char for part in parts for char in _initial(part))


def _initial(part: str) -> str:
    return part[0] + "".join(char for char in part[1:] if char.isdigit())


@lru_cache(maxsize=1024)  # units, people, places come again and again
def spelled(folded: str) -> tuple[Syllable, ...]:
    """How a folded text is read; a run of Latin letters and digits is one syllable."""
    from pypinyin import lazy_pinyin  # its dictionaries cost a third of a second, and most commands need none

    found: list[Syllable] = []
    for start, end, cjk in analysis.runs(folded):
        if not cjk:
            found.append(Syllable(folded[start:end], start, end))
            continue
        # One item a character also where one has no pinyin: a list is taken, though pypinyin's types do not say so.
        read = lazy_pinyin(folded[start:end], v_to_u=False, errors=lambda run: [""] * len(run))  # type: ignore[arg-type, return-value]
        found += [Syllable(s, start + at, start + at + 1) for at, s in enumerate(read) if s and s.isascii()]
    return tuple(found)


def letters_of(word: str) -> str:
    """What of a folded word may be looked up as pinyin: two letters or more, perhaps with digits; else ""."""
    letters = word.replace("'", "")
    spellable = len(letters) > 1 and letters.isascii() and letters.isalnum() and not letters.isdigit()
    return letters if spellable else ""


def places(folded: str, letters: str) -> list[tuple[int, int]]:
    """Where a folded text is spelled so, in full or by initials; from the beginning of a syllable on."""
    found = spelled(folded)
    spans: list[tuple[int, int]] = []
    heads = initials([one.text for one in found])
    owners = [one for one in found for _ in _initial(one.text)]
    at = heads.find(letters)
    while at >= 0:
        spans.append((owners[at].start, owners[at + len(letters) - 1].end))
        at = heads.find(letters, at + 1)
    whole = "".join(one.text for one in found)
    begins = [0, *accumulate(len(one.text) for one in found)]
    for number, begin in enumerate(begins[:-1]):
        if whole.startswith(letters, begin):
            stop = begin + len(letters)
            last = next(n for n in range(number, len(found)) if begins[n + 1] >= stop)
            over = begins[last + 1] - stop  # letters of the last syllable that were not typed
            latin = found[last].end - found[last].start == len(found[last].text)
            spans.append((found[number].start, found[last].end - (over if latin else 0)))
    return spans


def spells(folded: str, letters: str) -> bool:
    """Whether `places` would find any."""
    parts = [one.text for one in spelled(folded)]
    if letters in initials(parts):
        return True
    return any("".join(parts[at:]).startswith(letters) for at in range(len(parts)))
