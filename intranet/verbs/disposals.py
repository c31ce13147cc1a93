"""Disposal lists, read: which there are, what is on one, which wait for whom. A fixed number of statements each.

Whoever may not know of each file on a list does not know of the list (`Policy.lists`)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true
from sqlalchemy.orm import Session

from ..actor import Actor
from ..errors import Missing
from ..house import House
from ..models import Blob, Copy, DisposalList, DisposalRow, Hold, Item
from ..policy import ENDERS, Policy
from ..prepared import NOW, prepared, visible

PAGE = 30
STATES = ("proposed", "approved", "done", "rejected", "withdrawn")
WAITING = 30


def seal(found: DisposalList, items: Iterable[Item]) -> str:
    """What a signature stands under: the list and each file as the page showed them. Another file, another save: another seal."""
    facts = [found.number, found.way, found.package, found.receipt, str(found.received)]
    facts += sorted(f"{i.id} {i.version} {i.level}" for i in items)
    return hashlib.sha256("\n".join(facts).encode()).hexdigest()[:32]


@prepared
def _shown(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    return policy.lists(actor, NOW)


def known(session: Session, house: House, actor: Actor, list_id: int, now: datetime) -> bool:
    """Whether the actor may know of the list."""
    query = select(DisposalList.id).where(DisposalList.id == list_id, _shown(house.policy, actor))
    return session.scalar(query, {"now": now}) is not None


def by_number(session: Session, house: House, actor: Actor, number: str, now: datetime) -> DisposalList:
    """The list of a number. Raises Missing where there is none, and where the actor may not know of it."""
    query = select(DisposalList).where(DisposalList.number == number, _shown(house.policy, actor))
    found = session.scalar(query, {"now": now})
    if found is None:
        raise Missing
    return found


def of_item(session: Session, house: House, actor: Actor, item_id: int, now: datetime) -> DisposalList | None:
    """The list that a file is on, or was ended by, if the actor may know of it."""
    live = and_(DisposalRow.list_id == DisposalList.id, DisposalRow.dropped.is_(None))
    query = select(DisposalList).join(DisposalRow, live).where(DisposalRow.item_id == item_id)
    return session.scalar(query.where(_shown(house.policy, actor)), {"now": now})


@dataclass(frozen=True)
class Row:
    """A file of a list. `copies`: how many of it there are, `there`: their numbers and states; `bodies`: sealed files."""

    item: Item
    dropped: datetime | None
    hold: bool
    bodies: int
    size: int
    there: Sequence[tuple[int, str]] = ()


def rows(session: Session, house: House, actor: Actor, list_id: int, now: datetime) -> list[Row]:
    """The files of a list by number; of those taken off only what the actor may know. Two statements."""
    held = select(Hold.id).where(Hold.item_id == Item.id, Hold.released.is_(None)).exists()
    stored = select(Blob).where(Blob.item_id == Item.id, Blob.state.in_(("stored", "destroyed")))
    query = (
        select(
            Item,
            DisposalRow.dropped,
            held,
            stored.with_only_columns(func.count()).scalar_subquery(),
            stored.with_only_columns(func.coalesce(func.sum(Blob.size), 0)).scalar_subquery(),
        )
        .join(DisposalRow, DisposalRow.item_id == Item.id)
        .where(DisposalRow.list_id == list_id)
        .where(or_(DisposalRow.dropped.is_(None), visible(house.policy, actor)))
        .order_by(DisposalRow.dropped.is_not(None), Item.number)
    )
    found = session.execute(query, {"now": now}).all()
    there = _copies(session, list_id)
    return [Row(i, off, bool(h), n, int(size), there.get(i.id, ())) for i, off, h, n, size in found]


def _copies(session: Session, list_id: int) -> dict[int, list[tuple[int, str]]]:
    on = and_(DisposalRow.item_id == Copy.item_id, DisposalRow.list_id == list_id)
    found: dict[int, list[tuple[int, str]]] = {}
    query = select(Copy.item_id, Copy.number, Copy.state).join(DisposalRow, on).order_by(Copy.number)
    for item_id, number, state in session.execute(query):
        found.setdefault(item_id, []).append((number, state))
    return found


def bodies(session: Session, list_id: int) -> dict[int, list[Blob]]:
    """The sealed files of each file of a list: what was destroyed keeps its hash."""
    on = and_(DisposalRow.item_id == Blob.item_id, DisposalRow.list_id == list_id)
    query = select(Blob).join(DisposalRow, on).where(DisposalRow.dropped.is_(None))
    found: dict[int, list[Blob]] = {}
    for blob in session.scalars(
        query.where(Blob.state.in_(("stored", "dropped", "destroyed"))).order_by(Blob.id)
    ):
        found.setdefault(blob.item_id or 0, []).append(blob)
    return found


@dataclass(frozen=True)
class Line:
    """A list with how many files are on it, and whether it waits for the actor."""

    list: DisposalList
    count: int
    mine: bool = False


@dataclass(frozen=True)
class Page:
    """`states`: counts whatever state is chosen; `next`: the key of the page after, "" where there is none."""

    lines: Sequence[Line]
    states: dict[str, int]
    next: str


def page(
    session: Session, house: House, actor: Actor, now: datetime, state: str = "", after: int = 0
) -> Page:
    """The lists that the actor may know of, the newest first. Two statements."""
    chosen = _shown(house.policy, actor)
    counted = select(DisposalList.state, func.count()).where(chosen).group_by(DisposalList.state)
    states: dict[str, int] = dict(session.execute(counted, {"now": now}).all())
    query = select(DisposalList, _count(), _mine(house.policy, actor)).where(chosen)
    if state:
        query = query.where(DisposalList.state == state)
    if after:
        query = query.where(DisposalList.id < after)
    found = session.execute(query.order_by(DisposalList.id.desc()).limit(PAGE + 1), {"now": now}).all()
    lines = [Line(one, n, bool(mine)) for one, n, mine in found[:PAGE]]
    return Page(lines, states, str(lines[-1].list.id) if len(found) > PAGE else "")


def _count() -> ColumnElement[int]:
    live = select(func.count()).where(DisposalRow.list_id == DisposalList.id, DisposalRow.dropped.is_(None))
    return live.correlate(DisposalList).scalar_subquery()


# -- what waits for the actor ----------------------------------------------------------------------------------------
@dataclass(frozen=True)
class Waiting:
    """Lists that wait for the actor, the longest waiting first; `total` may be more than the lines."""

    lines: Sequence[Line] = ()
    total: int = 0


def waiting(session: Session, house: House, actor: Actor, now: datetime) -> Waiting:
    """One statement."""
    found = session.execute(_waiting(house.policy, actor), {"now": now}).all()
    return Waiting([Line(one, n, True) for one, n, _total in found], found[0][2] if found else 0)


@prepared
def _waiting(policy: Policy, actor: Actor) -> Select[tuple[DisposalList, int, int]]:
    since = func.coalesce(DisposalList.first_signed, DisposalList.decided, DisposalList.proposed)
    query = select(DisposalList, _count(), func.count().over())
    return query.where(waits(policy, actor)).order_by(since, DisposalList.id).limit(WAITING)


@prepared
def waits(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    """The lists whose next step is the actor's: to approve, to sign, to hand over, to confirm. A criterion on DisposalList."""
    open_ = DisposalList.state.in_(("proposed", "approved"))
    return and_(open_, _mine(policy, actor), policy.lists(actor, NOW))


def acts(session: Session, house: House, actor: Actor, list_id: int) -> frozenset[str]:
    """The steps of a list that are offered to the actor: what the verbs would not refuse by who asks. One statement."""
    ways = _acts(house.policy, actor)
    query = select(*(may.label(name) for name, may in ways.items())).where(DisposalList.id == list_id)
    found = session.execute(query).one()
    return frozenset(name for name, may in zip(ways, found, strict=True) if may)


@prepared
def _mine(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    """Whether the next step is the actor's. Handing over waits for one custodian, entering the receipt is part of it."""
    ways = _acts(policy, actor)
    handing = and_(ways["package"], DisposalList.first_by.is_(None))
    return or_(ways["approve"], ways["sign"], handing, ways["confirm"])


@prepared
def _acts(_policy: Policy, actor: Actor) -> dict[str, ColumnElement[bool]]:
    of, me = DisposalList, actor.id
    proposed, open_ = of.state == "proposed", of.state.in_(("proposed", "approved"))
    destroying = and_(of.state == "approved", of.way == "destroy")
    leaving = and_(of.state == "approved", of.way == "transfer")
    keeper, ender = _covers(actor, ("custodian",)), _covers(actor, ENDERS)
    return {
        "approve": and_(proposed, of.proposed_by != me, _covers(actor, ENDERS, strange=True)),
        "reject": and_(open_, of.proposed_by != me, ender),
        "withdraw": and_(proposed, of.proposed_by == me),
        "sign": and_(destroying, of.decided_by != me, or_(of.first_by.is_(None), of.first_by != me)),
        "package": and_(leaving, of.first_by.is_(None), keeper),
        "receipt": and_(leaving, of.package != "", keeper),
        "confirm": and_(leaving, of.first_by != me, or_(of.decided_by == me, keeper)),
    }


def _covers(actor: Actor, roles: Iterable[str], *, strange: bool = False) -> ColumnElement[bool]:
    """Lists of whose files the actor holds one of the roles in each one's unit (`strange`: and handles none)."""
    held = [r for r in roles if r in actor.roles]
    if not held:
        return false()
    ways = [actor.roles[r] for r in held]
    here = true() if None in ways else Item.unit_id.in_(sorted({u for way in ways for u in way or ()}))
    bars = [~here] if None not in ways else []
    if strange:
        bars.append(Item.owner_id == actor.id)
    if not bars:
        return true()
    off = (
        select(DisposalRow.item_id)
        .join(Item, Item.id == DisposalRow.item_id)
        .where(DisposalRow.list_id == DisposalList.id, DisposalRow.dropped.is_(None), or_(*bars))
        .correlate(DisposalList)
    )
    return ~off.exists()
