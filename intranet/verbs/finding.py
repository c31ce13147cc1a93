"""Finding: one box over every ledger. Hits, total, facets, snippets and live answers are those of this person, now.

The index answers from labels that were true when it was written. Between a change and the worker's next round it may still
show what has just been withdrawn, so every search is given the ids that are waiting to be indexed and no longer visible
(`hidden`), and what comes back is looked at once more in SQL before anybody sees it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, exists, or_, select, union
from sqlalchemy.orm import Session

from search import analysis, snippets
from search.engine import Access, Marks, Pieces, Relaxed, Result, SearchError
from search.query import Query, parse
from search.rank import NUMBER_FIRST
from vault.levels import Level

from .. import work
from ..actor import Actor
from ..errors import Unavailable
from ..house import House
from ..models import Grant, Item, Outbox, Unit
from ..policy import Permission
from .entries import SHARED, entry, stamp, words_in_clear

__all__ = ["FACETS", "SHARED", "Found", "Hit", "entry", "exact", "find", "hidden", "live"]

_BEGIN, _END = re.compile(r"^…?\s*·\s*"), re.compile(r"\s*·\s*…?$")
FACETS = ("kind", "class", "management", "subclass", "level", "unit", "year", "state")
PAGE = 20
LIVE = 8
LATELY = timedelta(days=30)  # what ended before has been taken down and indexed since
AUDITED = Level.CONFIDENTIAL  # 秘密 and up: who looked for what is recorded (FEATURES row 51)
Order = Literal["score", "updated"]
Filters = Mapping[str, Collection[str]]


@dataclass(frozen=True)
class Hit:
    """One item that the person may know of, with title and snippet in pieces: (text, whether it was looked for)."""

    item: Item
    score: float
    title: Pieces
    snippet: Pieces


@dataclass(frozen=True)
class Found:
    """`total` and `facets` count what this person may see, nothing else. `relaxed`: see `search.engine.Relaxed`."""

    total: int = 0
    hits: Sequence[Hit] = ()
    facets: Mapping[str, Sequence[tuple[str, int]]] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)
    relaxed: Relaxed = ""
    cut: bool = False
    strict: int = 0
    instead: Sequence[tuple[str, str]] = ()


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
    typing: bool = False,
) -> Found:
    """What `text` finds for this person. Raises Denied, and Unavailable where the index cannot be read.

    Recorded before it is answered when it concerns the secret levels; no other query is kept anywhere. While a person is
    still `typing` nothing from 秘密 upwards is named: each key would be a query to record, and a colleague may look on."""
    house.policy.demand(actor, Permission.SEARCH)
    chosen = {name: tuple(values) for name, values in (filters or {}).items() if values}
    query = _named(session, house, parse(text))
    gone = hidden(session, house, actor)
    while True:
        result = _ask(house, query, _access(house, actor, gone, typing), chosen, limit, offset, order)
        rows = _visible(session, house, actor, [h.id for h in result.hits])
        stale = {h.id for h in result.hits} - rows.keys()
        if not stale:
            break
        gone |= stale  # ended grants, a worker that died between two writes: the totals must not count them either
    hits = [_hit(house, result, h.score, h.title, h.snippet, *rows[h.id]) for h in result.hits]
    if not typing:
        _record(session, house, actor, text, query, chosen, result.total, [h.item for h in hits])
    return Found(
        result.total,
        hits,
        result.facets,
        result.marks,
        result.relaxed,
        query.cut,
        result.strict,
        result.instead,
    )


def live(session: Session, house: House, actor: Actor, text: str, *, limit: int = LIVE) -> Found:
    """What to show under the box while a person types: titles, numbers and pinyin first, then the full text."""
    house.policy.demand(actor, Permission.SEARCH)
    query = _named(session, house, parse(text))
    gone = hidden(session, house, actor)
    while True:
        access = _access(house, actor, gone, typing=True)
        try:
            quick = house.engine.suggest(text, access, limit)
        except SearchError as error:
            raise Unavailable(_("搜索索引暂时无法读取，请稍后重试")) from error
        result = _ask(house, query, access, {}, limit, 0, "score")
        titles = {s.id: (0.0, s.title, []) for s in quick} | {
            h.id: (h.score, h.title, h.snippet) for h in result.hits
        }
        numbered = [h.id for h in result.hits[:1] if h.score >= NUMBER_FIRST]
        ids = list(dict.fromkeys([*numbered, *(s.id for s in quick), *(h.id for h in result.hits)]))[:limit]
        rows = _visible(session, house, actor, ids)
        stale = set(ids) - rows.keys()
        if not stale:
            break
        gone |= stale
    hits = [_hit(house, result, *titles[i], *rows[i]) for i in ids]
    return Found(max(result.total, len(hits)), hits, {}, result.marks, result.relaxed)


def exact(session: Session, house: House, actor: Actor, text: str) -> str:
    """The number of the item that was typed in full, if this person may know of it; else "" (FEATURES row 44)."""
    typed = unicodedata.normalize("NFKC", text).strip()
    if not 4 <= len(typed) <= 80 or not any(c.isdigit() for c in typed) or " " in typed:
        return ""
    query = select(Item).where(
        Item.number.in_({typed, typed.upper()}), house.policy.visible(actor, house.clock())
    )
    item = session.scalars(query.limit(1)).first()
    if item is None:
        return ""
    number = item.number
    _record(session, house, actor, text, parse(""), {}, 1, [item])
    return number


def hidden(session: Session, house: House, actor: Actor) -> frozenset[int]:
    """Items that the index may still show to this person, but the database no longer does. One statement.

    Candidates: what waits to be indexed, what a grant that ran out once gave to this person, and what has ended by its day. What
    waits and holds words that must go (a file taken off, a level raised) is found by nobody until the index has heard of it."""
    now = house.clock()
    mine = Grant.person_id == actor.id
    if actor.units:
        mine = or_(mine, Grant.unit_id.in_(actor.units))
    waiting = select(Outbox.item_id).where(Outbox.topic == "index", Outbox.item_id.is_not(None))
    behind = waiting.where(_behind(now))
    ended = select(Grant.item_id).where(Grant.until.is_not(None), Grant.until <= now, mine)
    over = select(Item.id).where(Item.due > now - LATELY, house.policy.over(now)).correlate(None)
    lost = select(Outbox.item_id).where(Outbox.topic == "forget", Outbox.item_id.in_(behind))
    query = select(Item.id).where(
        Item.id.in_(union(waiting, ended, over)), or_(~house.policy.visible(actor, now), Item.id.in_(lost))
    )
    return frozenset(session.scalars(query))


def _behind(now: datetime) -> ColumnElement[bool]:
    """Promised entries that should be written by now; one for the day on which a grant ends is not."""
    return or_(Outbox.ready <= now, Outbox.tries > 0)


def _access(house: House, actor: Actor, gone: frozenset[int], typing: bool) -> Access:
    clearance = min(actor.clearance, AUDITED - 1) if typing else actor.clearance
    return Access(int(clearance), house.policy.tokens(actor), gone)


def _ask(
    house: House, query: Query, access: Access, filters: Filters, limit: int, offset: int, order: Order
) -> Result:
    if not access.tokens:
        return Result()
    try:
        now = stamp(house.clock())
        return house.engine.search(query, access, filters, FACETS, limit, offset, order, now=now)
    except SearchError as error:
        raise Unavailable(_("搜索索引暂时无法读取，请稍后重试")) from error


def _visible(
    session: Session, house: House, actor: Actor, ids: Sequence[int]
) -> dict[int, tuple[Item, bool]]:
    """Those of the hits that the person may know of, by the database as it is now; and whether the index is behind it."""
    if not ids:
        return {}
    now = house.clock()
    waiting = exists().where(Outbox.item_id == Item.id, Outbox.topic == "index", _behind(now))
    query = select(Item, waiting).where(Item.id.in_(ids), house.policy.visible(actor, now))
    found = session.execute(query.execution_options(populate_existing=True))
    return {item.id: (item, behind) for item, behind in found}


def _hit(
    house: House, result: Result, score: float, title: Pieces, snippet: Pieces, item: Item, behind: bool
) -> Hit:
    """The hit as it may be shown: the title of today, and no words from before a change that the index has not heard of: they
    may be just what was taken out. Nor where the level has gone up since."""
    if "".join(text for text, _hit in title) != item.title:
        title = snippets.highlight(item.title, result.marks)
    shown = words_in_clear(house, item.level) and not behind
    return Hit(item, score, title, _tidy(snippet) if shown else [])


def _tidy(snippet: Pieces) -> Pieces:
    """Without the seam between two fields where the snippet begins or ends."""
    pieces = [(text, hit) for text, hit in snippet if text]
    if pieces and not pieces[0][1]:
        pieces[0] = (_BEGIN.sub("", pieces[0][0]), False)
    if pieces and not pieces[-1][1]:
        pieces[-1] = (_END.sub("…", pieces[-1][0]), False)
    return [piece for piece in pieces if piece[0]]


def _named(session: Session, house: House, query: Query) -> Query:
    """`密级:内部 类型:通知公告 单位:维修科` as codes: people type words, the index keeps codes."""
    if not query.fields and not query.without_fields:
        return query
    words: dict[str, dict[str, set[str]]] = {
        "kind": _by_title((k.title, k.name) for k in house.kinds.values()),
        "level": _by_title((level.label, level.slug) for level in Level),
        "state": _by_title((s.title, s.name) for k in house.kinds.values() for s in k.states),
        "class": _by_title(
            (o.title, o.code)
            for k in house.kinds.values()
            for f in k.fields
            if f.name == "business"
            for o in getattr(f, "choices", ())
        ),
    }
    if "unit" in query.fields or "unit" in query.without_fields:
        words["unit"] = _by_title(
            (name, code) for name, code in session.execute(select(Unit.name, Unit.code))
        )

    def coded(fields: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
        return {
            name: frozenset().union(*(words.get(name, {}).get(v, {v}) for v in values))
            for name, values in fields.items()
        }

    return replace(query, fields=coded(query.fields), without_fields=coded(query.without_fields))


def _by_title(pairs: Iterable[tuple[object, str]]) -> dict[str, set[str]]:
    """Folded word -> folded codes that it stands for (several ledgers may use one word)."""
    found: dict[str, set[str]] = {}
    for title, code in pairs:
        found.setdefault(analysis.fold(str(title)), set()).add(analysis.fold(code))
    return found


def _record(
    session: Session,
    house: House,
    actor: Actor,
    text: str,
    query: Query,
    filters: Filters,
    total: int,
    items: Sequence[Item],
) -> None:
    """Commit the audit row of a search that concerns the secret levels, before its answer leaves."""
    slugs = {level.slug for level in Level if level >= AUDITED}
    shown = [i.number for i in items if i.level >= AUDITED]
    asked = slugs & {*filters.get("level", ()), *query.fields.get("level", ())}
    if not shown and not asked:
        return
    detail = {"query": text[:200], "total": total, "shown": shown}
    detail |= {"filters": {name: sorted(values) for name, values in filters.items()}} if filters else {}
    levels = [i.level for i in items] + [int(Level.parse(slug)) for slug in asked]
    highest = max(levels)  # an auditor below it learns that there was a search, not for what
    for item in items:  # the transaction would expire them, and each would be read again alone
        session.expunge(item)
    with work.begin(house, actor) as w:
        w.record("search.secret", detail=detail, level=highest)
