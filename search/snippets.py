"""The piece of a text that shows why it was found, with the found places marked.

Works on the folded text and maps back, so that 後勤 is marked for 后勤. Given only what the person may read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from search import analysis, sounds

WIDTH = 140
_SLICE = (
    20_000  # a long attachment is looked through in slices: folding a million characters is not for a click
)
_OVERLAP = 200
_ENOUGH = 300  # places of one term: a window among them will do
_LINES = re.compile(r"\s+")
_STOPS = "。！？；\n!?;"

Span = tuple[int, int]
#: Pieces of a text; True: this piece is what was looked for.
Pieces = list[tuple[str, bool]]


class Marks(NamedTuple):
    """What is marked: folded texts wherever they stand, in titles also what is spelled with these letters."""

    texts: tuple[str, ...] = ()
    letters: tuple[str, ...] = ()


def highlight(text: str, marks: Marks) -> Pieces:
    """The whole text in pieces, found places marked; for titles."""
    folded, offsets = analysis.fold_map(text)
    spans = [span for _, span in _find(folded, marks.texts)]
    spans += [span for letters in marks.letters for span in sounds.places(folded, letters)]
    spans = _merge(spans)
    return _pieces(text, 0, len(text), [_original(span, offsets) for span in spans])


def snippet(text: str, marks: Marks, width: int = WIDTH, folded: str | None = None) -> Pieces:
    """About `width` characters around the densest place; the beginning of the text if nothing is found.

    `folded`: the folded form where it is known and runs character by character with the text (`analysis.align`).
    """
    size = _SLICE if folded is None else max(1, len(text))
    for start in range(0, max(1, len(text)), size):
        part: str = text
        offsets: Sequence[int] = range(len(text) + 1)
        if folded is None:
            part = text[start : start + _SLICE + _OVERLAP]
            searched, offsets = analysis.fold_map(part)
        else:
            searched = folded
        found = _find(searched, marks.texts)
        if found:
            places = [(term, _original(span, offsets)) for term, span in found]
            begin = _window(part, places, width)
            end = min(len(part), begin + width)
            near = [span for _, span in places if span[1] > begin and span[0] < end]
            return _trim(_pieces(part, begin, end, _merge(near)), start + begin > 0, start + end < len(text))
    return _trim([(text[:width], False)] if text else [], False, len(text) > width)


def _find(folded: str, terms: Sequence[str]) -> list[tuple[int, Span]]:
    """(number of the term, place) in order of place. A term that is nowhere whole is marked in parts."""
    found: list[tuple[int, Span]] = []
    for number, term in enumerate(terms):
        whole = _places(folded, term)
        if not whole and len(term) > 2:
            parts = {
                term[at : at + 2] if cjk else term[start:end]
                for start, end, cjk in analysis.runs(term)
                for at in range(start, end - 1 if cjk else start + 1)
            }
            whole = [place for part in sorted(parts) for place in _places(folded, part)]
        found += [(number, place) for place in whole]
    return sorted(found, key=lambda item: item[1])


def _places(folded: str, term: str) -> list[Span]:
    places: list[Span] = []
    at = folded.find(term) if term else -1
    while at >= 0 and len(places) < _ENOUGH:
        places.append((at, at + len(term)))
        at = folded.find(term, at + len(term))
    return places


def _original(span: Span, offsets: Sequence[int]) -> Span:
    """The place in the text as written; a character that folded to several is taken whole, a blank that was dropped not."""
    return offsets[span[0]], offsets[span[1] - 1] + 1


def _window(text: str, found: list[tuple[int, Span]], width: int) -> int:
    """Where to begin: most different terms, then most places, then first; at a sentence if one is near."""
    best, best_key = 0, (0, 0)
    inside = dict.fromkeys((number for number, _ in found), 0)
    first = different = 0
    for last, (number, (_, end)) in enumerate(found):
        different += not inside[number]
        inside[number] += 1
        while first < last and end - found[first][1][0] > width * 3 // 4:
            inside[found[first][0]] -= 1
            different -= not inside[found[first][0]]
            first += 1
        if (different, last - first + 1) > best_key:
            best, best_key = found[first][1][0], (different, last - first + 1)
    begin = max(0, min(best - width // 4, len(text) - width))
    for at in range(best - 1, begin - 1, -1):
        if text[at] in _STOPS:
            return at + 1
    return begin


def _merge(spans: list[Span]) -> list[Span]:
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def _pieces(text: str, begin: int, end: int, spans: list[Span]) -> Pieces:
    pieces: Pieces = []
    at = begin
    for first, last in spans:
        start, stop = max(first, at), min(last, end)
        if start >= stop:
            continue
        if start > at:
            pieces.append((text[at:start], False))
        pieces.append((text[start:stop], True))
        at = stop
    if at < end:
        pieces.append((text[at:end], False))
    return pieces


def _trim(pieces: Pieces, before: bool, after: bool) -> Pieces:
    """One line, with dots where the text goes on."""
    pieces = [(_LINES.sub(" ", text), hit) for text, hit in pieces]
    if pieces:
        pieces[0] = (pieces[0][0].lstrip() if not pieces[0][1] else pieces[0][0], pieces[0][1])
    if before and pieces:
        pieces.insert(0, ("…", False))
    if after and pieces:
        pieces.append(("…", False))
    joined: Pieces = []
    for text, hit in pieces:
        if joined and joined[-1][1] == hit:
            joined[-1] = (joined[-1][0] + text, hit)
        elif text:
            joined.append((text, hit))
    return joined
