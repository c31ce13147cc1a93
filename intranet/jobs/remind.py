"""Clocks: who must be told that a time has come, each once (FEATURES row 14). Loans and the like: `digest`."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from sqlalchemy import and_, exists, select

from .. import work
from ..extensions import db
from ..house import House
from ..kinds.base import Clock, Kind
from ..kinds.fields import DateTime
from ..models import Item, Message
from ..verbs import glass
from . import lease, tell

BATCH = 200


def clocks(house: House) -> int:
    """Tell the roles of every clock that has passed. How many messages were new."""
    return sum(_clock(house, kind, clock) for kind in house.kinds.values() for clock in kind.clocks)


def _clock(house: House, kind: Kind, clock: Clock) -> int:
    session = db.session()
    session.rollback()
    code, now = f"clock.{clock.name}"[:40], house.clock()
    told = exists().where(and_(Message.item_id == Item.id, Message.code == code, Message.at >= Item.due))
    query = select(Item.id).where(
        Item.kind == kind.name,
        Item.state.in_(clock.state.split()),
        Item.due.is_not(None),
        Item.due <= now,
        ~told,
    )
    new, ids = 0, session.scalars(query.order_by(Item.id)).all()
    for start in range(0, len(ids), BATCH):
        with work.begin(house, lease.WORKER) as w:
            for item in w.session.scalars(select(Item).where(Item.id.in_(ids[start : start + BATCH]))):
                value = item.data.get(clock.after)
                if (
                    value
                    and item.state in clock.state.split()
                    and ends(house, kind, clock, str(value)) <= now
                ):
                    whom = tell.recipients(w.session, house, item, clock.tell.split(), w.now)
                    new += tell.tell(w, whom, code, f"{code}:{item.id}:{value}", item.id)
    return new


def ends(house: House, kind: Kind, clock: Clock, value: str) -> datetime:
    """When the clock of a field's value runs out; a date at the end of that day (as `verbs.values.due` counts)."""
    if isinstance(kind.field(clock.after), DateTime):
        local = datetime.fromisoformat(value)
    else:
        local = datetime.combine(date.fromisoformat(value[:10]), time()) + timedelta(days=1)
    return local.replace(tzinfo=house.zone)


def reviews(house: House) -> int:
    """Whoever may review a break-glass opening hears daily of one whose time is over (row 83)."""
    with work.begin(house, lease.WORKER) as w:
        return glass.remind(w, house)
