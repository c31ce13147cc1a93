"""两人打开: 绝密 is opened when a second person agrees, who sees what and why and is never the one who asks (row 82; N18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..actor import Actor
from ..errors import Conflict, Denied, Invalid, Missing
from ..models import Approval, Blob, Reading
from ..policy import BODY_TWO_LEVEL, DECIDERS, Permission, Standing
from ..work import Work
from . import items, telling

WHAT = "open"
WAITS = timedelta(minutes=60)


def granted(session: Session, actor: Actor, item_id: int, now: datetime) -> Approval | None:
    """A second person's word that holds now and has not been used. One statement."""
    used = select(Reading.id).where(Reading.approval_id == Approval.id).exists()
    query = select(Approval).where(
        Approval.item_id == item_id,
        Approval.what == WHAT,
        Approval.asked_by == actor.id,
        Approval.outcome == "approved",
        Approval.until > now,
        ~used,
    )
    return session.scalar(query.order_by(Approval.id.desc()).limit(1))


def waiting(session: Session, item_id: int, now: datetime) -> Sequence[Approval]:
    """Requests for this file that somebody may still decide. One statement."""
    query = select(Approval).where(
        Approval.item_id == item_id, Approval.what == WHAT, Approval.outcome == "", Approval.due > now
    )
    return session.scalars(query.order_by(Approval.id)).all()


def request(w: Work, item_id: int, blob_id: int, *, why: str) -> Approval:
    """Ask a second person. Whoever asks could open it but for that: they have a loan, and a fresh factor.

    Raises Denied, Conflict (not of this level, asked already), Invalid, Missing (no such file of the item)."""
    s = items.lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.BODY_OPEN, replace(s, second=True))
    if not w.house.policy.in_page(s.item) or s.item.level < BODY_TWO_LEVEL:
        raise Conflict(_("此密级无须两人打开"), item=item_id)
    blob = w.session.get(Blob, blob_id)
    if blob is None or blob.item_id != item_id or blob.state != "stored":
        raise Missing()
    if not why.strip():
        raise Invalid({"why": _("请说明打开的理由")})
    if len(why.strip()) > 500:
        raise Invalid({"why": _("不能超过 %(n)s 个字", n=500)})
    mine = [a for a in waiting(w.session, item_id, w.now) if a.asked_by == w.actor.id]
    if mine or granted(w.session, w.actor, item_id, w.now):
        raise Conflict(_("您已请求打开此文件"), item=item_id)
    approval = Approval(
        item_id=item_id,
        what=WHAT,
        payload={"blob": blob_id},
        why=why.strip(),
        asked=w.now,
        asked_by=w.actor.id,
        due=w.now + WAITS,
    )
    w.session.add(approval)
    w.session.flush()
    w.record("opening.ask", s.item, detail={"approval": approval.id, "blob": blob_id, "why": approval.why})
    second = telling.recipients(w.session, w.house, s.item, DECIDERS, w.now)
    telling.tell(
        w, [p for p in second if p != w.actor.id], "open.asked", f"open.asked:{approval.id}", item_id
    )
    return approval


def locked(w: Work, approval_id: int, what: str) -> tuple[Approval, Standing]:
    """An approval of this sort, locked, and its item with who asked. Raises Missing, Denied(hidden)."""
    approval = w.session.get(Approval, approval_id, with_for_update=True, populate_existing=True)
    if approval is None or approval.what != what:
        raise Missing()
    s = items.lock(w, approval.item_id)
    return approval, replace(s, asker=approval.asked_by)


def decide(w: Work, approval: Approval, approve: bool, said: str) -> Approval:
    """The second person agrees, or refuses with a reason. Raises Denied (own request, not cleared, no fresh factor), Conflict
    (decided, or too late), Invalid."""
    approval, s = locked(w, approval.id, WHAT)
    w.house.policy.demand(w.actor, Permission.BODY_PERMIT, s)
    _waits(w, approval)
    if not approve and not said.strip():
        raise Invalid({"said": _("请说明理由")})
    approval.outcome = "approved" if approve else "refused"
    approval.decided, approval.decided_by, approval.said = w.now, w.actor.id, said.strip()[:500]
    if approve:
        approval.until = w.now + timedelta(minutes=w.house.settings.reading_minutes)
    action = "opening.approve" if approve else "opening.refuse"
    detail = {"approval": approval.id, "person": approval.asked_by, "reason": approval.said}
    w.record(action, s.item, detail=detail)
    code = f"open.{approval.outcome}"
    telling.tell(w, [approval.asked_by], code, f"{code}:{approval.id}", s.item.id)
    return approval


def withdraw(w: Work, approval: Approval) -> Approval:
    """Whoever asked takes it back. Raises Denied, Conflict."""
    approval, s = locked(w, approval.id, WHAT)
    if approval.asked_by != w.actor.id:
        raise Denied(_("只有申请人可以撤回申请"), permission=Permission.BODY_PERMIT.value, thing=s)
    _waits(w, approval)
    approval.outcome, approval.decided, approval.decided_by = "withdrawn", w.now, w.actor.id
    w.record("opening.withdraw", s.item, detail={"approval": approval.id})
    return approval


def _waits(w: Work, approval: Approval) -> None:
    if approval.outcome:
        raise Conflict(_("这一请求已经办理过"), item=approval.item_id)
    if approval.due is not None and approval.due <= w.now:
        raise Conflict(_("这一请求已过期，请对方重新提出"), item=approval.item_id)
