"""增印份: a copy made from a copy is a number of its own under the same rules, and a reason; from 机密 up with a second person's word
(REQUIREMENTS A16.7; FEATURES row 77)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from vault.levels import Level

from ..errors import Conflict, Invalid
from ..models import Approval, Copy, Item, Loan, Slip
from ..policy import Permission, Standing
from ..work import Work
from . import copies, items, seconded

WHAT = "copy"
APPROVED_FROM = Level.SECRET  # 机密 and up: not by the custodian alone
MOST = 99


def add(w: Work, item_id: int, *, made_from: int, count: int, reason: str) -> list[Copy] | Approval:
    """Register copies made from the copy of this number; from 机密 up ask for approval instead. Custodians only.

    Raises Denied, Conflict (that copy is not in its place, the file is being disposed of), Invalid."""
    s = items.lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.COPY_ADD, s)
    errors: dict[str, Any] = {} if reason.strip() else {"reason": _("请说明理由")}
    if not 1 <= count <= MOST:
        errors["count"] = _("应在 %(min)s 与 %(max)s 之间", min=1, max=MOST)
    if errors:
        raise Invalid(errors)
    source = _source(w, s, made_from)
    if s.item.level >= APPROVED_FROM:
        payload = {"copy": source.number, "count": count}
        return seconded.ask(w, s, WHAT, why=reason, payload=payload)
    return _register(w, s.item, source, count, reason)


def decide(w: Work, approval_id: int, approve: bool, said: str = "") -> Approval:
    """Approve or refuse what a custodian asked for; approving registers the copies."""
    approval, s = seconded.locked(w, approval_id, WHAT)
    w.house.policy.demand(w.actor, Permission.APPROVAL_DECIDE, s)
    if approve:
        seconded.asker_stands(w, approval, s.item.level)
        source = _source(w, s, int(approval.payload["copy"]))
        _register(w, s.item, source, int(approval.payload["count"]), approval.why)
    seconded.close(w, approval, s, approve, said)
    return approval


def _source(w: Work, s: Standing, number: int) -> Copy:
    """The copy to be copied: it must be at hand, and the file not on its way out."""
    state = w.house.kinds[s.item.kind].state(s.item.state)
    if state.final or s.item.state == "disposal" or s.hold:
        raise Conflict(_("待处置、已处置或已冻结的文件不能增印"), item=s.item.id)
    return copies.free(w, s.item, number)


def _register(w: Work, item: Item, source: Copy, count: int, reason: str) -> list[Copy]:
    rows = copies.register(w, item, count, made_from=source.id, reason=reason.strip()[:300])
    registered = select(func.count()).select_from(Copy).where(Copy.item_id == item.id)
    item.data = dict(item.data) | {"copies": w.session.scalar(registered)}
    numbers = [row.number for row in rows]
    said = _(
        "由第 %(n)s 份增印 %(count)s 份：%(reason)s", n=source.number, count=count, reason=reason.strip()
    )
    items.saved(w, w.house.kinds[item.kind], item, "copies", said)
    w.record("copy.add", item, detail={"copy": source.number, "numbers": numbers, "reason": reason.strip()})
    return rows


@dataclass(frozen=True)
class Line:
    """One copy as the page of its file shows it. `holder`: who has it, where the actor may know; `made_from`: a copy number."""

    copy: Copy
    holder: int | None
    made_from: int | None


def lines(session: Session, item_id: int, *, holders: bool) -> Sequence[Line]:
    """The copies of a file by number, those that are gone too. One statement. `holders`: whether the actor may know who has them."""
    out = and_(Loan.copy_id == Copy.id, Loan.state.in_(("lent", "returned")))
    going = and_(Slip.copy_id == Copy.id, Slip.state.in_(("moving", "returned")))
    holder = func.coalesce(Loan.borrower_id, Slip.holder_id)
    query = select(Copy, holder).outerjoin(Loan, out).outerjoin(Slip, going)
    rows = session.execute(query.where(Copy.item_id == item_id).order_by(Copy.number)).all()
    numbers = {copy.id: copy.number for copy, _holder in rows}
    return [
        Line(copy, who if holders else None, numbers.get(copy.made_from) if copy.made_from else None)
        for copy, who in rows
    ]
