"""The same engine in the plainest way, in memory: the others are held against it; enough for small tests.

It shares with them what stands above the seam (`search.finder`) and the analyser; matching, permission, rungs, totals, facets
and order are written down here once more, one entry at a time.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field

from search import analysis, slips, sounds
from search.engine import Access, After, Entry
from search.finder import Finder
from search.plan import HEAD, Found, Head, Picked, Plan, Rung, Snapshot, Stored
from search.query import Needle, Query, Word
from search.rank import NUMBER_FIRST


@dataclass(frozen=True, slots=True)
class _Kept:
    entry: Entry
    folded: str
    terms: Counter[str]

    @property
    def title(self) -> str:
        return analysis.fold(self.entry.title)

    @property
    def number(self) -> str:
        return analysis.fold(self.entry.number)

    @property
    def named(self) -> list[str]:
        """Folded title and names."""
        return [self.title, *map(analysis.fold, self.entry.names)]


def _keep(entry: Entry) -> _Kept:
    folded = analysis.entry_text(entry.title, entry.number, entry.names, entry.text)
    return _Kept(entry, folded, analysis.count_terms(folded))


@dataclass(slots=True)
class _Half:
    """A rebuild that goes on or was interrupted. `changed`: ids written since it began."""

    source: str
    kept: dict[int, _Kept] = field(default_factory=dict)
    changed: set[int] = field(default_factory=set)

    def rest(self) -> None:
        """Without what was written since: that is carried over at the end."""
        for number in self.changed:
            self.kept.pop(number, None)


class BruteForceEngine(Finder):
    """`search.engine.Engine` over a dictionary."""

    def __init__(self) -> None:
        self._kept: dict[int, _Kept] = {}
        self._half: _Half | None = None
        self._generation = 0

    def write(self, add: Sequence[Entry], remove: Collection[int] = ()) -> None:
        """See `Engine.write`."""
        kept = {number: one for number, one in self._kept.items() if number not in set(remove)}
        kept |= {entry.id: _keep(entry) for entry in add}
        if self._half is not None:
            self._half.changed |= {entry.id for entry in add} | set(remove)
        self._kept = kept
        self._generation += 1

    def purge(self, between: Callable[[], None] = lambda: None) -> None:
        """See `Engine.purge`: nothing is kept but what lives."""
        if self._half is not None:
            self._half.rest()

    def rebuild(self, entries: After, *, source: str = "", anew: bool = False) -> int:
        """See `Engine.rebuild`. What is put away lasts as long as the engine."""
        half = self._half
        if half is None or anew or half.source != source:
            half = self._half = _Half(source)
        half.rest()
        for entry in entries(max(half.kept, default=0)):
            half.kept[entry.id] = _keep(entry)
        half.rest()
        half.kept |= {number: self._kept[number] for number in half.changed & self._kept.keys()}
        self._kept, self._half = half.kept, None
        self._generation += 1
        return len(self._kept)

    def building(self) -> int | None:
        """See `Engine.building`."""
        return None if self._half is None else len(self._half.kept)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See `Finder.snapshot`."""
        yield _Look(self._kept, str(self._generation))

    def ids(self) -> Iterator[tuple[int, int]]:
        """See `Engine.ids`."""
        return iter([(one.entry.id, one.entry.updated) for one in self._kept.values()])

    def fingerprints(self) -> Iterator[tuple[int, int]]:
        """See `Engine.fingerprints`."""
        return iter([(number, one.entry.fingerprint()) for number, one in self._kept.items()])

    def count(self) -> int:
        """See `Engine.count`."""
        return len(self._kept)

    def close(self) -> None:
        """See `Engine.close`."""


class _Look:
    """`search.plan.Snapshot`; an entry's handle is its id."""

    def __init__(self, kept: dict[int, _Kept], generation: str) -> None:
        self._kept, self.generation = kept, generation

    def _permitted(self, access: Access) -> list[_Kept]:
        return [one for one in self._kept.values() if access.permits(one.entry)]

    def anything(self, access: Access) -> bool:
        """See `Snapshot.anything`."""
        return bool(self._permitted(access))

    def pick(self, plan: Plan, wanted: int) -> Picked:
        """See `Snapshot.pick`."""
        rungs: dict[int, int] = {}
        for one in self._permitted(plan.access):
            on = [
                at for at, rung in enumerate(plan.rungs) if _points(one, plan.query.words, rung) >= rung.least
            ]
            if on and _answers(one, plan.query):
                rungs[one.entry.id] = on[0]
        if not rungs:
            return Picked()
        found = [self._kept[number] for number in rungs]
        full = [
            one
            for one in found
            if _within(one, plan) and all(_has(one, n, v) for n, v in plan.filters.items())
        ]
        full.sort(key=lambda one: (one.entry.updated, one.entry.id), reverse=True)
        scores = {one.entry.id: self._score(one, plan.query) for one in full}
        if plan.order == "score":
            full.sort(key=lambda one: (plan.rungs[rungs[one.entry.id]].tier, -scores[one.entry.id]))
        return Picked(
            matched=len(found),
            widest=max(rungs.values()),
            total=len(full),
            strict=sum(rungs[one.entry.id] == 0 for one in full),
            found=[
                Found(one.entry.id, scores[one.entry.id], rungs[one.entry.id], one.entry.id)
                for one in full[:wanted]
            ],
            facets={name: _count(found, name, plan) for name in plan.facets},
            weights={needle.text: self._weight(needle) for needle in _needles(plan.query)},
        )

    def _weight(self, needle: Needle) -> float:
        having = sum(_holds(other, needle) for other in self._kept.values())
        return math.log(1 + len(self._kept) / having) if having else 0.0

    def _score(self, one: _Kept, query: Query) -> float:
        """A simple sum of rarities: the reference for what is found, not for the order."""
        score = sum(self._weight(needle) for needle in _needles(query) if _holds(one, needle))
        score += sum(one.title.count(word.text) for word in query.words + query.phrases)
        return score + (NUMBER_FIRST if _is_number(one, query) else 0)

    def heads(self, ats: Sequence[int]) -> list[Head]:
        """See `Snapshot.heads`."""
        kept = [self._kept[at] for at in ats]
        return [
            Head(
                one.title,
                one.number,
                analysis.fold(one.entry.text)[:HEAD],
                one.entry.updated,
                one.entry.fresh,
            )
            for one in kept
        ]

    def stored(self, ats: Sequence[int]) -> list[Stored]:
        """See `Snapshot.stored`."""
        found = [self._kept[at].entry for at in ats]
        return [Stored(one.id, one.kind, one.number, one.title, one.text, None) for one in found]

    def named(self, text: str, letters: str, access: Access, limit: int) -> list[Stored]:
        """See `Snapshot.named`."""
        ranked: list[tuple[int, int, int, int, _Kept]] = []
        for one in self._permitted(access):
            rank = _rank(one, text, letters)
            if rank is not None:
                ranked.append((rank, len(one.title), -one.entry.updated, -one.entry.id, one))
        best: dict[str, Stored] = {}
        for *_, one in sorted(ranked, key=lambda item: item[:4]):
            entry = one.entry
            best.setdefault(one.title, Stored(entry.id, entry.kind, entry.number, entry.title, "", None))
        return list(best.values())[:limit]

    def sounding(self, word: str, access: Access) -> list[tuple[str, int]]:
        """See `Snapshot.sounding`."""
        found: Counter[str] = Counter()
        for one in self._permitted(access):
            for name in one.named:
                pieces = (name[at : at + len(word)] for at in range(len(name) - len(word) + 1))
                found.update(
                    piece for piece in pieces if sounds.key(piece) == sounds.key(word) and piece != word
                )
        return list(found.items())

    def similar(self, word: str, access: Access) -> list[tuple[str, int]]:
        """See `Snapshot.similar`."""
        found: Counter[str] = Counter()
        for one in self._permitted(access):
            found.update(term for term in one.terms if slips.close(word, term))
        return list(found.items())


def _needles(query: Query) -> set[Needle]:
    words = [*query.words, *query.phrases, *(slip for word in query.words for slip in word.slips)]
    return {needle for word in words for needle in word.needles}


def _holds(one: _Kept, needle: Needle) -> bool:
    return any(needle.matches(term) for term in one.terms)


def _contains(one: _Kept, word: Word) -> bool:
    return all(_holds(one, needle) for needle in word.needles) and (word.exact or word.text in one.folded)


def _points(one: _Kept, words: Sequence[Word], rung: Rung) -> int:
    points = 0
    for word in words:
        mine = sum(_holds(one, needle) for needle in word.needles)
        if word.whole and mine < len(word.needles):
            mine = 0
        taken = rung.slips and any(all(_holds(one, n) for n in slip.needles) for slip in word.slips)
        if taken or (word.letters and _spelled(one, word.letters)):
            mine = len(word.needles)
        points += mine
    return points


def _spelled(one: _Kept, letters: str) -> bool:
    return any(sounds.spells(part, letters) for part in (one.number, *one.named))


def _is_number(one: _Kept, query: Query) -> bool:
    key = analysis.number_key(query.text)
    return bool(key) and key == analysis.number_key(one.number)


def _answers(one: _Kept, query: Query) -> bool:
    """Everything but the words."""
    if query.empty:
        return False
    return (
        all(_contains(one, phrase) for phrase in query.phrases)
        and not any(_contains(one, word) for word in query.without)
        and all(_typed(one, name, values) for name, values in query.fields.items())
        and not any(_typed(one, name, values) for name, values in query.without_fields.items())
    )


def _typed(one: _Kept, name: str, values: frozenset[str]) -> bool:
    if name == "number":
        return any(value in one.number for value in values)
    return any(analysis.fold(value) in values for value in one.entry.all_facets().get(name, ()))


def _within(one: _Kept, plan: Plan) -> bool:
    since, until = plan.within
    return (since is None or one.entry.updated >= since) and (until is None or one.entry.updated < until)


def _has(one: _Kept, name: str, values: Collection[str]) -> bool:
    return not set(values).isdisjoint(one.entry.all_facets().get(name, ()))


def _count(found: list[_Kept], name: str, plan: Plan) -> list[tuple[str, int]]:
    counts: Counter[str] = Counter()
    for one in found:
        if _within(one, plan) and all(
            _has(one, other, v) for other, v in plan.filters.items() if other != name
        ):
            counts.update(one.entry.all_facets().get(name, ()))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def _rank(one: _Kept, text: str, letters: str) -> int | None:
    if one.title.startswith(text) or one.number.startswith(text):
        return 0
    if text in one.title or text in one.number:
        return 1
    if not letters:
        return None
    parts = sounds.syllables(one.title)
    if sounds.initials(parts).startswith(letters) or "".join(parts).startswith(letters):
        return 2
    return 3 if _spelled(one, letters) else None
