"""Words as PostgreSQL keeps them: the lexemes of an entry, and what a needle looks for among them.

Terms are those of `search.analysis`: PostgreSQL never parses a text itself. Beside them stand lexemes behind a mark, a
control character that no folded text holds, so that each lookup is one of a lexeme or of the beginning of one:

    1  the tails of a Latin run                      4  first letters of syllables from each of them on
    2  what stands in title and number               5  the title's spelling     6  its first letters
    3  spelling from each syllable on                7  how a name sounds from each character on

A lexeme has the positions that make `ts_rank` give back how often its term occurs: see `_TIMES`.
"""

from __future__ import annotations

import struct
from bisect import bisect
from collections.abc import Iterable, Iterator, Sequence
from functools import cache, lru_cache
from itertools import islice, pairwise, takewhile
from typing import NamedTuple
from zlib import crc32

from search import analysis, sounds
from search.query import Form, Needle, Word

#: Bytes of lexemes in one vector: PostgreSQL takes a mebibyte with what it adds. An entry of more has several.
VECTOR = 600_000
#: Terms of an entry in `Words.hot`.
HOT = 64
#: Characters of a term that are told apart; of a tail; of a spelling; of a name that sounds.
_TERM, _TAIL, _SPELT, _SOUND = 500, 24, 32, 8

TAIL, TITLED, SPELT, INITIALS, BEGINS, BEGINS_INITIALS, SOUNDS = "\1\2\3\4\5\6\7"
_END = "\1"  # behind a tail that reaches the end of its run
_BARE = b"\0\0"  # no position

# To ts_rank, one to three positions of one weight are 1, 1 + 1/4, 1 + 1/4 + 1/9 times that weight (divided by _ZETA). Weights are
# chosen so that it gives 1, 2, 2.7, 4, 5, 5.4, 8, 10 and 10.9 for so many occurrences; what is between them hardly counts.
_ZETA = 1.64493406685
_WEIGHTS = (1.0, 2.0, 4.0, 8.0)
_TIMES = sorted(
    (weight * times, label << 14, count)
    for label, weight in enumerate(_WEIGHTS)
    for count, times in ((1, 1.0), (2, 1.25), (3, 1.25 + 1 / 9))
    if (label, count) not in ((0, 2), (0, 3), (1, 2))
)
_BETWEEN = [(one[0] + other[0]) / 2 for one, other in pairwise(_TIMES)]
_POSITIONS = [
    struct.pack(f">{count + 1}H", count, *(label | at for at in range(1, count + 1)))
    for _, label, count in _TIMES
]
#: The array of weights for `ts_rank`, and what its answer is to be multiplied by to be the number of occurrences.
RANKS = "{" + ",".join(f"{weight / max(_WEIGHTS)}" for weight in _WEIGHTS) + "}"
SCALE = _ZETA * max(_WEIGHTS)


class Words(NamedTuple):
    """`terms`: what counts for rarity; `length`: how many there are, each as often as it occurs; `vectors`: tsvectors in PostgreSQL's binary form, several where one cannot hold all;
    `hot`: two bytes for each of the terms that matter most to it, those first that matter most."""

    terms: Sequence[str]
    length: int
    vectors: list[bytes]
    hot: bytes


def words(title: str, number: str, names: Sequence[str], text: str) -> Words:
    """Of the folded parts of an entry."""
    counts = analysis.count_terms(analysis.joined(title, number, names, text))
    positions = {times: _POSITIONS[bisect(_BETWEEN, times)] for times in set(counts.values())}
    named = analysis.count_terms(analysis.joined(title, number, names, ""))
    hottest = dict.fromkeys(sorted(named, key=lambda term: -counts[term]))
    hottest |= dict.fromkeys(term for term, _ in counts.most_common())
    lexemes = dict.fromkeys(_marked(title, number, names), _BARE)
    together = len(lexemes)  # what names are found by is in the first vector
    lexemes |= {term[:_TERM]: positions[counts[term]] for term in hottest}
    latin = [term for term in hottest if _is_latin(term[0])]
    lexemes |= dict.fromkeys((tail for term in latin for tail in _tails(term, 1)), _BARE)
    return Words(
        [*{term[:_TERM] for term in counts}],
        counts.total(),
        _vectors(lexemes, together),
        b"".join(map(hot, islice(hottest, HOT))),
    )


def hot(term: str) -> bytes:
    """Two bytes for a term; some terms share them."""
    return struct.pack(">H", crc32(term.encode()) & 0xFFFF)


@cache
def _is_latin(char: str) -> bool:
    return not analysis.is_cjk(char)


def _vectors(lexemes: dict[str, bytes], together: int) -> list[bytes]:
    parts = [lexeme.encode() + b"\0" + positions for lexeme, positions in lexemes.items()]
    vectors, first, size = [], 0, 0
    for at, part in enumerate(parts):
        size += len(part) + 2
        if size > VECTOR and at >= together:
            vectors.append(struct.pack(">I", at + 1 - first) + b"".join(parts[first : at + 1]))
            first, size = at + 1, 0
    if first < len(parts) or not vectors:
        vectors.append(struct.pack(">I", len(parts) - first) + b"".join(parts[first:]))
    return vectors


def _marked(title: str, number: str, names: Sequence[str]) -> Iterator[str]:
    for part in (title, number):
        for start, end, cjk in analysis.runs(part):
            run = part[start:end]
            yield from (
                (TITLED + term for term in analysis.count_terms(run)) if cjk else _tails(run, 0, TITLED)
            )
    for part in (title, number, *names):
        yield from _spelt(part)
    if syllables := _syllables(title):
        yield BEGINS + "".join(syllables[:_SPELT])[:_SPELT]
        yield BEGINS_INITIALS + sounds.initials(syllables)[:_SPELT]
    for name in (title, *names):
        yield from _heard(name)


@lru_cache(2048)  # the same people and units again and again
def _syllables(part: str) -> list[str]:
    return sounds.syllables(part)


@lru_cache(2048)
def _spelt(part: str) -> list[str]:
    syllables = _syllables(part)
    initials = sounds.initials(syllables)
    whole = [SPELT + "".join(syllables[at : at + _SPELT])[:_SPELT] for at in range(len(syllables))]
    return whole + [INITIALS + initials[at : at + _SPELT] for at in range(len(initials))]


@lru_cache(2048)
def _heard(name: str) -> list[str]:
    heard = sounds.key(name)
    return [SOUNDS + _sound(name[at : at + _SOUND], heard[at : at + _SOUND]) for at in range(len(name) - 1)]


def _tails(run: str, first: int, mark: str = TAIL) -> Iterator[str]:
    for at in range(first, len(run)):
        yield mark + run[at : at + _TAIL] + (_END if at + _TAIL >= len(run) else "")


def _sound(text: str, heard: str) -> str:
    """How the Chinese at the beginning of a text sounds."""
    return heard[: sum(1 for _ in takewhile(analysis.is_cjk, text))]


def _quoted(lexeme: str) -> str:
    return "'" + lexeme.replace("\\", "\\\\").replace("'", "''") + "'"


def exactly(lexeme: str) -> str:
    """A tsquery for a lexeme."""
    return _quoted(lexeme)


def beginning(lexeme: str) -> str:
    """A tsquery for lexemes that begin so."""
    return _quoted(lexeme) + ":*"


def every(queries: Iterable[str]) -> str:
    """All of them; "" where there are none."""
    return _joined(" & ", queries)


def some(queries: Iterable[str]) -> str:
    """At least one of them; "" where there are none."""
    return _joined(" | ", queries)


def _joined(how: str, queries: Iterable[str]) -> str:
    parts = list(dict.fromkeys(queries))
    return parts[0] if len(parts) == 1 else f"({how.join(parts)})" if parts else ""


def ways(one: Needle) -> list[list[str]]:
    """tsqueries for `Needle.matches`: all of the first list, or all of the second. Each names one lexeme or its beginning."""
    text = one.text[:_TERM]
    if one.form is Form.EXACT:
        return [[exactly(text)]]
    if one.form in (Form.PREFIX, Form.CHAR):
        return [[beginning(text)]]
    last, end = (exactly, _END) if one.form is Form.SUFFIX else (beginning, "")
    # A run longer than a tail is there where all its pieces are.
    starts = [*range(0, len(one.text) - _TAIL, _TAIL), max(0, len(one.text) - _TAIL)]
    pieces = [TAIL + one.text[at : at + _TAIL] for at in starts]
    return [[last(text)], [*map(beginning, pieces[:-1]), last(pieces[-1] + end)]]


def needle(one: Needle) -> str:
    """A tsquery for `Needle.matches`."""
    return some(map(every, ways(one)))


def holding(word: Word) -> str:
    """A tsquery for entries that hold all needles of a word."""
    return every(map(needle, word.needles))


def spelled(letters: str) -> str:
    """A tsquery for `sounds.spells` in title, number or a name."""
    return some(beginning(mark + letters[:_SPELT]) for mark in (SPELT, INITIALS))


def begun(letters: str) -> str:
    """A tsquery for titles whose spelling begins so."""
    return some(beginning(mark + letters[:_SPELT]) for mark in (BEGINS, BEGINS_INITIALS))


def titled(text: str) -> str:
    """A tsquery that every entry answers in whose title or number the folded text stands; others may too. "": none can say."""
    queries: list[str] = []
    for start, end, cjk in analysis.runs(text):
        run = text[start:end]
        if cjk and len(run) > 1:
            queries += [exactly(TITLED + run[at : at + 2]) for at in range(len(run) - 1)]
        else:
            queries.append(beginning(TITLED + run[:_TAIL]))
    return every(queries)


def sounding(word: str) -> str:
    """A tsquery that every entry answers in whose title or names something sounds like the folded word."""
    return beginning(SOUNDS + _sound(word[:_SOUND], sounds.key(word)))
