"""借阅: apply -> lend -> return -> check; nobody decides or checks their own (seeds L48-51, FEATURES row 72)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from ..actor import Actor
from ..errors import Conflict, Denied, Invalid, Missing
from ..models import Copy, Loan
from ..models import Person as PersonRow
from ..policy import Permission, Standing
from ..work import Work
from . import copies, items, whereabouts

OPEN = ("applied", "lent", "returned")


def apply(w: Work, item_id: int, *, purpose: str, until: date) -> Loan:
    """Ask to borrow, with a purpose and a date. Refused while one's own loan is overdue (row 78)."""
    s = items.lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.LOAN_APPLY, s)
    errors = {}
    if not purpose.strip():
        errors["purpose"] = _("请说明借阅目的")
    last = w.today + timedelta(days=w.house.settings.loan_days)
    if not w.today <= until <= last:
        errors["until"] = _("归还日期应在今天与 %(last)s 之间", last=last.isoformat())
    if errors:
        raise Invalid(errors)
    mine = select(Loan).where(Loan.borrower_id == w.actor.id, Loan.state.in_(OPEN))
    for loan in w.session.scalars(mine):
        if loan.item_id == item_id:
            raise Conflict(_("您已申请或借有此文件"), item=item_id)
        if loan.state == "lent" and loan.until < w.today:
            raise Denied(
                _("您有逾期未还的文件，归还后方可再借"), permission=Permission.LOAN_APPLY.value, thing=s
            )
    loan = Loan(
        item_id=item_id, borrower_id=w.actor.id, purpose=purpose.strip()[:500], until=until, applied=w.now
    )
    w.session.add(loan)
    w.session.flush()
    w.record("loan.apply", s.item, detail={"loan": loan.id, "until": until, "purpose": loan.purpose})
    return loan


def _locked(w: Work, loan_id: int, *states: str) -> tuple[Loan, Standing]:
    """The loan in one of these states and its item, locked; its borrower stands in the Standing for the policy."""
    loan = w.session.get(Loan, loan_id, with_for_update=True, populate_existing=True)
    s = items.lock(w, loan.item_id if loan is not None else 0)  # of none: the same work, then Missing
    if loan is None:
        raise Missing()
    if loan.state not in states:
        raise Conflict(_("这笔借阅已办理过此步骤"), item=loan.item_id)
    return loan, replace(s, borrower=loan.borrower_id)


def lend(w: Work, loan_id: int, *, number: int | None = None, download: bool = False) -> Loan:
    """The custodian approves and hands out the copy of this number, or the first that is in. The borrower must still be cleared.
    `download`: whether the body may also be saved, where its level allows (`DOWNLOAD_LEVEL`)."""
    loan, s = _locked(w, loan_id, "applied")
    w.house.policy.demand(w.actor, Permission.LOAN_DECIDE, s)
    borrower = w.session.get_one(PersonRow, loan.borrower_id)
    if not borrower.active or borrower.clearance < s.item.level:
        raise Conflict(_("申请人已不具备所需的可接触密级"), item=s.item.id)
    if loan.until < w.today:
        raise Conflict(_("申请的归还日期已过，请申请人重新申请"), item=s.item.id)
    if s.item.state == "disposal" or w.house.kinds[s.item.kind].state(s.item.state).final:
        raise Conflict(_("待处置或已处置的文件不能借出"), item=s.item.id)
    copy = copies.free(w, s.item, number)
    copies.turn(w, copy, "lent")
    loan.state, loan.decided, loan.decided_by = "lent", w.now, w.actor.id
    loan.copy_id, loan.download = copy.id, download
    whereabouts.settle(w, s.item, "lend")
    detail = {
        "loan": loan.id,
        "borrower": borrower.login,
        "until": loan.until,
        "copy": copy.number,
        "download": download,
    }
    w.record("loan.lend", s.item, detail=detail)
    return loan


def refuse(w: Work, loan_id: int, reason: str) -> Loan:
    """The custodian refuses, with a reason."""
    loan, s = _locked(w, loan_id, "applied")
    w.house.policy.demand(w.actor, Permission.LOAN_DECIDE, s)
    if not reason.strip():
        raise Invalid({"reason": _("请说明理由")})
    loan.state, loan.decided, loan.decided_by, loan.refusal = (
        "refused",
        w.now,
        w.actor.id,
        reason.strip()[:300],
    )
    w.record("loan.refuse", s.item, detail={"loan": loan.id, "reason": loan.refusal})
    return loan


def withdraw(w: Work, loan_id: int) -> Loan:
    """The applicant takes the application back."""
    loan, s = _locked(w, loan_id, "applied")
    if loan.borrower_id != w.actor.id:
        raise Denied(_("只有申请人可以撤回申请"), permission=Permission.LOAN_RETURN.value, thing=s)
    loan.state, loan.decided = "withdrawn", w.now
    w.record("loan.withdraw", s.item, detail={"loan": loan.id})
    return loan


def give_back(w: Work, loan_id: int) -> Loan:
    """The borrower (or the custodian for them) returns; from now on the body is closed to them."""
    loan, s = _locked(w, loan_id, "lent")
    w.house.policy.demand(w.actor, Permission.LOAN_RETURN, s)
    copy = _turn(w, loan, "returned")
    loan.state, loan.returned = "returned", w.now
    whereabouts.settle(w, s.item, "return")
    w.record("loan.return", s.item, detail={"loan": loan.id, "copy": copy.number})
    return loan


def check(w: Work, loan_id: int, *, condition: str) -> Loan:
    """The custodian verifies after the return; only now the file is free again."""
    loan, s = _locked(w, loan_id, "returned")
    w.house.policy.demand(w.actor, Permission.LOAN_CHECK, s)
    if not condition.strip():
        raise Invalid({"condition": _("请填写核验结果，例如：完好、页数相符")})
    copy = _turn(w, loan, "held")
    loan.state, loan.checked, loan.checked_by, loan.condition = (
        "checked",
        w.now,
        w.actor.id,
        condition.strip()[:300],
    )
    copy.inspected = w.today
    whereabouts.settle(w, s.item, "check")
    w.record("loan.check", s.item, detail={"loan": loan.id, "copy": copy.number, "condition": loan.condition})
    return loan


def _turn(w: Work, loan: Loan, state: str) -> Copy:
    """The copy of a loan, turned. A loan that is out has one."""
    copy = copies.lock(w, loan.copy_id or 0)
    copies.turn(w, copy, state)
    return copy


def of_person(session: Session, actor: Actor) -> list[Loan]:
    """The open loans of a person."""
    query = select(Loan).where(Loan.borrower_id == actor.id, Loan.state.in_(OPEN)).order_by(Loan.until)
    return list(session.scalars(query))
