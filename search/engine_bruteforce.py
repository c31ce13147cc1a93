"""The same engine in the plainest way, in memory: the others are held against it; enough for small tests.

It shares with them only the analyser, the query and the snippets; matching, permission, totals, facets and order
are written down here once more, one entry at a time.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from search import analysis, snippets
from search.engine import Access, Entry, Filters, Hit, Order, Result, Suggestion, steps
from search.query import Needle, Query, Word


@dataclass(frozen=True, slots=True)
class _Kept:
    entry: Entry
    folded: str
    terms: Counter[str]


class BruteForceEngine:
    """`search.engine.Engine` over a dictionary."""

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}
        self._generation = 0

    def write(self, add: Sequence[Entry], remove: Collection[int] = ()) -> None:
        """See `Engine.write`."""
        kept = {number: one for number, one in self._kept.items() if number not in set(remove)}
        for entry in add:
            folded = analysis.entry_text(entry.title, entry.number, entry.text)
            kept[entry.id] = _Kept(entry, folded, analysis.count_terms(folded))
        self._kept = kept
        self._generation += 1

    def purge(self) -> None:
        """See `Engine.purge`: nothing is kept but what lives."""

    def rebuild(self, entries: Iterable[Entry]) -> int:
        """See `Engine.rebuild`."""
        fresh = list(entries)
        self.write(fresh, self._kept.keys() - {entry.id for entry in fresh})
        return len(fresh)

    def search(
        self,
        query: str | Query,
        access: Access,
        filters: Filters | None = None,
        facets: Sequence[str] = (),
        limit: int = 10,
        offset: int = 0,
        order: Order = "score",
    ) -> Result:
        """See `Engine.search`."""
        chosen = {name: set(values) for name, values in (filters or {}).items() if values}
        permitted = [one for one in self._kept.values() if access.permits(one.entry)]
        for relaxed, step in steps(query):
            found = [one for one in permitted if _answers(one, step, relaxed == "any")]
            full = [one for one in found if all(_has(one, name, chosen[name]) for name in chosen)]
            if full:
                break
        else:
            return Result(generation=str(self._generation))
        scores = {one.entry.id: self._score(one, step) for one in full}
        full.sort(key=lambda one: (one.entry.updated, one.entry.id), reverse=True)
        if order == "score":
            full.sort(key=lambda one: -scores[one.entry.id])
        start = max(0, offset)
        return Result(
            total=len(full),
            hits=[
                Hit(
                    one.entry.id,
                    scores[one.entry.id],
                    snippets.highlight(one.entry.title, step.terms),
                    snippets.snippet(one.entry.text, step.terms),
                )
                for one in full[start : start + max(0, limit)]
            ],
            facets={name: _count(found, name, chosen) for name in facets},
            generation=str(self._generation),
            terms=step.terms,
            relaxed=relaxed,
        )

    def _score(self, one: _Kept, query: Query) -> float:
        """A simple sum of rarities: the reference for what is found, not for the order."""
        score = 0.0
        for word in query.words + query.phrases:
            for needle in word.needles:
                if _holds(one, needle):
                    having = sum(_holds(other, needle) for other in self._kept.values())
                    score += math.log(1 + len(self._kept) / having)
                    score += analysis.fold(one.entry.title).count(word.text)
        key = analysis.number_key(query.text)
        return score + (1e6 if key and key == analysis.number_key(one.entry.number) else 0)

    def suggest(self, prefix: str, access: Access, limit: int = 10) -> list[Suggestion]:
        """See `Engine.suggest`."""
        text = analysis.fold(prefix)
        ranked: list[tuple[int, int, int, int, Entry]] = []
        for one in self._kept.values():
            entry = one.entry
            if text and access.permits(entry) and (rank := _rank(entry, text)) is not None:
                title = analysis.fold(entry.title)
                ranked.append((rank, len(title), -entry.updated, -entry.id, entry))
        best: dict[str, Suggestion] = {}
        for *_, entry in sorted(ranked, key=lambda item: item[:4]):
            pieces = snippets.highlight(entry.title, [text])
            best.setdefault(
                analysis.fold(entry.title), Suggestion(entry.id, entry.kind, entry.number, pieces)
            )
        return list(best.values())[: max(0, limit)]

    def ids(self) -> Iterator[tuple[int, int]]:
        """See `Engine.ids`."""
        return iter([(one.entry.id, one.entry.updated) for one in self._kept.values()])

    def count(self) -> int:
        """See `Engine.count`."""
        return len(self._kept)

    def close(self) -> None:
        """See `Engine.close`."""


def _holds(one: _Kept, needle: Needle) -> bool:
    return any(needle.matches(term) for term in one.terms)


def _contains(one: _Kept, word: Word) -> bool:
    return all(_holds(one, needle) for needle in word.needles) and (word.exact or word.text in one.folded)


def _answers(one: _Kept, query: Query, any_word: bool) -> bool:
    if query.empty:
        return False
    needles = [needle for word in query.words for needle in word.needles]
    if needles and not (any if any_word else all)(_holds(one, needle) for needle in needles):
        return False
    return (
        all(_contains(one, phrase) for phrase in query.phrases)
        and not any(_contains(one, word) for word in query.without)
        and all(_typed(one, name, values) for name, values in query.fields.items())
        and not any(_typed(one, name, values) for name, values in query.without_fields.items())
    )


def _typed(one: _Kept, name: str, values: frozenset[str]) -> bool:
    if name == "number":
        return any(value in analysis.fold(one.entry.number) for value in values)
    return any(analysis.fold(value) in values for value in one.entry.all_facets().get(name, ()))


def _has(one: _Kept, name: str, values: set[str]) -> bool:
    return not values.isdisjoint(one.entry.all_facets().get(name, ()))


def _count(found: list[_Kept], name: str, chosen: dict[str, set[str]]) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for one in found:
        if all(_has(one, other, chosen[other]) for other in chosen if other != name):
            counts.update(one.entry.all_facets().get(name, ()))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _rank(entry: Entry, text: str) -> int | None:
    title, number = analysis.fold(entry.title), analysis.fold(entry.number)
    if title.startswith(text) or number.startswith(text):
        return 0
    if text in title or text in number:
        return 1
    letters = text.replace(" ", "").replace("'", "")
    if not (letters.isascii() and letters.isalnum()):
        return None
    parts = analysis.syllables(entry.title)
    short = analysis.initials(parts)
    tails = ["".join(parts[at:]) for at in range(len(parts))]
    if short.startswith(letters) or (tails and tails[0].startswith(letters)):
        return 2
    return 3 if letters in short or any(tail.startswith(letters) for tail in tails) else None
