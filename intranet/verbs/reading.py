"""Reading items: one, with its standing; many, as a page. Everything goes through the policy's faces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from vault.levels import Level

from ..actor import Actor
from ..errors import Missing
from ..house import House
from ..kinds.base import Integer, Kind
from ..kinds.fields import Date, DateTime
from ..models import Grant, Hold, Item, ItemValue, Loan, Reading
from ..models.types import Moment
from ..policy import Permission, Policy, Standing
from ..prepared import NOW, prepared

PAGE = 50
_LONG_AGO, _NEVER = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)  # where undated rows sort


def standing(session: Session, house: House, actor: Actor, item: Item, now: datetime) -> Standing:
    """What policy must know of an item: live grants by whom, the loan, the time. One or two statements."""
    roles: dict[tuple[str, int], set[str]] = {}
    live = select(Grant).where(
        Grant.item_id == item.id, Grant.revoked.is_(None), or_(Grant.until.is_(None), Grant.until > now)
    )
    for g in session.scalars(live):
        whom = ("person", g.person_id) if g.person_id is not None else ("unit", g.unit_id or 0)
        roles.setdefault(whom, set()).add(g.role)
    ended = house.policy.ended(item, now)
    granted = {k: frozenset(v) for k, v in roles.items()}
    if not _loans(house, item):
        return Standing(item, granted, ended=ended)
    return replace(_kept(session, house, actor, item, now), roles=granted, ended=ended)


def _kept(session: Session, house: House, actor: Actor, item: Item, now: datetime) -> Standing:
    """Of a kept file: the actor's live loan, who has it, whether it is on hold, and what the actor may read it by now. One
    statement."""
    today = now.astimezone(house.zone).date()
    out = select(Loan).where(Loan.item_id == item.id, Loan.state.in_(("lent", "returned")))
    live = out.where(Loan.borrower_id == actor.id, Loan.state == "lent", Loan.until >= today)
    mine_first = (
        out.with_only_columns(Loan.borrower_id)
        .order_by((Loan.borrower_id == actor.id).desc(), Loan.id)
        .limit(1)
    )
    holds = select(Hold.id).where(Hold.item_id == item.id, Hold.released.is_(None))
    sessions = select(Reading.id).where(
        Reading.item_id == item.id,
        Reading.person_id == actor.id,
        Reading.closed.is_(None),
        Reading.until > now,
    )
    row = session.execute(
        select(
            live.exists(),
            live.where(Loan.download).exists(),
            mine_first.scalar_subquery(),
            holds.exists(),
            sessions.where(Reading.way == "two").exists(),
            sessions.where(Reading.way == "glass").exists(),
        )
    ).one()
    loan, download, borrower, hold, two, glass = row
    cap = house.settings.download_level
    may_save = bool(download) and bool(cap) and item.level <= Level.parse(cap)
    return Standing(
        item, {}, bool(loan), borrower, hold=bool(hold), saves=may_save, second=bool(two), glass=bool(glass)
    )


def by_number(session: Session, house: House, actor: Actor, number: str, now: datetime) -> Standing:
    """The item of a number, if the actor may know of it. Not visible and not existing are the same answer."""
    return _seen(session, house, actor, session.scalar(select(Item).where(Item.number == number)), now)


def by_id(session: Session, house: House, actor: Actor, item_id: int, now: datetime) -> Standing:
    return _seen(session, house, actor, session.get(Item, item_id), now)


def _seen(session: Session, house: House, actor: Actor, item: Item | None, now: datetime) -> Standing:
    if item is None:
        missing(session, house, actor, now)
        raise Missing()
    s = standing(session, house, actor, item, now)
    demand_seen(session, house, actor, s, now)
    return s


def missing(session: Session, house: House, actor: Actor, now: datetime) -> None:
    """Do for what is not there the work that a hidden one makes: the time of the answer tells nothing (row 55)."""
    nothing = Item(id=0, kind="", level=0)
    standing(session, house, actor, nothing, now)
    _kept(session, house, actor, nothing, now)


def demand_seen(session: Session, house: House, actor: Actor, s: Standing, now: datetime) -> None:
    """Raise Denied unless the item may be known. Of every ledger after the same work, see `missing`."""
    if not house.policy.decide(actor, Permission.ITEM_VIEW, s).ok and not _loans(house, s.item):
        _kept(session, house, actor, s.item, now)
    house.policy.demand(actor, Permission.ITEM_VIEW, s)


def _loans(house: House, item: Item) -> bool:
    return item.kind in house.kinds and house.kinds[item.kind].loans


@dataclass(frozen=True)
class Filter:
    """What a list shows. `facets`: field -> codes (or: any of them); `after`: the key of the last row of the page
    before, `updated|id` as the page gave it; `before`: that of the first row of the page after; `order`: updated, number,
    due, or a sort field, `-` for descending; `numbers`: only these rows (a selection)."""

    states: Sequence[str] = ()
    levels: Sequence[int] = ()
    units: Sequence[int] = ()
    repositories: Sequence[int] = ()
    facets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    mine: bool = False
    late: bool = False
    text: str = ""
    order: str = "-updated"
    after: str = ""
    before: str = ""
    numbers: Sequence[str] = ()


@dataclass(frozen=True)
class Page:
    """`next`, `previous`: paging keys, "" where there is no such page; `states`: counts whatever state is chosen."""

    items: list[Item]
    total: int
    next: str
    states: dict[str, int]
    previous: str = ""


def page(
    session: Session, house: House, actor: Actor, kind: Kind, f: Filter, now: datetime, *, size: int = PAGE
) -> Page:
    """One page of a ledger, keyset paged. Two statements: counts by state, rows."""
    chosen, at = and_(_ledger(house.policy, actor, kind.name), *_criteria(actor, kind, f, now)), {"now": now}
    counted = session.execute(select(Item.state, func.count()).where(chosen).group_by(Item.state), at).all()
    states = dict(tuple(row) for row in counted)
    total = sum(n for s, n in states.items() if not f.states or s in f.states)
    query = select(Item).where(chosen)
    if f.states:
        query = query.where(Item.state.in_(f.states))
    query = _ordered(query, kind, f)
    rows = list(session.execute(query.limit(size + 1), at).all())
    more, rows = len(rows) > size, rows[:size]
    if f.before:
        rows.reverse()
    keys = [f"{_key_text(row[1])}|{row[0].id}" for row in rows]
    on = keys[-1] if keys and (more or f.before) else ""
    back = keys[0] if keys and (more if f.before else f.after) else ""
    return Page([row[0] for row in rows], total, on, states, back)


@prepared
def _ledger(policy: Policy, actor: Actor, kind: str) -> ColumnElement[bool]:
    """What the actor may know of one ledger."""
    return policy.visible(actor, NOW, [kind])


def every(
    session: Session, house: House, actor: Actor, kind: Kind, f: Filter, now: datetime
) -> Iterable[Item]:
    """All rows of the filter, streamed, for export."""
    query = select(Item).where(*_all(house, actor, kind, f, now)).order_by(Item.number)
    return session.scalars(query.execution_options(yield_per=500))


def count(session: Session, house: House, actor: Actor, kind: Kind, f: Filter, now: datetime) -> int:
    """How many rows `every` gives."""
    query = select(func.count()).select_from(Item).where(*_all(house, actor, kind, f, now))
    return session.scalar(query) or 0


def _all(house: House, actor: Actor, kind: Kind, f: Filter, now: datetime) -> list[Any]:
    chosen = [house.policy.visible(actor, now, [kind.name]), *_criteria(actor, kind, f, now)]
    return [*chosen, Item.state.in_(f.states)] if f.states else chosen


def _criteria(actor: Actor, kind: Kind, f: Filter, now: datetime) -> list[Any]:
    found: list[Any] = []
    if f.numbers:
        found.append(Item.number.in_(f.numbers))
    if f.levels:
        found.append(Item.level.in_(f.levels))
    if f.units:
        found.append(Item.unit_id.in_(f.units))
    if f.repositories:
        found.append(Item.repository_id.in_(f.repositories))
    if f.mine:
        found.append(Item.owner_id == actor.id)
    if f.late:
        found.append(and_(Item.due.is_not(None), Item.due < now))
    if f.text:
        pattern = "%" + f.text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        found.append(or_(Item.title.ilike(pattern, escape="\\"), Item.number.ilike(pattern, escape="\\")))
    for name, codes in f.facets.items():
        if codes and any(x.name == name for x in kind.facets):
            match = and_(ItemValue.item_id == Item.id, ItemValue.field == name, ItemValue.text.in_(codes))
            found.append(exists().where(match))
    return found


def _ordered(query: Select[Any], kind: Kind, f: Filter) -> Select[Any]:
    name, down = f.order.lstrip("-"), f.order.startswith("-")
    declared = next((x for x in kind.fields if x.name == name and (x.sort or x.facet)), None)
    key: Any
    if name == "number":
        key = Item.number
    elif name == "due":
        key = func.coalesce(Item.due, _NEVER if not down else _LONG_AGO)
    elif declared is not None:
        v = aliased(ItemValue)
        query = query.outerjoin(v, and_(v.item_id == Item.id, v.field == name))
        if isinstance(declared, Integer):
            key = func.coalesce(v.number, -1)
        elif isinstance(declared, (Date, DateTime)):
            key = func.coalesce(v.date, date(1, 1, 1))
        else:
            key = func.coalesce(v.text, "")
    else:
        key = Item.updated
    from_ = f.before or f.after
    if f.before:
        down = not down  # read backwards, `page` turns the rows round
    if from_:
        text, _, last = from_.rpartition("|")
        if last.isascii() and last.isdigit() and len(last) < 10:
            at = _key_value(key, text)
            if at is not None:
                beyond = key < at if down else key > at
                same = and_(key == at, Item.id < int(last) if down else Item.id > int(last))
                query = query.where(or_(beyond, same))
    query = query.add_columns(key.label("key"))
    return query.order_by(key.desc() if down else key.asc(), Item.id.desc() if down else Item.id.asc())


def _key_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, (datetime, date)) else str(value)


def _key_value(key: Any, text: str) -> Any:
    """The value of a paging key as the column compares it; None where the address was tampered with."""
    kind = datetime if isinstance(key.type, Moment) else key.type.python_type
    try:
        if kind is datetime:
            return datetime.fromisoformat(text).astimezone(UTC)
        if kind is date:
            return date.fromisoformat(text)
        if kind is int:
            return int(text) if abs(int(text)) < 2**63 else None
        return text
    except (ValueError, OverflowError):
        return None
