"""应急打开: opened at once with a reason, everyone on the list is told, somebody else reviews it within a day (row 83; N18)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import Conflict, Denied, Invalid
from ..house import House
from ..models import Approval, Audit, Item, Reading
from ..policy import DECIDERS, Permission
from ..work import Work
from . import items, opening, reading_room, telling

WHAT = "glass"
LEAST = 10  # characters of a reason
#: Who answers for the file, who may read it by name, and who keeps the rules; each as far as they may know of it.
LIST = ("owner", "reader", "worker", "handler", "security_officer", *DECIDERS)
REVIEWERS = (*DECIDERS, "security_officer")


def break_glass(w: Work, item_id: int, *, reason: str) -> Reading:
    """Open without loan and second person, for some minutes. Everyone on the list is told in the same transaction.

    Raises Denied (may not, no fresh factor), Conflict (reading already, or could read anyway), Invalid (no true reason)."""
    s = items.lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.BODY_BREAK, s)
    if w.house.policy.decide(w.actor, Permission.BODY_OPEN, s).ok:
        raise Conflict(_("您现在就可以阅读此文件，无须应急打开"), item=item_id)
    if reading_room.live(w.session, w.actor, item_id, w.now):
        raise Conflict(_("您正在阅读此文件"), item=item_id)
    said = reason.strip()
    if len(said) < LEAST:
        raise Invalid({"reason": _("请用至少 %(n)s 个字说明为何不能等", n=LEAST)})
    if len(said) > 500:
        raise Invalid({"reason": _("不能超过 %(n)s 个字", n=500)})
    approval = Approval(
        item_id=item_id,
        what=WHAT,
        why=said,
        asked=w.now,
        asked_by=w.actor.id,
        due=w.now + timedelta(hours=w.house.settings.glass_review_hours),
    )
    w.session.add(approval)
    w.session.flush()
    reading = Reading(
        item_id=item_id,
        person_id=w.actor.id,
        way=WHAT,
        approval_id=approval.id,
        opened=w.now,
        until=w.now + timedelta(minutes=w.house.settings.glass_minutes),
    )
    told = [p for p in telling.recipients(w.session, w.house, s.item, LIST, w.now) if p != w.actor.id]
    telling.tell(w, told, "glass.opened", f"glass.opened:{approval.id}", item_id)
    w.record(
        "glass.break",
        s.item,
        outcome="alarm",
        detail={"approval": approval.id, "reason": said, "count": len(told)},
    )
    return reading_room.begun(w, s.item, reading, {"approval": approval.id})


def decide(w: Work, approval: Approval, approve: bool, said: str) -> Approval:
    """The review: whether it was right to open, and why. Never by whoever opened. Raises Denied, Conflict, Invalid."""
    approval, s = opening.locked(w, approval.id, WHAT)
    w.house.policy.demand(w.actor, Permission.BODY_REVIEW, s)
    if approval.outcome:
        raise Conflict(_("这次应急打开已经核查过"), item=s.item.id)
    if not said.strip():
        raise Invalid({"said": _("请填写核查意见")})
    approval.outcome = "good" if approve else "bad"
    approval.decided, approval.decided_by, approval.said = w.now, w.actor.id, said.strip()[:500]
    detail = {
        "approval": approval.id,
        "person": approval.asked_by,
        "finding": approval.outcome,
        "reason": approval.said,
    }
    w.record("glass.review", s.item, detail=detail)
    telling.tell(w, [approval.asked_by], "glass.reviewed", f"glass.reviewed:{approval.id}", s.item.id)
    return approval


def withdraw(w: Work, approval: Approval) -> Approval:
    """There is no taking back: it was opened. Raises Denied."""
    _approval, s = opening.locked(w, approval.id, WHAT)
    raise Denied(_("已经打开，不能撤回，须经核查"), permission=Permission.BODY_REVIEW.value, thing=s)


def unreviewed(session: Session, item_id: int) -> Sequence[Approval]:
    """What still waits for its review, of one file. One statement."""
    query = select(Approval).where(Approval.item_id == item_id, Approval.what == WHAT, Approval.outcome == "")
    return session.scalars(query.order_by(Approval.id)).all()


@dataclass(frozen=True)
class Page:
    """A page that was read in a session."""

    at: datetime
    blob: int
    page: int


def pages(session: Session, approval: Approval) -> list[Page]:
    """Every page that was read through this opening, in order, from the log. Two statements."""
    reading = session.scalar(select(Reading).where(Reading.approval_id == approval.id))
    if reading is None:
        return []
    rows = select(Audit.at, Audit.detail).where(
        Audit.item == approval.item_id, Audit.action.in_(("body.page", "body.play")), Audit.outcome == "ok"
    )
    found = [(at, json.loads(detail)) for at, detail in session.execute(rows.order_by(Audit.seq))]
    return [
        Page(datetime.fromisoformat(at), d["blob"], d.get("page", 0))
        for at, d in found
        if d["reading"] == reading.id
    ]


def remind(w: Work, house: House) -> int:
    """Tell the reviewers, once a day, of what should have been reviewed by now. How many messages were new."""
    new = 0
    late = select(Approval).where(Approval.what == WHAT, Approval.outcome == "", Approval.due <= w.now)
    for approval in w.session.scalars(late.order_by(Approval.id)):
        item = w.session.get_one(Item, approval.item_id)
        whom = telling.recipients(w.session, house, item, REVIEWERS, w.now)
        key = f"glass.late:{approval.id}:{w.today}"
        new += telling.tell(w, [p for p in whom if p != approval.asked_by], "glass.late", key, item.id)
    return new
