"""What a person was told by the house: reminders, alarms. Shown on the desk until seen; only of items they may know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from ..actor import Actor
from ..house import House
from ..models import Item, Message
from ..policy import Policy
from ..prepared import NOW, prepared
from ..work import Work

ROWS = 8


@dataclass(frozen=True)
class Told:
    """The newest unseen messages with their items, and how many there are."""

    rows: Sequence[tuple[Message, Item]] = field(default_factory=tuple)
    total: int = 0


def unseen(session: Session, house: House, actor: Actor, now: datetime) -> Told:
    """One statement. A message of an item that may no longer be known is not shown (nor counted)."""
    found = session.execute(_unseen(house.policy, actor), {"now": now}).all()
    return Told([(m, i) for m, i, _n in found], found[0][2] if found else 0)


@prepared
def _unseen(policy: Policy, actor: Actor) -> Select[Any]:
    query = select(Message, Item, func.count().over()).join(Item, Item.id == Message.item_id)
    mine = query.where(Message.person_id == actor.id, Message.read.is_(None), policy.visible(actor, NOW))
    return mine.order_by(Message.id.desc()).limit(ROWS)


def seen(w: Work, message_id: int | None = None) -> None:
    """Mark one message, or all of the actor's, as seen."""
    mine = update(Message).where(Message.person_id == w.actor.id, Message.read.is_(None)).values(read=w.now)
    w.session.execute(mine if message_id is None else mine.where(Message.id == message_id))
