"""阅读: a body from 秘密 up is read in the page, for some minutes, each page demanded and recorded (FEATURES row 81; seeds L37).

A session is one row: who, which file, by which way (loan; two: a second person agreed; glass). It ends by itself, by the
reader's word, and with whatever allowed it: every page asks the policy again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import work
from ..actor import Actor
from ..errors import Conflict, Denied, Missing
from ..house import House
from ..models import Approval, Blob, Item, Loan, Reading
from ..policy import BODY_TWO_LEVEL, Permission, Standing
from ..work import Work
from . import deposits, items, marks, opening
from .reading import standing


def live(session: Session, actor: Actor, item_id: int, now: datetime) -> Reading | None:
    """The session in which the actor reads this file now. One statement."""
    query = select(Reading).where(
        Reading.item_id == item_id,
        Reading.person_id == actor.id,
        Reading.closed.is_(None),
        Reading.until > now,
    )
    return session.scalar(query.order_by(Reading.id.desc()).limit(1))


def body(session: Session, item: Item, blob_id: int) -> Blob:
    """A file of this item that can still be read. Raises Missing."""
    blob = session.get(Blob, blob_id)
    if blob is None or blob.item_id != item.id or blob.state != "stored":
        raise Missing()
    return blob


def start(w: Work, item_id: int, blob_id: int) -> Reading:
    """Begin to read. Raises Denied (no loan, no fresh factor, no second person), Conflict (reading already, or read as it is)."""
    s = items.lock(w, item_id)
    if not w.house.policy.in_page(s.item):
        raise Conflict(_("此文件可直接打开，无须在页面内阅读"), item=item_id)
    approval = None
    if s.item.level >= BODY_TWO_LEVEL:
        approval = opening.granted(w.session, w.actor, item_id, w.now)
        s = replace(s, second=approval is not None)
    w.house.policy.demand(w.actor, Permission.BODY_OPEN, s)
    body(w.session, s.item, blob_id)
    if approval is not None and approval.payload.get("blob") != blob_id:
        raise Denied(_("第二人同意打开的是另一个文件"), permission=Permission.BODY_OPEN.value, thing=s)
    if live(w.session, w.actor, item_id, w.now):
        raise Conflict(_("您正在阅读此文件"), item=item_id)
    loan = _loan(w, item_id)
    ends = [w.now + timedelta(minutes=w.house.settings.reading_minutes), _end_of(w, loan)]
    if approval is not None and approval.until is not None:
        ends.append(approval.until)
    reading = Reading(
        item_id=item_id,
        person_id=w.actor.id,
        way="loan" if approval is None else "two",
        loan_id=loan.id,
        approval_id=approval.id if approval else None,
        opened=w.now,
        until=min(ends),
    )
    return begun(w, s.item, reading, {"blob": blob_id})


def begun(w: Work, item: Item, reading: Reading, detail: Mapping[str, Any]) -> Reading:
    """Add a session and record that it began."""
    w.session.add(reading)
    w.session.flush()
    told = {"reading": reading.id, "way": reading.way, "until": reading.until, "loan": reading.loan_id}
    w.record("reading.start", item, detail=told | dict(detail))
    return reading


def _loan(w: Work, item_id: int) -> Loan:
    """The loan on which the actor reads: the policy has seen that there is one."""
    query = select(Loan).where(
        Loan.item_id == item_id, Loan.borrower_id == w.actor.id, Loan.state == "lent", Loan.until >= w.today
    )
    found = w.session.scalar(query.order_by(Loan.id.desc()).limit(1))
    if found is None:
        raise Denied(
            _("秘密级以上的正文须先借阅，经保管员批准后方可打开"), permission=Permission.BODY_OPEN.value
        )
    return found


def _end_of(w: Work, loan: Loan) -> datetime:
    """The end of the loan's last day, where the office is."""
    return datetime.combine(loan.until + timedelta(days=1), time(), w.house.zone).astimezone(w.now.tzinfo)


def close(w: Work, item_id: int) -> None:
    """Stop reading. Raises Missing where nothing is being read; what one may no longer know of can still be closed."""
    item = w.session.get(Item, item_id)
    reading = live(w.session, w.actor, item_id, w.now)
    if item is None or reading is None:
        raise Missing()
    reading.closed = w.now
    w.record("reading.close", item, detail={"reading": reading.id})


def demand(session: Session, house: House, actor: Actor, s: Standing, blob_id: int, now: datetime) -> Reading:
    """The session in which this file may be read at this moment. Raises Missing, Denied."""
    house.policy.demand(actor, Permission.ITEM_VIEW, s)
    body(session, s.item, blob_id)
    house.policy.demand(actor, Permission.BODY_OPEN, s)
    reading = live(session, actor, s.item.id, now)
    if reading is None or not _stands(session, reading, blob_id):
        raise Denied(_("阅读时间已结束，请重新开始阅读"), permission=Permission.BODY_OPEN.value, thing=s)
    return reading


def _stands(session: Session, reading: Reading, blob_id: int) -> bool:
    """Whether what the session rests on still stands: that very loan is out, that very file was agreed to."""
    if reading.way != "glass" and session.get_one(Loan, reading.loan_id).state != "lent":
        return False
    if reading.way == "two":
        return session.get_one(Approval, reading.approval_id).payload.get("blob") == blob_id
    return True


@dataclass(frozen=True)
class Shown:
    """A page about to be made: it is recorded and committed. `mark` goes over it."""

    opened: deposits.Opened
    mark: Mapping[str, Any]


def page(
    house: House, actor: Actor, item_id: int, blob_id: int, number: int, *, action: str = "body.page"
) -> Shown:
    """Demand, record, commit: only then may page `number` be made. `action`: body.play for a recording, from byte `number`.

    Raises Missing, Denied."""
    with work.begin(house, actor) as w:
        item = w.session.get(Item, item_id)
        if item is None:
            raise Missing()
        s = standing(w.session, house, actor, item, w.now)
        reading = demand(w.session, house, actor, s, blob_id, w.now)
        blob = body(w.session, item, blob_id)
        where = "page" if action == "body.page" else "at"
        w.record(action, item, detail={"reading": reading.id, "blob": blob_id, where: number})
        mark = marks.mark(w.session, house, actor, item, w.now)
        header = blob.header
    return Shown(deposits.Opened(blob, item, house, header), mark)
