"""Looking at the 文件传递单: one slip, those that concern a person, what waits for them, those of a file. A fixed number of statements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Select, and_, bindparam, exists, false, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from ..actor import Actor
from ..errors import Missing
from ..house import House
from ..models import Copy, Hop, Item, Person, Role, Slip, SlipScope, Unit
from ..policy import DECIDERS, Permission, Policy, Standing
from ..prepared import prepared, visible
from . import reading, slip_base
from .slip_base import LIVE

ROWS, PAST = 200, 20
SOON = bindparam("soon", type_=Date)  # the last day that is to be told of now


@dataclass(frozen=True)
class View:
    """One slip with all that its page shows."""

    slip: Slip
    s: Standing
    copy: Copy
    scope: Sequence[SlipScope]
    hops: Sequence[Hop]

    @property
    def offer(self) -> Hop | None:
        return slip_base.offer(self.hops)

    @property
    def persons(self) -> set[int | None]:
        """Everybody who is named on it, for one look-up."""
        slip = self.slip
        named = {slip.created_by, slip.decided_by, slip.holder_id, slip.returned_by, slip.checker_id}
        return (
            named
            | {r.person_id for r in self.scope}
            | {p for h in self.hops for p in (h.giver_id, h.taker_id)}
        )


def by_number(session: Session, house: House, actor: Actor, number: str, now: datetime) -> View:
    """The slip of a number. To whoever may not know of the file, or has no part in the slip, it does not exist."""
    slip = session.scalar(select(Slip).where(Slip.number == number))
    s = reading.by_id(session, house, actor, slip.item_id if slip is not None else 0, now)
    if slip is None:
        raise Missing()
    scope, hops = slip_base.scope_of(session, slip.id), slip_base.hops_of(session, slip.id)
    s = slip_base.stand(s, slip, scope, hops)
    house.policy.demand(actor, Permission.SLIP_VIEW, s)
    return View(slip, s, session.get_one(Copy, slip.copy_id), scope, hops)


@dataclass(frozen=True)
class Line:
    """A slip in a list; `offer`: the hop that waits. `seen`: False for a copy in one's hand whose file one may no longer know."""

    slip: Slip
    item: Item
    copy: int
    offer: Hop | None
    seen: bool = True

    @property
    def persons(self) -> set[int | None]:
        """Everybody who is named on the line."""
        slip, hop = self.slip, self.offer
        named = {slip.created_by, slip.holder_id, slip.returned_by, slip.checker_id}
        return named | ({hop.giver_id, hop.taker_id} if hop is not None else set())


@dataclass(frozen=True)
class Mine:
    """The open slips of one person by what they have to do with them; each stands in one part only, the first that fits."""

    sign: Sequence[Line]
    hold: Sequence[Line]
    decide: Sequence[Line]
    check: Sequence[Line]
    start: Sequence[Line]
    drafts: Sequence[Line]
    waiting: Sequence[Line]
    late: Sequence[Line]
    out: Sequence[Line]
    scope: Sequence[Line]


def mine(session: Session, house: House, actor: Actor, now: datetime) -> Mine:
    """Open slips that are mine to sign, hold, decide, check; for a custodian all that are out. One statement."""
    found = [Line(*row) for row in session.execute(_open(house.policy, actor), {"now": now})]
    today = now.astimezone(house.zone).date()
    parts: dict[str, list[Line]] = {name: [] for name in Mine.__dataclass_fields__}
    for line in found:
        parts[_part(actor, line, today)].append(line)
    return Mine(**parts)


def _part(actor: Actor, line: Line, today: date) -> str:
    slip, own = line.slip, line.slip.created_by == actor.id
    custodian = actor.has("custodian", line.item.unit_id)
    decider = any(actor.has(role, line.item.unit_id) for role in DECIDERS)
    if slip.state == "draft":
        return "drafts" if own else "out"
    if slip.state == "pending":
        return "waiting" if own or not decider else "decide"
    if slip.state == "returned":
        return "check" if custodian and slip.returned_by != actor.id else "out"
    if line.offer is not None and line.offer.taker_id == actor.id:
        return "sign"
    if slip.holder_id == actor.id:
        return "hold"
    if custodian and slip.holder_id is None and line.offer is None:
        return "start"
    if custodian or decider or own:
        return "late" if slip.ends is not None and slip.ends < today else "out"
    return "scope"


def past(session: Session, house: House, actor: Actor, now: datetime) -> list[Line]:
    """The last ones that are done with. One statement."""
    return [Line(*row) for row in session.execute(_past(house.policy, actor), {"now": now})]


def waiting(session: Session, house: House, actor: Actor, now: datetime) -> list[Line]:
    """What waits for this person on slips: to sign for, to bring back soon, to decide, to hand out, to check. One statement."""
    at = {"now": now, "soon": soon(house, now)}
    return [Line(*row) for row in session.execute(_waiting(house.policy, actor), at)]


def soon(house: House, now: datetime) -> date:
    return now.astimezone(house.zone).date() + timedelta(days=house.settings.remind_days)


def count(policy: Policy, actor: Actor) -> Any:
    """How many `waiting` gives, as a part of another statement that is sent with `now` and `soon`."""
    rows = select(func.count()).select_from(Slip).join(Item, Item.id == Slip.item_id).outerjoin(Hop, _OFFERED)
    return rows.where(_waits(policy, actor)).scalar_subquery()


# -- the questions --------------------------------------------------------------------------------------------------
_OFFERED = and_(Hop.slip_id == Slip.id, Hop.taken.is_(None), Hop.refused.is_(None), Slip.state == "moving")


def _lines(known: ColumnElement[bool]) -> Select[Any]:
    query = select(Slip, Item, Copy.number, Hop, known).join(Item, Item.id == Slip.item_id)
    query = query.join(Copy, Copy.id == Slip.copy_id).outerjoin(Hop, _OFFERED)
    return query.order_by(Slip.ends.is_(None), Slip.ends, Slip.id).limit(ROWS)


@prepared
def _open(policy: Policy, actor: Actor) -> Select[Any]:
    holds = and_(Slip.state == "moving", Slip.holder_id == actor.id)
    among = and_(Slip.state == "moving", _in_scope(actor))
    part = or_(Hop.taker_id == actor.id, Slip.created_by == actor.id, among, _covered(actor, DECIDERS))
    known = visible(policy, actor)
    return _lines(known).where(Slip.state.in_(LIVE), or_(holds, and_(known, part)))


@prepared
def _past(policy: Policy, actor: Actor) -> Select[Any]:
    part = or_(Slip.created_by == actor.id, _covered(actor, DECIDERS))
    done = _lines(true()).where(Slip.state.not_in(LIVE), part, visible(policy, actor))
    return done.order_by(None).order_by(Slip.id.desc()).limit(PAST)


@prepared
def _waiting(policy: Policy, actor: Actor) -> Select[Any]:
    return _lines(true()).where(_waits(policy, actor))


def _waits(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    custodian = _covered(actor, ("custodian",))
    moves = Slip.state == "moving"
    ways = or_(
        and_(moves, Hop.taker_id == actor.id),
        and_(moves, Slip.holder_id == actor.id, Slip.ends <= SOON),
        and_(moves, Slip.holder_id.is_(None), Hop.id.is_(None), custodian),
        and_(Slip.state == "pending", Slip.created_by != actor.id, _covered(actor, DECIDERS)),
        and_(Slip.state == "returned", Slip.returned_by != actor.id, custodian),
    )
    return and_(Slip.state.in_(LIVE), ways, visible(policy, actor))


def _covered(actor: Actor, roles: Sequence[str]) -> ColumnElement[bool]:
    """Items of the units for which the actor holds one of the roles."""
    held = [actor.roles[role] for role in roles if role in actor.roles]
    if any(units is None for units in held):
        return true()
    units = {u for each in held for u in each or ()}
    return Item.unit_id.in_(sorted(units)) if units else false()


def _in_scope(actor: Actor) -> ColumnElement[bool]:
    whom = or_(SlipScope.person_id == actor.id, SlipScope.unit_id.in_(actor.units))
    return exists().where(SlipScope.slip_id == Slip.id, SlipScope.dropped.is_(None), whom)


def of_item(session: Session, house: House, actor: Actor, s: Standing) -> list[Line]:
    """The slips of a file, newest first: all for whoever keeps it or decides on it, else those in which one has a part."""
    query = _lines(true()).where(Slip.item_id == s.item.id)
    if not house.policy.any_role(actor, s, DECIDERS):
        part = or_(
            Slip.created_by == actor.id,
            exists()
            .where(Hop.slip_id == Slip.id, Hop.taken.is_not(None), Hop.taker_id == actor.id)
            .correlate(Slip),
            and_(Slip.state == "moving", _in_scope(actor)),
        )
        query = query.where(part)
    return [Line(*row) for row in session.execute(query.order_by(None).order_by(Slip.id.desc()))]


@dataclass(frozen=True)
class Taker:
    """Somebody to whom a copy may be handed now."""

    id: int
    name: str
    unit_id: int
    custodian: bool


def takers(session: Session, actor: Actor, view: View, today: date) -> list[Taker]:
    """Those of the scope, and the custodians; only the latter where a reader hands it on, or the cycle is over. One statement."""
    item, slip = view.s.item, view.slip
    top, below = aliased(Unit), aliased(Unit)
    above = select(top.id).join(below, below.path.startswith(top.path)).where(below.id == item.unit_id)
    keeps = exists().where(
        Role.person_id == Person.id,
        Role.role == "custodian",
        or_(Role.unit_id.is_(None), Role.unit_id.in_(above)),
    )
    units = [r.unit_id for r in view.scope if r.unit_id is not None]
    inside = select(below.id).join(top, below.path.startswith(top.path)).where(top.id.in_(units))
    named = Person.id.in_([r.person_id for r in view.scope if r.person_id is not None])
    lateral = not slip.direct and not actor.has("custodian", item.unit_id)
    over = slip.ends is not None and slip.ends < today
    whom = keeps if lateral or over else or_(keeps, named, Person.unit_id.in_(inside))
    query = select(Person.id, Person.name, Person.unit_id, keeps).where(
        Person.active, Person.clearance >= item.level, Person.id != actor.id, whom
    )
    return [Taker(*row) for row in session.execute(query.order_by(keeps, Person.pinyin))]


def able(session: Session, view: View) -> bool:
    """Whether the holder can sign at all; from whoever cannot, the custodian fetches the copy."""
    holder = session.get(Person, view.slip.holder_id) if view.slip.holder_id else None
    return holder is None or (holder.active and holder.clearance >= view.s.item.level)
