"""借阅: apply -> approve -> hand over -> return -> check; nobody decides or checks their own (seeds L48-51, FEATURES rows 72, 78).

A later date is asked for in `extending`. A file on hold is lent like another: a hold forbids change and disposal, not reading.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vault.levels import Level

from ..actor import Actor
from ..errors import Conflict, Denied, Invalid, Missing
from ..house import House
from ..models import Copy, Extension, Item, Loan, Slip
from ..models import Person as PersonRow
from ..policy import BODY_LOAN_LEVEL, Permission, Standing
from ..work import Work
from . import copies, items, people, whereabouts

OPEN = ("applied", "approved", "lent", "returned")
UNDELIVERED = ("applied", "approved")  # nothing has been handed over yet
CLOSED = ("checked", "refused", "withdrawn", "expired")


def apply(w: Work, item_id: int, *, purpose: str, until: date, number: int | None = None) -> Loan:
    """Ask to borrow, with a purpose and a date; `number`: a certain copy. Refused while something is overdue (row 78).

    Raises Denied, Conflict (one's own second application, a file that waits for disposal), Invalid."""
    s = items.lock(w, item_id)
    w.house.policy.demand(w.actor, Permission.LOAN_APPLY, s)
    errors = {}
    if not purpose.strip():
        errors["purpose"] = _("请说明借阅目的")
    last = longest(w)
    if not w.today <= until <= last:
        errors["until"] = _("归还日期应在今天与 %(last)s 之间", last=last.isoformat())
    asked = None
    if number is not None:
        there = select(Copy).where(Copy.item_id == item_id, Copy.number == number)
        asked = w.session.scalar(there.where(Copy.state.in_(copies.LIVING - {"missing"})))
        if asked is None:
            errors["copy"] = _("没有第 %(n)s 份可借", n=number)
    if errors:
        raise Invalid(errors)
    if s.item.state == "disposal":
        raise Conflict(_("待处置的文件不能借阅"), item=item_id)
    mine = select(Loan.id).where(
        Loan.item_id == item_id, Loan.borrower_id == w.actor.id, Loan.state.in_(OPEN)
    )
    ran_out = Loan.state.in_(UNDELIVERED) & (Loan.until < w.today)
    if w.session.scalar(mine.where(~ran_out).limit(1)):
        raise Conflict(_("您已申请或借有此文件"), item=item_id)
    if overdue_of(w, w.actor.id or 0):
        why = _("您有逾期未还的文件，归还后方可再借")
        raise Denied(why, permission=Permission.LOAN_APPLY.value, thing=s)
    loan = Loan(
        item_id=item_id, borrower_id=w.actor.id, purpose=purpose.strip()[:500], until=until, asked_until=until, applied=w.now,
        asked_copy_id=asked.id if asked else None,
    )  # fmt: skip
    w.session.add(loan)
    w.session.flush()
    detail = {"loan": loan.id, "until": until, "purpose": loan.purpose}
    w.record("loan.apply", s.item, detail=detail | ({"copy": number} if number else {}))
    return loan


def longest(w: Work) -> date:
    """The last day until which anything may be borrowed, counted from now."""
    return w.today + timedelta(days=w.house.settings.loan_days)


def overdue_of(w: Work, person_id: int) -> int:
    """How much is overdue in the hands of a person: while it is, nothing new is lent to them (row 78). What else a person may
    have out is to be added here and nowhere else."""
    borrowed = select(func.count()).where(
        Loan.borrower_id == person_id, Loan.state == "lent", Loan.until < w.today
    )
    on_slips = select(func.count()).where(
        Slip.holder_id == person_id, Slip.state == "moving", Slip.ends < w.today
    )
    return w.session.scalar(select(borrowed.scalar_subquery() + on_slips.scalar_subquery())) or 0


def locked(w: Work, loan_id: int, *states: str) -> tuple[Loan, Standing]:
    """The loan in one of these states and its item, locked; its borrower stands in the Standing for the policy.
    Raises Missing (also by Denied, hidden), Conflict where the loan is in another state."""
    loan = w.session.get(Loan, loan_id, with_for_update=True, populate_existing=True)
    s = items.lock(w, loan.item_id if loan is not None else 0)  # of none: the same work, then Missing
    if loan is None:
        raise Missing()
    if loan.state not in states:
        raise Conflict(_("这笔借阅已办理过此步骤"), item=loan.item_id)
    return loan, of(s, loan)


def of(s: Standing, loan: Loan) -> Standing:
    """The standing of a file as far as one loan of it goes: the policy asks who borrowed."""
    return replace(s, borrower=loan.borrower_id)


def approve(w: Work, loan_id: int) -> Loan:
    """The custodian agrees; the file is handed over when the borrower comes for it, until the day applied for at the latest."""
    loan, s = locked(w, loan_id, "applied")
    w.house.policy.demand(w.actor, Permission.LOAN_DECIDE, s)
    still_good(w, loan, s)
    loan.state, loan.decided, loan.decided_by = "approved", w.now, w.actor.id
    w.session.flush()  # a row of its own in the life of the loan, also where it is handed over at once
    w.record("loan.approve", s.item, detail={"loan": loan.id, "until": loan.until})
    return loan


def hand_over(w: Work, loan_id: int, *, number: int | None = None, download: bool = False) -> Loan:
    """The custodian hands out the copy of this number; none: the one applied for, or the first that is in. Only now the body
    opens. `download`: it may also be saved, where its level allows (`DOWNLOAD_LEVEL`)."""
    loan, s = locked(w, loan_id, "approved")
    w.house.policy.demand(w.actor, Permission.LOAN_DECIDE, s)
    still_good(w, loan, s)
    if download and (why := no_download(w.house, s.item)):
        raise Invalid({"download": why})
    if number is None and loan.asked_copy_id is not None:
        number = copies.lock(w, loan.asked_copy_id).number
    copy = copies.free(w, s.item, number)
    copies.turn(w, copy, "lent")
    loan.state, loan.handed, loan.handed_by = "lent", w.now, w.actor.id
    loan.copy_id, loan.download = copy.id, download
    whereabouts.settle(w, s.item, "lend")
    borrower = w.session.get_one(PersonRow, loan.borrower_id)
    detail = {"loan": loan.id, "borrower": borrower.login, "until": loan.until, "copy": copy.number}
    w.record("loan.lend", s.item, detail=detail | {"download": download})
    return loan


def lend(w: Work, loan_id: int, *, number: int | None = None, download: bool = False) -> Loan:
    """Approve and hand over at once, for a borrower who stands at the counter: two steps and two rows in the log."""
    approve(w, loan_id)
    return hand_over(w, loan_id, number=number, download=download)


def still_good(w: Work, loan: Loan, s: Standing) -> None:
    """Whether what was applied for may still be had. Raises Conflict: the borrower may no longer know of the file, has
    something overdue, has left; the day is past; the file is to be disposed of."""
    borrower = w.session.get_one(PersonRow, loan.borrower_id)
    if not borrower.active or not w.house.policy.sees(people.actor_of(w.session, borrower), s):
        raise Conflict(_("申请人已不具备所需的可接触密级，或已不在知悉范围内"), item=s.item.id)
    if overdue_of(w, loan.borrower_id):
        raise Conflict(_("申请人有逾期未还的文件，归还后方可办理"), item=s.item.id)
    if loan.until < w.today:
        raise Conflict(_("申请的归还日期已过，请申请人重新申请"), item=s.item.id)
    if s.item.state == "disposal" or w.house.kinds[s.item.kind].state(s.item.state).final:
        raise Conflict(_("待处置或已处置的文件不能借出"), item=s.item.id)


def no_download(house: House, item: Item) -> str:
    """Why the body of a file may not be saved by its borrower; "" where the custodian may allow it."""
    if item.level < BODY_LOAN_LEVEL:
        return _("此文件的正文不须借阅即可下载")
    cap = house.settings.download_level
    if not cap or item.level > Level.parse(cap):
        return _("“%(level)s”的正文只能在页面内阅读，不能允许下载", level=Level(item.level).label)
    return ""


def refuse(w: Work, loan_id: int, reason: str) -> Loan:
    """The custodian refuses, with a reason."""
    loan, s = locked(w, loan_id, "applied")
    w.house.policy.demand(w.actor, Permission.LOAN_DECIDE, s)
    if not reason.strip():
        raise Invalid({"reason": _("请说明理由")})
    loan.state, loan.decided, loan.decided_by = "refused", w.now, w.actor.id
    loan.refusal = reason.strip()[:300]
    w.record("loan.refuse", s.item, detail={"loan": loan.id, "reason": loan.refusal})
    return loan


def withdraw(w: Work, loan_id: int) -> Loan:
    """The applicant takes the application back, as long as nothing was handed over."""
    loan, s = locked(w, loan_id, *UNDELIVERED)
    w.house.policy.demand(w.actor, Permission.LOAN_WITHDRAW, s)
    loan.state, loan.ended = "withdrawn", w.now
    w.record("loan.withdraw", s.item, detail={"loan": loan.id})
    return loan


def expire(w: Work) -> int:
    """What nobody decided on, or nobody came for, until the day it was asked for is over. Done by the worker; how many."""
    query = select(Loan, Item).join(Item, Item.id == Loan.item_id)
    query = query.where(Loan.state.in_(UNDELIVERED), Loan.until < w.today).order_by(Loan.id)
    found = w.session.execute(query.with_for_update(of=Loan)).all()
    for loan, item in found:
        loan.state, loan.ended = "expired", w.now
        w.record("loan.expire", item, detail={"loan": loan.id, "until": loan.until})
    return len(found)


def receive(w: Work, loan_id: int) -> Loan:
    """The borrower signs in the house that the copy has come to them. Asked of nobody: the body opens from the hand-over."""
    loan, s = locked(w, loan_id, "lent")
    w.house.policy.demand(w.actor, Permission.LOAN_RECEIVE, s)
    if loan.received is not None:
        raise Conflict(_("这笔借阅已办理过此步骤"), item=loan.item_id)
    loan.received = w.now
    w.record("loan.receive", s.item, detail={"loan": loan.id})
    return loan


def give_back(w: Work, loan_id: int) -> Loan:
    """The borrower (or the custodian for them) returns; from now on the body is closed to them."""
    loan, s = locked(w, loan_id, "lent")
    w.house.policy.demand(w.actor, Permission.LOAN_RETURN, s)
    copy = _turn(w, loan, "returned")
    loan.state, loan.returned, loan.returned_by = "returned", w.now, w.actor.id
    waiting = select(Extension).where(Extension.loan_id == loan.id, Extension.outcome == "")
    for extension in w.session.scalars(waiting):
        extension.outcome = "withdrawn"
    whereabouts.settle(w, s.item, "return")
    w.record("loan.return", s.item, detail={"loan": loan.id, "copy": copy.number})
    return loan


def check(w: Work, loan_id: int, *, condition: str) -> Loan:
    """The custodian verifies after the return; only now the copy is free again."""
    loan, s = locked(w, loan_id, "returned")
    w.house.policy.demand(w.actor, Permission.LOAN_CHECK, s)
    if not condition.strip():
        raise Invalid({"condition": _("请填写核验结果，例如：完好、页数相符")})
    copy = _turn(w, loan, "held")
    loan.state, loan.checked, loan.checked_by = "checked", w.now, w.actor.id
    loan.condition = condition.strip()[:300]
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
