"""What an engine is asked and what it answers: the seam under which Whoosh, PostgreSQL and brute force are alike.

Above it (`search.finder`) stands all that they share: what is typed becomes words and terms, a query is loosened step by
step, close answers are put in order, snippets are cut. Below it an engine matches, counts and picks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from search.engine import ALWAYS, Access, Filters, Order, Within
from search.query import Query

#: Characters of a folded text that are looked at to put close answers in order.
HEAD = 12_000


class Rung(NamedTuple):
    """One step of a query that is loosened. An entry is on it iff its points reach `least`.

    A word gives one point for each of its needles that the entry holds; a `whole` one none unless the entry holds them all.
    It gives all of them where the entry's names are spelled with its letters, and with `slips` also where the entry holds
    all needles of one of the word's slips. An entry whose number is the whole query (`analysis.number_key`) is on the first
    rung. Answers are put in order by `tier` first.
    """

    least: int
    slips: bool = False
    tier: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """A question. Entries answer it that are permitted, hold each phrase and none of `without`, have the typed fields and
    stand on one of the rungs; `filters` and `within` narrow further. A filter's values are alternatives, filters add up, one without values is none."""

    query: Query
    access: Access
    rungs: tuple[Rung, ...] = (Rung(0),)
    filters: Filters = field(default_factory=dict)
    within: Within = ALWAYS
    facets: tuple[str, ...] = ()
    order: Order = "score"


class Found(NamedTuple):
    """One answer. `rung`: the first one it stands on; `at`: the engine's own handle, for `Snapshot`'s reading."""

    id: int
    score: float
    rung: int
    at: int


@dataclass(frozen=True, slots=True)
class Picked:
    """`matched`: permitted answers before filters, `widest` the last rung that any of them stands on; `total`: after
    filters, `strict` of them on the first rung. `found`: the best ones, by tier, then by score (with a number typed in full
    before all), then newest first. Counts of a facet leave out that facet's own filter. `weights`: rarity of each needle's text."""

    matched: int = 0
    widest: int = 0
    total: int = 0
    strict: int = 0
    found: list[Found] = field(default_factory=list)
    facets: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    weights: Mapping[str, float] = field(default_factory=dict)


class Head(NamedTuple):
    """What decides the order of close answers: folded title and number, the first `HEAD` characters of the folded text."""

    title: str
    number: str
    text: str
    updated: int
    fresh: int


class Stored(NamedTuple):
    """What is shown of an entry. `folded`: the folded text where it runs character by character with the text, else None."""

    id: int
    kind: str
    number: str
    title: str
    text: str
    folded: str | None


class Snapshot(Protocol):
    """One generation of an index as one question sees it: all answers below belong together."""

    @property
    def generation(self) -> str:
        """Changes with every write."""

    def anything(self, access: Access) -> bool:
        """Whether this person may see any entry. Asked first: engines take an empty permission for none needed."""

    def pick(self, plan: Plan, wanted: int) -> Picked:
        """The answers, `wanted` of them named."""

    def heads(self, ats: Sequence[int]) -> list[Head]:
        """For the order, one for each handle."""

    def stored(self, ats: Sequence[int]) -> list[Stored]:
        """For showing, one for each handle."""

    def named(self, text: str, letters: str, access: Access, limit: int) -> list[Stored]:
        """Permitted entries for the folded text under the box, no folded title twice; their texts may be left empty.

        In turn: title or number begins with the text; contains it; the title's spelling begins with the letters (unless they
        are ""); that of title, number or a name contains them. Within each shorter titles first, then newer, then the greater id.
        """

    def sounding(self, word: str, access: Access) -> list[tuple[str, int]]:
        """Texts in titles and names of permitted entries that sound like the folded word but are not it, each with the
        number of its places. Texts as in `sounds.key`; in any order."""

    def similar(self, word: str, access: Access) -> list[tuple[str, int]]:
        """Latin terms of permitted entries that `slips.close` takes for the folded word, each with the number of entries."""
