"""Borrowing as its people see it: one's own loans, what waits for the custodian. Where everything is: `holders`. Reads only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, select, true
from sqlalchemy.orm import Session, aliased

from ..actor import Actor
from ..house import House
from ..models import Copy, Extension, Item, Loan
from .copies import OUT
from .loans import CLOSED, OPEN, UNDELIVERED

PAST = 20  # closed loans on one page


@dataclass(frozen=True)
class Held:
    """A loan with its file and copy. `seen`: whether the actor may know the file's title (a clearance may have been lowered);
    `longer`: the later day that was asked for; `free`: the numbers of the copies that could be handed out."""

    loan: Loan
    item: Item
    seen: bool = True
    copy: int | None = None
    asked: int | None = None
    longer: Extension | None = None
    free: Sequence[int] = ()


def lendable(house: House) -> list[str]:
    return [k.name for k in house.kinds.values() if k.loans]


_asked = aliased(Copy)


def _loans(known: ColumnElement[bool]) -> Select[tuple[Loan, Item, bool, int, int, Extension]]:
    """Loans with all that a line of theirs shows."""
    waiting = and_(Extension.loan_id == Loan.id, Extension.outcome == "")
    query = select(Loan, Item, known, Copy.number, _asked.number, Extension).join(
        Item, Item.id == Loan.item_id
    )
    query = query.outerjoin(Copy, Copy.id == Loan.copy_id).outerjoin(_asked, _asked.id == Loan.asked_copy_id)
    return query.outerjoin(Extension, waiting)


def _held(session: Session, query: Select[tuple[Loan, Item, bool, int, int, Extension]]) -> list[Held]:
    return [Held(ln, i, bool(seen), n, asked, x) for ln, i, seen, n, asked, x in session.execute(query)]


def mine(session: Session, house: House, actor: Actor, now: datetime) -> list[Held]:
    """The actor's open loans, the most urgent first. One statement."""
    query = _loans(house.policy.visible(actor, now, lendable(house)))
    query = query.where(Loan.borrower_id == actor.id, Loan.state.in_(OPEN))
    return _held(session, query.order_by(Loan.until, Loan.id))


def past(
    session: Session, house: House, actor: Actor, now: datetime, before: int = 0
) -> tuple[list[Held], int]:
    """A page of the actor's closed loans of files still known to them, the latest first; and the id from which the next page
    goes on, 0 at the end. One statement."""
    query = _loans(true()).where(Loan.borrower_id == actor.id, Loan.state.in_(CLOSED))
    query = query.where(house.policy.visible(actor, now, lendable(house)))
    if before:
        query = query.where(Loan.id < before)
    rows = _held(session, query.order_by(Loan.id.desc()).limit(PAST + 1))
    return rows[:PAST], rows[PAST - 1].loan.id if len(rows) > PAST else 0


def kept(session: Session, house: House, actor: Actor, now: datetime) -> list[Held]:
    """The open loans of the files the actor is custodian of; none for others. Two statements."""
    if not actor.has("custodian"):
        return []
    query = _loans(true()).where(Loan.state.in_(OPEN), keeps(house, actor, now))
    rows = _held(session, query.order_by(Loan.until, Loan.id))
    inside = _inside(session, {h.item.id for h in rows if h.loan.state in UNDELIVERED})
    return [replace(h, free=inside.get(h.item.id, ())) for h in rows]


def one(session: Session, loan_id: int) -> Held | None:
    """A loan with what its page shows. Two statements; whether it may be seen is asked by the caller."""
    rows = _held(session, _loans(true()).where(Loan.id == loan_id))
    return (
        replace(rows[0], free=_inside(session, [rows[0].item.id]).get(rows[0].item.id, ())) if rows else None
    )


def _inside(session: Session, items: Iterable[int]) -> dict[int, list[int]]:
    """The numbers of the copies of these files that stand in their places."""
    found: dict[int, list[int]] = defaultdict(list)
    query = select(Copy.item_id, Copy.number).where(Copy.item_id.in_(sorted(items)), Copy.state == "held")
    for item_id, number in session.execute(query.order_by(Copy.number)):
        found[item_id].append(number)
    return found


def out(session: Session, item_id: int) -> list[tuple[Copy, Loan | None]]:
    """The copies of a file that are out of their place, each with its loan, if it is one that took it. One statement."""
    live = and_(Loan.copy_id == Copy.id, Loan.state.in_(("lent", "returned")))
    query = select(Copy, Loan).outerjoin(Loan, live).where(Copy.item_id == item_id, Copy.state.in_(OUT))
    return [(copy, loan) for copy, loan in session.execute(query.order_by(Copy.number))]


def keeps(house: House, actor: Actor, now: datetime) -> ColumnElement[bool]:
    """Files of lendable ledgers in the units where the actor is custodian, as far as cleared."""
    covered = actor.roles["custodian"]
    here = true() if covered is None else Item.unit_id.in_(sorted(covered))
    return and_(house.policy.visible(actor, now, lendable(house)), here)
