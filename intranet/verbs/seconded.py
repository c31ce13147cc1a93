"""A second person's word, what all of them share: asked for, given or withheld by somebody else, or taken back
(FEATURES rows 52, 54). What it is about (`Approval.what`) has a module of its own; `verbs.approvals` is the table of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..errors import Conflict, Denied, Invalid, Missing
from ..models import Approval
from ..models import Person as PersonRow
from ..policy import Permission, Standing
from ..work import Work
from . import items


def ask(w: Work, s: Standing, what: str, *, why: str, payload: dict[str, Any]) -> Approval:
    """Ask for it. The caller has decided that the actor may. Raises Invalid without a reason, Conflict while one waits already."""
    if not why.strip():
        raise Invalid({"reason": _("请说明理由")})
    if pending(w.session, s.item.id, what):
        raise Conflict(_("已有一项同类申请等待审批"), item=s.item.id)
    approval = Approval(
        item_id=s.item.id, what=what, payload=payload, why=why.strip()[:500], asked=w.now, asked_by=w.actor.id
    )
    w.session.add(approval)
    w.session.flush()
    w.record(f"{what}.ask", s.item, detail={"approval": approval.id, "reason": approval.why} | payload)
    return approval


def locked(w: Work, approval_id: int, *whats: str) -> tuple[Approval, Standing]:
    """One that waits, and its item, both locked; who asked stands in the Standing for the policy. Raises Missing, Denied(hidden),
    Conflict where it was decided already. `whats`: what it may be about; nothing for anything."""
    approval = w.session.get(Approval, approval_id, with_for_update=True, populate_existing=True)
    if approval is None or (whats and approval.what not in whats):
        raise Missing()
    s = items.lock(w, approval.item_id)
    if approval.outcome:
        raise Conflict(_("这项申请已有结果"), item=approval.item_id)
    return approval, replace(s, asker=approval.asked_by)


def close(w: Work, approval: Approval, s: Standing, approve: bool, said: str) -> None:
    """Write the decision down; a refusal says why. The caller demanded APPROVAL_DECIDE and carries out what was approved."""
    if not approve and not said.strip():
        raise Invalid({"said": _("请说明不同意的理由")})
    _end(w, approval, s, "approved" if approve else "refused", said)


def withdraw(w: Work, approval_id: int) -> Approval:
    """Who asked takes it back, whatever it is about."""
    approval, s = locked(w, approval_id)
    if approval.asked_by != w.actor.id:
        raise Denied(_("只有申请人可以撤回申请"), permission=Permission.APPROVAL_DECIDE.value, thing=s)
    _end(w, approval, s, "withdrawn", "")
    return approval


def _end(w: Work, approval: Approval, s: Standing, outcome: str, said: str) -> None:
    approval.outcome, approval.decided, approval.decided_by = outcome, w.now, w.actor.id
    approval.said = said.strip()[:500]
    detail = {"approval": approval.id} | ({"reason": approval.said} if approval.said else {})
    w.record(f"{approval.what}.{outcome}", s.item, detail=detail)


def asker_stands(w: Work, approval: Approval, level: int) -> None:
    """Raise Conflict where who asked is gone, or not cleared any more."""
    asker = w.session.get_one(PersonRow, approval.asked_by)
    if not asker.active or asker.clearance < level:
        raise Conflict(_("申请人已停用，或不再具备所需的可接触密级"), item=approval.item_id)


def pending(session: Session, item_id: int, *whats: str) -> list[Approval]:
    """What waits for a word on an item, oldest first. One statement."""
    query = select(Approval).where(Approval.item_id == item_id, Approval.outcome == "")
    if whats:
        query = query.where(Approval.what.in_(whats))
    return list(session.scalars(query.order_by(Approval.id)))
