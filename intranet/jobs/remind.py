"""Clocks, loans and slips: who must be told that a time has come, each once (REQUIREMENTS A3; FEATURES rows 14, 78)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import and_, exists, select

from .. import work
from ..extensions import db
from ..house import House
from ..kinds.base import Clock, Kind
from ..kinds.fields import DateTime
from ..models import Item, Loan, Message, Slip
from ..work import Work
from . import lease, tell

BATCH = 200
WEEK = 7


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


def loans(house: House) -> int:
    """The day before, on the day, and each week after: the borrower is told, and once it is late the custodian too."""
    new = 0
    with work.begin(house, lease.WORKER) as w:
        query = select(Loan).where(Loan.state == "lent", Loan.until <= w.today + timedelta(days=1))
        for loan in w.session.scalars(query.order_by(Loan.id)):
            late = (w.today - loan.until).days
            if late <= 0:
                code = "loan.soon" if late < 0 else "loan.due"
                new += tell.tell(w, [loan.borrower_id], code, f"{code}:{loan.id}:{loan.until}", loan.item_id)
                continue
            item = w.session.get_one(Item, loan.item_id)
            whom = {loan.borrower_id, *tell.recipients(w.session, house, item, ["custodian"], w.now)}
            key = f"loan.late:{loan.id}:{loan.until}:{(late - 1) // WEEK}"
            new += tell.tell(w, sorted(whom), "loan.late", key, loan.item_id)
    return new


@dataclass(frozen=True)
class Due:
    """What one person is to be told of one slip; the same `key` is told once."""

    person: int
    code: str
    key: str
    item: int


def slips_due(w: Work, house: House) -> list[Due]:
    """Cycles that end soon, end today, or have ended while the copy is out: for whoever has it (while it is in its place, for the
    custodian); once it is late for the custodian too, each week again."""
    found: list[Due] = []
    last = w.today + timedelta(days=house.settings.remind_days)
    query = select(Slip).where(Slip.state == "moving", Slip.ends <= last).order_by(Slip.id)
    for slip in w.session.scalars(query):
        late = (w.today - (slip.ends or w.today)).days
        code = "slip.soon" if late < 0 else "slip.due" if late == 0 else "slip.late"
        whom = {slip.holder_id} if slip.holder_id is not None else set()
        if late > 0 or not whom:
            item = w.session.get_one(Item, slip.item_id)
            whom |= set(tell.recipients(w.session, house, item, ["custodian"], w.now))
        key = f"{code}:{slip.id}:{slip.ends}" + (f":{(late - 1) // WEEK}" if late > 0 else "")
        found += [Due(p, code, key, slip.item_id) for p in sorted(p for p in whom if p is not None)]
    return found


def slips(house: House) -> int:
    """Tell of the slips that are due. How many messages were new."""
    with work.begin(house, lease.WORKER) as w:
        return sum(tell.tell(w, [d.person], d.code, d.key, d.item) for d in slips_due(w, house))
