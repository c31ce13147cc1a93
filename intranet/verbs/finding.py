"""Finding: one box over every ledger. Hits, total, facets, snippets and live answers are those of this person, now.

The index answers from labels that were true when it was written. Between a change and the worker's next round it may still
show what has just been withdrawn, so every search is given the ids that are waiting to be indexed and no longer visible
(`sight.hidden`), and what comes back is looked at once more in SQL before anybody sees it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from flask_babel import gettext as _
from sqlalchemy.orm import Session

from search import snippets
from search.engine import ALWAYS, Access, Marks, Pieces, Relaxed, Result, SearchError, Within
from search.query import Query, parse
from search.rank import NUMBER_FIRST
from vault.levels import Level

from .. import work
from ..actor import Actor
from ..errors import Unavailable
from ..house import House
from ..policy import Permission
from . import sight, typed
from .asking import FACETS, Order
from .entries import SHARED, entry, stamp, words_in_clear
from .sight import Seen, hidden

__all__ = ["FACETS", "SHARED", "Found", "Hit", "Seen", "answers", "entry", "exact", "find", "hidden", "live"]

_BEGIN, _END = re.compile(r"^…?\s*·\s*"), re.compile(r"\s*·\s*…?$")
PAGE = 20
LIVE = 8
AUDITED = Level.CONFIDENTIAL  # 秘密 and up: who looked for what is recorded (FEATURES row 51)
Filters = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class Hit:
    """One item that the person may know of, with title and snippet in pieces: (text, whether it was looked for)."""

    item: Seen
    score: float
    title: Pieces
    snippet: Pieces


@dataclass(frozen=True)
class Found:
    """`total` and `facets` count what this person may see, nothing else. `relaxed`, `strict`, `instead`: see
    `search.engine.Result`."""

    total: int = 0
    hits: Sequence[Hit] = ()
    facets: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)
    relaxed: Relaxed = ""
    strict: int = 0
    instead: Sequence[tuple[str, str]] = ()
    cut: bool = False


def find(
    session: Session,
    house: House,
    actor: Actor,
    text: str,
    filters: Filters | None = None,
    *,
    limit: int = PAGE,
    offset: int = 0,
    order: Order = "score",
    within: Within = ALWAYS,
    typing: bool = False,
    loose: bool = True,
) -> Found:
    """What `text` finds for this person; not `loose`: only what answers as typed, if anything does. Raises Denied, Unavailable.

    Recorded before it is answered when it concerns the secret levels; no other query is kept anywhere. While a person is
    still `typing` nothing from 秘密 upwards is named: each key would be a query to record, and a colleague may look on."""
    seeing = typist(actor) if typing else actor
    found, query = looked(
        session, house, seeing, text, filters, limit=limit, offset=offset, order=order, within=within, loose=loose,
    )  # fmt: skip
    if not typing:
        chosen = _chosen(filters)
        record(session, house, actor, text, query, chosen, found.total, [h.item for h in found.hits])
    return found


def looked(
    session: Session,
    house: House,
    actor: Actor,
    text: str,
    filters: Filters | None = None,
    *,
    facets: Sequence[str] = FACETS,
    limit: int = PAGE,
    offset: int = 0,
    order: Order = "score",
    within: Within = ALWAYS,
    loose: bool = True,
) -> tuple[Found, Query]:
    """The answer with the query as it was read, not yet recorded: whoever lets it out records it before."""
    house.policy.demand(actor, Permission.SEARCH)
    query, chosen = typed.coded(session, house, parse(text)), _chosen(filters)

    def ask(access: Access) -> Result:
        return _ask(house, query, access, chosen, facets, limit, offset, order, within, loose)

    result, rows = _checked(session, house, actor, ask)
    hits = [_hit(house, result, h.score, h.title, h.snippet, rows[h.id]) for h in result.hits]
    found = Found(
        result.total,
        hits,
        result.facets,
        result.marks,
        result.relaxed,
        result.strict,
        result.instead,
        query.cut,
    )
    return found, query


def live(session: Session, house: House, actor: Actor, text: str, *, limit: int = LIVE) -> Found:
    """What to show under the box while a person types: titles, numbers and pinyin first, then the full text as far as there
    is room."""
    house.policy.demand(actor, Permission.SEARCH)
    query = typed.coded(session, house, parse(text))
    seeing = typist(actor)
    gone = hidden(session, house, seeing)
    while True:
        access = _access(house, seeing, gone)
        try:
            quick = house.engine.suggest(text, access, limit)
        except SearchError as error:
            raise _away() from error
        result = Result()
        if len(quick) < limit:
            result = _ask(house, query, access, {}, (), limit, 0, "score", ALWAYS)
        titles = {s.id: (0.0, s.title, []) for s in quick} | {
            h.id: (h.score, h.title, h.snippet) for h in result.hits
        }
        numbered = [h.id for h in result.hits[:1] if h.score >= NUMBER_FIRST]
        ids = list(dict.fromkeys([*numbered, *(s.id for s in quick), *(h.id for h in result.hits)]))[:limit]
        rows = sight.rows(session, house, seeing, ids)
        stale = set(ids) - rows.keys()
        if not stale:
            break
        gone |= stale
    hits = [_hit(house, result, *titles[i], rows[i]) for i in ids]
    return Found(max(result.total, len(hits)), hits, {}, result.marks, result.relaxed, result.strict)


def answers(
    session: Session,
    house: House,
    actor: Actor,
    text: str,
    filters: Filters | None = None,
    *,
    within: Within = ALWAYS,
    known: frozenset[int] = frozenset(),
    gone: frozenset[int] | None = None,
    limit: int = 0,
) -> tuple[int, Sequence[Hit]]:
    """How many entries answer the question as it is typed, below 秘密 and not among `known`, and the newest of them. For what
    nobody sits in front of: saved searches. Looked for as a person who is still typing does, so that nothing is to be recorded.
    `gone`: what `hidden` said for this `typist`, where several questions are asked at once."""
    house.policy.demand(actor, Permission.SEARCH)
    query, chosen, seeing = typed.coded(session, house, parse(text)), _chosen(filters), typist(actor)
    if query.fields:  # never read as words: what follows finds nothing
        query = replace(query, text="!")

    def ask(access: Access) -> Result:
        more = replace(access, hidden=access.hidden | known)
        found = _ask(house, query, more, chosen, (), 0, 0, "updated", within)
        if not (most := min(limit, found.strict)):
            return found
        # What answers as typed stands first in the order of relevance; where nothing was loosened, it is all there is.
        order: Order = "score" if found.relaxed else "updated"
        return _ask(house, query, more, chosen, (), most, 0, order, within)

    result, rows = _checked(session, house, seeing, ask, gone)
    return result.strict, [_hit(house, result, h.score, h.title, h.snippet, rows[h.id]) for h in result.hits]


def exact(session: Session, house: House, actor: Actor, text: str) -> str:
    """The number of the item that was typed in full, if this person may know of it; else "" (FEATURES row 44)."""
    number = unicodedata.normalize("NFKC", text).strip()
    if not 4 <= len(number) <= 80 or not any(c.isdigit() for c in number) or " " in number:
        return ""
    item = sight.numbered(session, house, actor, {number, number.upper()})
    if item is None:
        return ""
    record(session, house, actor, text, parse(""), {}, 1, [item])
    return item.number


def _checked(
    session: Session,
    house: House,
    actor: Actor,
    ask: Callable[[Access], Result],
    gone: frozenset[int] | None = None,
) -> tuple[Result, dict[int, Seen]]:
    """The answer of the index with the rows of its hits, asked again until the database agrees with every one of them."""
    if gone is None:
        gone = hidden(session, house, actor)
    while True:
        result = ask(_access(house, actor, gone))
        rows = sight.rows(session, house, actor, [h.id for h in result.hits])
        stale = {h.id for h in result.hits} - rows.keys()
        if not stale:
            return result, rows
        gone |= stale  # ended grants, a worker that died between two writes: the totals must not count them either


def typist(actor: Actor) -> Actor:
    """The actor as far as things are named before Enter: nothing from 秘密 upwards."""
    return replace(actor, clearance=Level(min(actor.clearance, AUDITED - 1)))


def _access(house: House, actor: Actor, gone: frozenset[int]) -> Access:
    return Access(int(actor.clearance), house.policy.tokens(actor), gone)


def _chosen(filters: Filters | None) -> dict[str, tuple[str, ...]]:
    return {name: tuple(values) for name, values in (filters or {}).items() if values}


def _ask(
    house: House,
    query: Query,
    access: Access,
    filters: Filters,
    facets: Sequence[str],
    limit: int,
    offset: int,
    order: Order,
    within: Within,
    loose: bool = True,
) -> Result:
    if not access.tokens:
        return Result()
    try:
        now = stamp(house.clock())
        return house.engine.search(
            query, access, filters, facets, limit, offset, order, within=within, now=now, loose=loose
        )
    except SearchError as error:
        raise _away() from error


def _away() -> Unavailable:
    return Unavailable(_("搜索索引暂时无法读取，请稍后重试"))


def _hit(house: House, result: Result, score: float, title: Pieces, snippet: Pieces, item: Seen) -> Hit:
    """The hit as it may be shown: the title of today, and no words from before a change that the index has not heard of: they
    may be just what was taken out. Nor where the level has gone up since."""
    if "".join(text for text, _hit in title) != item.title:
        title = snippets.highlight(item.title, result.marks)
    shown = words_in_clear(house, item.level) and not item.behind
    return Hit(item, score, title, _tidy(snippet) if shown else [])


def _tidy(snippet: Pieces) -> Pieces:
    """Without the seam between two fields where the snippet begins or ends."""
    pieces = [(text, hit) for text, hit in snippet if text]
    if pieces and not pieces[0][1]:
        pieces[0] = (_BEGIN.sub("", pieces[0][0]), False)
    if pieces and not pieces[-1][1]:
        pieces[-1] = (_END.sub("…", pieces[-1][0]), False)
    return [piece for piece in pieces if piece[0]]


def concerns(query: Query, filters: Filters, levels: Iterable[int]) -> int | None:
    """The highest of the secret levels that a search shows or asks for; None where it concerns none and is not recorded."""
    asked = {*filters.get("level", ()), *query.fields.get("level", ())}
    found = [int(level) for level in Level if level >= AUDITED and level.slug in asked]
    return max([*found, *(n for n in levels if n >= AUDITED)], default=None)


def record(
    session: Session,
    house: House,
    actor: Actor,
    text: str,
    query: Query,
    filters: Filters,
    total: int,
    items: Sequence[Seen],
) -> None:
    """Commit the audit row of a search that concerns the secret levels, before its answer leaves."""
    highest = concerns(query, filters, (i.level for i in items))
    if highest is None:
        return
    shown = [i.number for i in items if i.level >= AUDITED]
    detail = {"query": text[:200], "total": total, "shown": shown}
    detail |= {"filters": {name: sorted(values) for name, values in filters.items()}} if filters else {}
    with work.begin(
        house, actor
    ) as w:  # an auditor below that level learns that there was a search, not for what
        w.record("search.secret", detail=detail, level=highest)
