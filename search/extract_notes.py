"""What became of a file's text, in at most 40 characters: facts that a page puts into words.

A note is "" where all was read, or facts separated by blanks:

- one code of `PROBLEMS`, with `+` behind it where part of the text was read all the same;
- `truncated`: the text is longer than is kept;
- `scan:N`: N pages or pictures hold text only as a picture, and no program is there that could read it;
- `ocr:N:M`: N of the M pages or pictures of that kind were recognised, so the text may be wrong;
- `parts:N:LETTERS`: N files inside (an archive, a mail) were not read, for the reasons of `REASONS`, most frequent first.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import NamedTuple

#: Characters of one file that are kept.
MOST_CHARS = 2_000_000
#: Why nothing, or not all, was read.
PROBLEMS = frozenset(
    {
        "damaged",
        "empty",  # nothing in it that would be text
        "encrypted",
        "legacy",  # an old Office format, and no LibreOffice
        "memory",
        "spool",  # an old Office format, and no file system in memory for LibreOffice's files
        "timeout",
        "too_large",
        "truncated",
        "unsupported",
    }
)
#: Letters for the reasons of parts; `n`: an archive inside an archive.
REASONS = {
    "e": "encrypted",
    "d": "damaged",
    "l": "legacy",
    "s": "spool",
    "t": "timeout",
    "z": "too_large",
    "u": "unsupported",
    "n": "nested",
    "m": "memory",
}
LONGEST = 40
_LETTERS = {reason: letter for letter, reason in REASONS.items()}
_MOST = 9999  # of anything that is counted here
_SHOWN = 5  # reasons of parts
_FACT = re.compile(
    rf"(?P<code>{'|'.join(sorted(PROBLEMS))})(?P<part>\+?)"
    r"|(?P<scan>scan):(?P<pages>\d{1,4})"
    r"|(?P<ocr>ocr):(?P<done>\d{1,4}):(?P<seen>\d{1,4})"
    rf"|(?P<parts>parts):(?P<files>\d{{1,4}}):(?P<why>[{''.join(REASONS)}]{{1,{_SHOWN}}})"
)


class Fact(NamedTuple):
    """One fact. `n` and `total` are 0, `part` is False and `reasons` is empty where they do not belong to the code."""

    code: str
    n: int = 0
    total: int = 0
    part: bool = False
    reasons: tuple[str, ...] = ()


class Pictures(NamedTuple):
    """Pages and pictures whose text is only to be seen: how many, how many of them were recognised, by a program or not."""

    seen: int = 0
    done: int = 0
    program: bool = False


def compose(problem: str, pictures: Pictures, parts: Counter[str], *, has_text: bool) -> str:
    """The note for what happened. `problem`: "" or one of `PROBLEMS`; `parts`: how many parts by reason."""
    said = [problem + "+" if has_text and problem not in ("", "truncated") else problem]
    if pictures.seen:
        seen, left = min(pictures.seen, _MOST), pictures.seen - pictures.done
        done = min(pictures.done, seen - min(left, 1))  # what was left never looks like nothing
        said.append(f"ocr:{done}:{seen}" if pictures.program else f"scan:{seen}")
    if unread := parts.total():
        letters = "".join(_LETTERS[reason] for reason, _ in parts.most_common(_SHOWN))
        said.append(f"parts:{min(unread, _MOST)}:{letters}")
    return " ".join(filter(None, said))


def facts(note: str) -> list[Fact]:
    """The facts of a note; what is no fact (a code of the application's own) is a fact of that name."""
    return [_fact(word) for word in note.split()]


def _fact(word: str) -> Fact:
    found = _FACT.fullmatch(word)
    if found is None:
        return Fact(word)
    if found["scan"]:
        return Fact("scan", int(found["pages"]))
    if found["ocr"]:
        return Fact("ocr", int(found["done"]), int(found["seen"]))
    if found["parts"]:
        return Fact("parts", int(found["files"]), reasons=tuple(REASONS[letter] for letter in found["why"]))
    return Fact(found["code"], part=bool(found["part"]))


def valid(note: str) -> bool:
    """Whether a note is one that `compose` could have made: a process that read a hostile file may say anything."""
    return len(note) <= LONGEST and all(_FACT.fullmatch(word) for word in note.split())


def settled(note: str) -> bool:
    """Whether reading the file again could bring no more: all was read, or every picture in it recognised.

    A plain `empty` is not: a version that knew nothing of pictures may have said so.
    """
    found = facts(note)
    recognised = [fact for fact in found if fact.code == "ocr" and fact.n == fact.total]
    rest = [fact for fact in found if fact not in recognised and fact.code != "empty"]
    return not rest and bool(recognised or not found)
