"""What goes into a search engine, what comes out, and what every engine keeps to.

Permission is part of every call: an entry is permitted iff `entry.level <= access.clearance`, the two share a
label, and its id is not hidden. Hits, totals, facets, snippets and suggestions are made from permitted entries only,
and whether a query is loosened depends on permitted entries only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Literal, Protocol

from search.query import FIELDS, Query, parse
from search.snippets import Marks, Pieces

Order = Literal["score", "updated"]
#: "" as typed; "literal": `field:value` read as ordinary words; "sound": a word taken for one that sounds or is spelled alike;
#: "most": not all words, but most; "any": at least one. The loosest that some hit needed.
Relaxed = Literal["", "literal", "sound", "most", "any"]
Filters = Mapping[str, Collection[str]]
#: Half-open range of `updated`; None: open on that side.
Within = tuple[int | None, int | None]
ALWAYS: Within = (None, None)


class SearchError(Exception):
    """Base of what an engine raises."""


class Busy(SearchError):
    """Another writer held the index longer than the time limit; nothing was changed."""


class Damaged(SearchError):
    """The index cannot be read; `rebuild` mends it."""


class Unreachable(SearchError):
    """The server that holds the index does not answer, or not in time; nothing is wrong with the index."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing to be found. `facets` may leave out "kind" and "level": the entry itself says them.

    `names`: short texts that belong to it (unit, people, places), found as written and by pinyin. `updated`: microseconds
    since the epoch. `fresh`: days after which its newness counts half; 0: its age says nothing.
    """

    id: int
    kind: str
    number: str
    title: str
    text: str
    level: int
    labels: frozenset[str]
    facets: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    updated: int = 0
    names: tuple[str, ...] = ()
    fresh: int = 0

    def all_facets(self) -> dict[str, tuple[str, ...]]:
        """Facet values, each once."""
        facets = {"kind": (self.kind,), "level": (str(self.level),)} | dict(self.facets)
        return {name: tuple(dict.fromkeys(values)) for name, values in facets.items() if values}

    def fingerprint(self) -> int:
        """A number below 2**63 over all that it says: two that differ in anything have different ones. The same everywhere."""
        facets = {name: sorted(values) for name, values in self.all_facets().items()}
        head = [
            self.id, self.kind, self.number, self.title, self.level, sorted(self.labels), sorted(facets.items()),
            self.updated, self.names, self.fresh,
        ]  # fmt: skip
        found = blake2b(json.dumps(head).encode(), digest_size=8)
        found.update(self.text.encode(errors="surrogatepass"))
        return int.from_bytes(found.digest(), "big") >> 1


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
    """`total` counts all permitted hits after filters; `strict` of them answer the query as typed and stand first.

    `instead`: (typed, taken for it) where a word was taken for another that permitted entries hold. `marks`: what is highlighted."""

    total: int = 0
    hits: list[Hit] = field(default_factory=list)
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    generation: str = ""
    marks: Marks = field(default_factory=Marks)
    relaxed: Relaxed = ""
    strict: int = 0
    instead: tuple[tuple[str, str], ...] = ()


#: What has an id greater than the given one, ascending; ids differ.
After = Callable[[int], Iterable[Entry]]


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
        *,
        within: Within = ALWAYS,
        now: int | None = None,
        loose: bool = True,
    ) -> Result:
        """Permitted hits. Values of one filter are alternatives, filters add up, one without values is none.

        Counts of a facet leave out that facet's own filter. A number typed in full comes first. Few hits loosen the query;
        whether they are few is decided before filters, so that a filter never brings hits that were not there without it.
        Not `loose`: only what answers as typed, if anything does. `now`, in microseconds: newer entries are preferred where they say so (`Entry.fresh`). Order "updated": newest first, then the greater
        id; the same order decides between equal scores.
        """

    def suggest(self, prefix: str, access: Access, limit: int = 10) -> list[Suggestion]:
        """Permitted entries whose title or number contains the text, or whose names are spelled so."""

    def rebuild(self, entries: After, *, source: str = "", anew: bool = False) -> int:
        """Replace everything; search and `write` stay up meanwhile. Answers how many entries there are then.

        What `write` changes between the beginning and the end is kept. A rebuild that was interrupted, by whatever, goes on after the
        last entries that it had put away: `entries` is asked once, for what follows them. It begins anew, from 0, when told
        to, when `source` (what entries are made of, by which program) is another one, and when anything of what
        it had put away is not whole.
        """

    def building(self) -> int | None:
        """How many entries a rebuild has put away that goes on or was interrupted; None: there is none."""

    def purge(self, between: Callable[[], None] = lambda: None) -> None:
        """Take what was replaced or removed before out of every file. Raises `Busy` while something still reads it.

        It may take long, so it is done in pieces; `between` two of them others may write, and it is called.
        """

    def ids(self) -> Iterator[tuple[int, int]]:
        """(id, updated) of every entry."""

    def fingerprints(self) -> Iterator[tuple[int, int]]:
        """(id, `Entry.fingerprint` of what was written) of every entry, for comparison with the database."""

    def count(self) -> int:
        """Number of entries."""

    def close(self) -> None:
        """Let go of files; the engine may not be used afterwards."""


__all__ = [
    "ALWAYS", "FIELDS", "Access", "After", "Busy", "Damaged", "Engine", "Entry", "Filters", "Hit", "Marks", "Order", "Pieces",
    "Query", "Relaxed", "Result", "SearchError", "Suggestion", "Unreachable", "Within", "parse",
]  # fmt: skip
