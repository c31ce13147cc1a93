"""What goes into a search engine, what comes out, and what every engine keeps to.

Permission is part of every call: an entry is permitted iff `entry.level <= access.clearance`, the two share a
label, and its id is not hidden. Hits, totals, facets, snippets and suggestions are made from permitted entries only,
and whether a query is loosened depends on permitted entries only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from search.query import FIELDS, Query, parse

#: Pieces of a text; True: this piece is what was looked for.
Pieces = list[tuple[str, bool]]
Order = Literal["score", "updated"]
#: "" as typed; "literal": `field:value` read as ordinary words; "any": not all words, but at least one.
Relaxed = Literal["", "literal", "any"]


class SearchError(Exception):
    """Base of what an engine raises."""


class Busy(SearchError):
    """Another writer held the index longer than the time limit; nothing was changed."""


class Damaged(SearchError):
    """The index cannot be read; `rebuild` mends it."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to be found. `facets` may leave out "kind" and "level": the entry itself says them."""

    id: int
    kind: str
    number: str
    title: str
    text: str
    level: int
    labels: frozenset[str]
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    updated: int = 0

    def all_facets(self) -> dict[str, tuple[str, ...]]:
        """Facet values, each once."""
        facets = {"kind": (self.kind,), "level": (str(self.level),)} | dict(self.facets)
        return {name: tuple(dict.fromkeys(values)) for name, values in facets.items() if values}


@dataclass(frozen=True, slots=True)
class Access:
    """What a person may see."""

    clearance: int
    tokens: frozenset[str]
    hidden: frozenset[int] = frozenset()

    def permits(self, entry: Entry) -> bool:
        """The rule, for one entry."""
        return (
            entry.level <= self.clearance
            and not self.tokens.isdisjoint(entry.labels)
            and entry.id not in self.hidden
        )


@dataclass(frozen=True, slots=True)
class Hit:
    """One permitted entry that answers the query."""

    id: int
    score: float
    title: Pieces
    snippet: Pieces


@dataclass(frozen=True, slots=True)
class Suggestion:
    """One permitted title for the box while a person types."""

    id: int
    kind: str
    number: str
    title: Pieces


@dataclass(frozen=True, slots=True)
class Result:
    """`total` counts all permitted hits after filters; `terms` are the folded texts that are highlighted."""

    total: int = 0
    hits: list[Hit] = field(default_factory=list)
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    generation: str = ""
    terms: tuple[str, ...] = ()
    relaxed: Relaxed = ""


Filters = Mapping[str, Collection[str]]


class Engine(Protocol):
    """Any number of threads may call an engine; any number of processes may open the same index."""

    def write(self, add: Sequence[Entry], remove: Collection[int] = ()) -> None:
        """Add or replace entries, remove ids; visible everywhere on return. Raises `Busy`."""

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
        """Permitted hits. Values of one filter are alternatives, filters add up, one without values is none.

        Counts of a facet leave out that facet's own filter. A number typed in full comes first.
        Order "updated": newest first, then the greater id; the same order decides between equal scores.
        """

    def suggest(self, prefix: str, access: Access, limit: int = 10) -> list[Suggestion]:
        """Permitted entries whose title or number contains the text, or whose title's pinyin does."""

    def rebuild(self, entries: Iterable[Entry]) -> int:
        """Replace everything; search and `write` stay up meanwhile. Answers how many entries were written.

        What `write` changes meanwhile is kept. Ids must differ.
        """

    def purge(self) -> None:
        """Take what was replaced or removed before out of every file. Raises `Busy` while something still reads it."""

    def ids(self) -> Iterator[tuple[int, int]]:
        """(id, updated) of every entry, for comparison with the database."""

    def count(self) -> int:
        """Number of entries."""

    def close(self) -> None:
        """Let go of files; the engine may not be used afterwards."""


def steps(query: str | Query) -> Iterator[tuple[Relaxed, Query]]:
    """The query as typed, then what to try, in turn, while nothing permitted is found."""
    first = parse(query) if isinstance(query, str) else query
    yield "", first
    if first.fields:
        yield "literal", parse(first.text, {})
    if not first.phrases and (len(first.words) > 1 or any(len(word.needles) > 1 for word in first.words)):
        yield "any", first


__all__ = [
    "FIELDS", "Access", "Busy", "Damaged", "Engine", "Entry", "Filters", "Hit", "Order", "Pieces", "Query",
    "Relaxed", "Result", "SearchError", "Suggestion", "parse", "steps",
]  # fmt: skip
