"""Where the lendable files are: one's own loans, what waits for the custodian, who holds what. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select, true
from sqlalchemy.orm import Session

from ..actor import Actor
from ..house import House
from ..models import Item, Loan
from .loans import OPEN

HOLDERS = 200  # files in the list of holders; a search narrows it


@dataclass(frozen=True)
class Held:
    """A loan with its file. `seen`: whether the actor may know the file's title (a clearance may have been lowered)."""

    loan: Loan
    item: Item
    seen: bool = True


def lendable(house: House) -> list[str]:
    return [k.name for k in house.kinds.values() if k.loans]


def mine(session: Session, house: House, actor: Actor, now: datetime) -> list[Held]:
    """The actor's open loans, the most urgent first. One statement."""
    query = (
        select(Loan, Item, house.policy.visible(actor, now, lendable(house)))
        .join(Item, Item.id == Loan.item_id)
        .where(Loan.borrower_id == actor.id, Loan.state.in_(OPEN))
        .order_by(Loan.until, Loan.id)
    )
    return [Held(loan, item, bool(seen)) for loan, item, seen in session.execute(query)]


def past(session: Session, house: House, actor: Actor, now: datetime, limit: int = 20) -> list[Held]:
    """The actor's latest closed loans of files still known to them."""
    query = (
        select(Loan, Item)
        .join(Item, Item.id == Loan.item_id)
        .where(Loan.borrower_id == actor.id, Loan.state.not_in(OPEN))
        .where(house.policy.visible(actor, now, lendable(house)))
        .order_by(Loan.id.desc())
        .limit(limit)
    )
    return [Held(loan, item) for loan, item in session.execute(query)]


def kept(session: Session, house: House, actor: Actor, now: datetime) -> list[Held]:
    """The open loans of the files the actor is custodian of; none for others. One statement."""
    if not actor.has("custodian"):
        return []
    query = (
        select(Loan, Item)
        .join(Item, Item.id == Loan.item_id)
        .where(Loan.state.in_(OPEN), _kept(house, actor, now))
        .order_by(Loan.until, Loan.id)
    )
    return [Held(loan, item) for loan, item in session.execute(query)]


def holders(
    session: Session, house: House, actor: Actor, now: datetime, text: str = ""
) -> list[tuple[Item, Loan | None]]:
    """Where every file of the custodian is now: its place, or who has it. By number; `text` narrows. One statement."""
    if not actor.has("custodian"):
        return []
    out = and_(Loan.item_id == Item.id, Loan.state.in_(("lent", "returned")))
    query = select(Item, Loan).outerjoin(Loan, out).where(_kept(house, actor, now))
    if text:
        word = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        pattern = f"%{word}%"
        query = query.where(
            or_(Item.number.ilike(pattern, escape="\\"), Item.title.ilike(pattern, escape="\\"))
        )
    return [(item, loan) for item, loan in session.execute(query.order_by(Item.number).limit(HOLDERS))]


def _kept(house: House, actor: Actor, now: datetime) -> ColumnElement[bool]:
    """Files of lendable ledgers in the units where the actor is custodian, as far as cleared."""
    covered = actor.roles["custodian"]
    here = true() if covered is None else Item.unit_id.in_(sorted(covered))
    return and_(house.policy.visible(actor, now, lendable(house)), here)
