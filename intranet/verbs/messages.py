"""What a person was told by the house: reminders, alarms, news of saved searches. Shown on the desk until seen; only of items
that they may know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, or_, select, update
from sqlalchemy.orm import Session

from ..actor import Actor
from ..house import House
from ..models import Item, Message, SavedSearch
from ..policy import Policy
from ..prepared import prepared, visible
from ..work import Work

ROWS = 8


@dataclass(frozen=True)
class Line:
    """A message with its item, or with the name of the saved search that it is about, or with neither: a digest or a duty."""

    message: Message
    item: Item | None
    search: str | None


@dataclass(frozen=True)
class Told:
    """The newest unseen messages, and how many there are."""

    rows: Sequence[Line] = field(default_factory=tuple)
    total: int = 0


def unseen(session: Session, house: House, actor: Actor, now: datetime) -> Told:
    """One statement. A message of an item that may no longer be known is not shown (nor counted)."""
    found = session.execute(_unseen(house.policy, actor), {"now": now}).all()
    return Told([Line(m, i, s) for m, i, s, _n in found], found[0][3] if found else 0)


@prepared
def _unseen(policy: Policy, actor: Actor) -> Select[Any]:
    query = (
        select(Message, Item, SavedSearch.name, func.count().over())
        .outerjoin(Item, Item.id == Message.item_id)
        .outerjoin(SavedSearch, SavedSearch.id == Message.search_id)
    )
    mine = query.where(Message.person_id == actor.id, Message.read.is_(None))
    of_nothing = and_(Message.item_id.is_(None), Message.search_id.is_(None))  # a digest: numbers only
    known = or_(SavedSearch.person_id == actor.id, visible(policy, actor), of_nothing)
    return mine.where(known).order_by(Message.id.desc()).limit(ROWS)


def seen(w: Work, message_id: int | None = None) -> None:
    """Mark one message, or all of the actor's, as seen."""
    mine = update(Message).where(Message.person_id == w.actor.id, Message.read.is_(None)).values(read=w.now)
    w.session.execute(mine if message_id is None else mine.where(Message.id == message_id))
