"""Messages in the house: who is to be told, each once. Nobody is told of an item that they may not know of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from ..actor import system
from ..house import House
from ..kinds.base import ITEM_ROLES
from ..models import Grant, Item, Message, Person, Role, Unit
from ..work import Work
from . import people, reading

_HOUSE = system("house")


def recipients(session: Session, house: House, item: Item, roles: Iterable[str], now: datetime) -> list[int]:
    """Active persons who hold one of the roles for this item and may know of it."""
    wanted = list(roles)
    found: set[int] = {item.owner_id} if "owner" in wanted and item.owner_id is not None else set()
    on_item = [r for r in wanted if r in ITEM_ROLES and r != "owner"]
    if on_item:
        live = select(Grant.person_id).where(
            Grant.item_id == item.id, Grant.role.in_(on_item), Grant.revoked.is_(None), Grant.person_id.is_not(None),
            or_(Grant.until.is_(None), Grant.until > now),
        )  # fmt: skip
        found |= {p for p in session.scalars(live) if p is not None}
    in_unit = [r for r in wanted if r not in ITEM_ROLES]
    if in_unit:
        path = session.get_one(Unit, item.unit_id).path
        above = [int(x) for x in path.strip("/").split("/") if x]
        holding = select(Role.person_id).where(
            Role.role.in_(in_unit), or_(Role.unit_id.is_(None), Role.unit_id.in_(above))
        )
        found |= set(session.scalars(holding))
    if not found:
        return []
    s = reading.standing(session, house, _HOUSE, item, now)
    persons = session.scalars(select(Person).where(Person.id.in_(found), Person.active).order_by(Person.id))
    return [p.id for p in persons if house.policy.sees(people.actor_of(session, p), s)]


def tell(
    w: Work,
    persons: Sequence[int],
    code: str,
    key: str,
    item_id: int | None = None,
    counts: Mapping[str, int] | None = None,
) -> int:
    """One message to each, once: a message with the same key is never sent again. How many were new."""
    keys = {f"{key}:{person}"[:120]: person for person in persons}
    known = _known(w, keys)
    for text, person in keys.items():
        if text not in known:
            row = Message(
                person_id=person, item_id=item_id, at=w.now, code=code, key=text, counts=dict(counts or {})
            )
            w.session.add(row)
    return len(keys.keys() - known)


def _known(w: Work, keys: Iterable[str]) -> set[str]:
    """Those of the keys that were sent already."""
    return set(w.session.scalars(select(Message.key).where(Message.key.in_(list(keys)))))
