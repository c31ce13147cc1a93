"""All segments of one generation as one: document numbers run through, arrays are joined, deleted ones masked.

A view never changes. A commit makes a new one that shares the segments that stayed; the old one goes when the last
search that uses it ends.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from search import scoring
from search.engine import Access
from search.engine_whoosh_lines import Lines
from search.engine_whoosh_postings import Counts, Numbers
from search.engine_whoosh_shard import Cache, FacetColumn, Names, Shard, contains
from search.query import Form, Needle, Word
from search.scoring import Bools, Docs, Postings

#: A needle that stands for more terms than this ("1" inside numbers) does not narrow a query with other needles.
MAX_EXPANSION = 2000
_MASKS = 16 << 20
_JOINED = 24 << 20

N = TypeVar("N", bound=np.generic)
Raw = tuple[Numbers, Counts] | None
RawCache = Cache[Raw]


class _Facet:
    """One facet's values as arrays: the first of each document, and (document, value) for the further ones."""

    def __init__(self, parts: list[FacetColumn], bases: list[int]) -> None:
        self.first = _joined([part.first for part in parts], np.int32)
        docs = [base + doc for part, base in zip(parts, bases, strict=False) for doc in part.more_docs]
        self.more_docs = np.array(docs, np.int32)
        self.more_codes = np.array([code for part in parts for code in part.more_codes], np.int32)


class View:
    """One generation, ready to be searched by any number of threads."""

    def __init__(
        self, shards: list[Shard], deleted: list[frozenset[int]], names: Names, generation: str, raw: RawCache
    ) -> None:
        self.shards, self.values, self.generation = shards, names, generation
        self._raw = raw
        self.bases = [0]
        for shard in shards:
            self.bases.append(self.bases[-1] + shard.count)
        self.size = self.bases[-1]
        self.alive: Bools = np.ones(self.size, np.bool_)
        for base, gone in zip(self.bases, deleted, strict=False):
            self.alive[[base + doc for doc in gone]] = False
        self.whole = bool(self.alive.all())
        self.ids = _joined([s.ids for s in shards], np.int64)
        self.levels = _joined([s.levels for s in shards], np.int16)
        self.updated = _joined([s.updated for s in shards], np.int64)
        self.count = int(np.count_nonzero(self.alive))
        lengths = _joined([s.lengths for s in shards], np.int32)
        mean = float(lengths[self.alive].mean()) if self.count else 1.0
        self._factors = scoring.length_factors(lengths, mean)
        self._masks: Cache[Bools] = Cache(_MASKS, lambda mask: mask.nbytes + 200)
        self._postings: Cache[Postings | None] = Cache(_JOINED, lambda found: found.nbytes if found else 200)
        self._docs: Cache[Docs] = Cache(_MASKS, lambda docs: docs.nbytes + 200)
        self._facets: dict[str, _Facet] = {}
        self._lock = threading.Lock()

    @cached_property
    def recency(self) -> Docs:
        """Rank of each document by time of change, then id; greater is newer."""
        ranks = np.empty(self.size, np.int32)
        ranks[np.lexsort((self.ids, self.updated))] = np.arange(self.size, dtype=np.int32)
        return ranks

    @cached_property
    def title_lengths(self) -> Docs:
        """Folded titles' lengths in characters."""
        return _joined([shard.titles.lengths for shard in self.shards], np.int32)

    @cached_property
    def _by_id(self) -> Docs:
        return np.argsort(self.ids, kind="stable").astype(np.int32)

    def docs_of(self, ids: frozenset[int] | set[int]) -> Docs:
        """Living documents of these ids."""
        if not ids or not self.size:
            return np.empty(0, np.int32)
        wanted = np.fromiter(ids, np.int64, len(ids))
        if len(wanted) > 64:
            found = np.flatnonzero(np.isin(self.ids, wanted)).astype(np.int32)
        else:  # an id may have several documents, of which one lives
            ordered = self.ids[self._by_id]
            left, right = np.searchsorted(ordered, wanted), np.searchsorted(ordered, wanted, side="right")
            spans = [self._by_id[a:b] for a, b in zip(left.tolist(), right.tolist(), strict=True)]
            found = np.concatenate(spans)
        return found[self.alive[found]]

    def permitted(self, access: Access) -> Bools:
        """Living documents that this person may see. Not to be written to."""
        mask = self._masks.get((access.clearance, access.tokens), lambda: self._permitted(access))
        hidden = self.docs_of(access.hidden)
        if len(hidden):
            mask = mask.copy()
            mask[hidden] = False
        return mask

    def _permitted(self, access: Access) -> Bools:
        mask = np.zeros(self.size, np.bool_)
        for shard, base in zip(self.shards, self.bases, strict=False):
            part = mask[base : base + shard.count]
            # A person may have more tokens than a small segment has labels, and the other way round.
            for label in shard.labels.keys() & access.tokens:
                part[shard.labels[label]] = True
        return mask & self.alive & (self.levels <= access.clearance)

    def facet(self, name: str) -> _Facet:
        """Values of one facet over all documents."""
        with self._lock:
            if name not in self._facets:
                self._facets[name] = _Facet(
                    [
                        shard.facets.get(name) or FacetColumn(shard.count, [], ([], [], []))
                        for shard in self.shards
                    ],
                    self.bases,
                )
            return self._facets[name]

    def with_values(self, name: str, codes: list[int]) -> Bools:
        """Documents that have one of the facet's values."""
        facet = self.facet(name)
        found = np.isin(facet.first, codes)
        found[facet.more_docs[np.isin(facet.more_codes, codes)]] = True
        return found

    def facet_counts(self, name: str, docs: Docs) -> list[tuple[str, int]]:
        """Values that occur among the documents, with how many have each; most frequent first."""
        facet = self.facet(name)
        counts = np.bincount(facet.first[docs], minlength=1)
        if len(facet.more_docs):
            found = np.zeros(self.size, np.bool_)
            found[docs] = True
            more = np.bincount(facet.more_codes[found[facet.more_docs]], minlength=len(counts))
            more[: len(counts)] += counts
            counts = more
        codes = np.flatnonzero(counts)
        named = [(self.values.value(name, int(code)), int(counts[code])) for code in codes if code]
        return sorted(named, key=lambda item: (-item[1], item[0]))

    def postings(self, needle: Needle) -> Postings | None:
        """Living documents of a needle with their gains; None: it stands for too many terms."""
        return self._postings.get(needle, lambda: self._make_postings(needle))

    def _make_postings(self, needle: Needle) -> Postings | None:
        exact = self._gains([self._counts(shard, [needle.text]) for shard in self.shards])
        if needle.form is Form.EXACT:
            return exact
        if needle.form is Form.CHAR:
            wide = self._gains([shard.beginning(needle.text) for shard in self.shards])
        else:
            terms = [shard.terms(needle) for shard in self.shards]
            if len(set().union(*terms)) > MAX_EXPANSION:
                return None
            if all(set(found) <= {needle.text} for found in terms):
                return exact
            wide = self._gains([self._counts(*one) for one in zip(self.shards, terms, strict=True)])
        # A word that begins with what was typed counts like one term; the very word counts at least as much.
        gains = wide.gains
        at = np.searchsorted(wide.docs, exact.docs)
        same = at < len(wide.docs)
        same[same] = wide.docs[at[same]] == exact.docs[same]
        gains[at[same]] = np.maximum(gains[at[same]], exact.gains[same])
        return Postings(wide.docs, gains, max(wide.weight, exact.weight if len(exact.docs) else 0.0))

    def _gains(self, counted: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]]) -> Postings:
        """From documents and counts of each segment to those of the view."""
        docs_parts: list[Docs] = []
        times_parts: list[npt.NDArray[Any]] = []
        for base, (docs, times) in zip(self.bases, counted, strict=False):
            if len(docs):
                docs_parts.append(docs.astype(np.int32) + np.int32(base))
                times_parts.append(times)
        if not docs_parts:
            return Postings(np.empty(0, np.int32), np.empty(0, np.float32), 0.0)
        docs, times = np.concatenate(docs_parts), np.concatenate(times_parts)
        if not self.whole:
            living = self.alive[docs]
            docs, times = docs[living], times[living]
        weight = scoring.idf(self.count, len(docs))
        return Postings(docs, scoring.gains(times, self._factors[docs], weight), weight)

    def _counts(self, shard: Shard, terms: list[str]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        """Documents of any of the terms in one segment, and how often they occur together."""

        def read(term: str) -> Callable[[], Raw]:
            return lambda: shard.postings(term)

        if len(terms) <= 1:
            found = [self._raw.get((shard.name, term), read(term)) for term in terms]
            parts = [part for part in found if part is not None]
            return parts[0] if parts else (np.empty(0, np.uint16), np.empty(0, np.uint8))
        total = np.zeros(shard.count, np.int32)
        for term in terms:  # many terms, each used once: not worth a place in the cache
            part = shard.postings(term)
            if part is not None:
                total[part[0]] += part[1]
        docs = np.flatnonzero(total).astype(np.int32)
        return docs, total[docs]

    def holding(self, word: Word) -> Docs:
        """Living documents that contain the word's text, proved by its terms or by looking. Remembered."""
        return self._docs.get(word, lambda: self._holding(word))

    def _holding(self, word: Word) -> Docs:
        among, proved = self.alive, word.exact
        for needle in word.needles:
            found = self.postings(needle)
            if found is None:
                proved = False
                continue
            having = np.zeros(self.size, np.bool_)
            having[found.docs] = True
            among = among & having
        if proved:
            return np.flatnonzero(among).astype(np.int32)
        return self._containing(word.text, among)

    def _containing(self, text: str, among: Bools) -> Docs:
        docs = np.flatnonzero(among)
        found: list[int] = []
        for shard, base in zip(self.shards, self.bases, strict=False):
            inside = docs[(docs >= base) & (docs < base + shard.count)] - base
            found += [base + doc for doc in contains(shard, inside, text)]
        return np.array(found, np.int32)

    def lines(self, name: str, text: str) -> tuple[Docs, Docs]:
        """Documents in whose line of this name the text stands, and those whose line begins with it."""
        both, heads = [np.empty(0, np.int32)], [np.empty(0, np.int32)]
        for shard, base in zip(self.shards, self.bases, strict=False):
            lines: Lines = getattr(shard, name)
            docs, begins = lines.find(text)
            both.append((docs + base).astype(np.int32))
            heads.append((docs[begins] + base).astype(np.int32))
        return np.concatenate(both), np.concatenate(heads)

    def titled(self, text: str) -> Docs:
        """Documents in whose title or number the folded text stands. Remembered."""
        return self._docs.get(
            ("titled", text),
            lambda: np.union1d(self.lines("titles", text)[0], self.lines("numbers", text)[0]),
        )

    def same(self, name: str, text: str) -> Docs:
        """Documents whose line of this name is the text. Remembered."""
        return self._docs.get((name, text), lambda: self._same(name, text))

    def _same(self, name: str, text: str) -> Docs:
        parts = [np.empty(0, np.int32)]
        for shard, base in zip(self.shards, self.bases, strict=False):
            lines: Lines = getattr(shard, name)
            docs, begins = lines.find(text)
            docs = docs[begins]
            parts.append((docs[lines.lengths[docs] == len(text)] + base).astype(np.int32))
        return np.concatenate(parts)

    def line(self, name: str, doc: int) -> str:
        """The line of this name of one document."""
        shard, inside = self.locate(doc)
        lines: Lines = getattr(shard, name)
        return lines.line(inside)

    def locate(self, doc: int) -> tuple[Shard, int]:
        """Segment of a document and its number there."""
        at = int(np.searchsorted(self.bases, doc, side="right")) - 1
        return self.shards[at], doc - self.bases[at]

    @property
    def fingerprints(self) -> npt.NDArray[np.int64]:
        """Of each document as it was written."""
        return _joined([shard.fingerprints for shard in self.shards], np.int64)

    def pairs(self, values: npt.NDArray[np.int64]) -> Iterator[tuple[int, int]]:
        """(id, value) of every living document."""
        return zip(self.ids[self.alive].tolist(), values[self.alive].tolist(), strict=True)


def _joined(parts: list[npt.NDArray[N]], kind: type[N]) -> npt.NDArray[N]:
    return np.concatenate(parts) if parts else np.empty(0, kind)
