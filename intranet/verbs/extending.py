"""续借: the borrower asks for a later day before the loan is due, the custodian decides (FEATURES row 72)."""

from __future__ import annotations

from datetime import date

from flask_babel import gettext as _
from sqlalchemy import Select, select

from ..errors import Conflict, Denied, Invalid
from ..models import Extension
from ..policy import Permission
from ..work import Work
from . import loans


def ask(w: Work, loan_id: int, *, until: date, why: str) -> Extension:
    """The borrower asks to keep the copy longer. Refused once it is overdue; `loan_days` count from now, as for a new loan.

    Raises Denied, Conflict (one asked for already), Invalid."""
    loan, s = loans.locked(w, loan_id, "lent")
    w.house.policy.demand(w.actor, Permission.LOAN_EXTEND, s)
    if loans.overdue_of(w, loan.borrower_id):
        why_not = _("您有逾期未还的文件，不能续借，请先归还")
        raise Denied(why_not, permission=Permission.LOAN_EXTEND.value, thing=s)
    errors = {}
    if not why.strip():
        errors["why"] = _("请说明理由")
    last = loans.longest(w)
    if not loan.until < until <= last:
        errors["until"] = _(
            "续借日期应晚于 %(until)s，不晚于 %(last)s", until=loan.until.isoformat(), last=last.isoformat()
        )
    if errors:
        raise Invalid(errors)
    if w.session.scalar(_waiting(loan_id)) is not None:
        raise Conflict(_("您已申请续借，请等保管员办理"), item=loan.item_id)
    row = Extension(loan_id=loan_id, asked=w.now, until=until, why=why.strip()[:300])
    w.session.add(row)
    w.session.flush()
    detail = {"loan": loan_id, "from": loan.until, "until": until, "reason": row.why}
    w.record("loan.extend", s.item, detail=detail)
    return row


def grant(w: Work, loan_id: int) -> Extension:
    """The custodian agrees: the loan is due later. The borrower must still be one to whom it would be lent."""
    loan, s = loans.locked(w, loan_id, "lent")
    w.house.policy.demand(w.actor, Permission.LOAN_DECIDE, s)
    row = _asked(w, loan_id, s.item.id)
    loans.still_good(w, loan, s)
    before, loan.until = loan.until, row.until
    row.outcome, row.decided, row.decided_by = "granted", w.now, w.actor.id
    w.record("loan.longer", s.item, detail={"loan": loan_id, "from": before, "until": loan.until})
    return row


def refuse(w: Work, loan_id: int, reason: str) -> Extension:
    """The custodian does not agree, with a reason; the loan is due as before."""
    _loan, s = loans.locked(w, loan_id, "lent")
    w.house.policy.demand(w.actor, Permission.LOAN_DECIDE, s)
    row = _asked(w, loan_id, s.item.id)
    if not reason.strip():
        raise Invalid({"reason": _("请说明理由")})
    row.outcome, row.decided, row.decided_by, row.said = "refused", w.now, w.actor.id, reason.strip()[:300]
    w.record("loan.no_longer", s.item, detail={"loan": loan_id, "reason": row.said})
    return row


def _waiting(loan_id: int) -> Select[tuple[Extension]]:
    return select(Extension).where(Extension.loan_id == loan_id, Extension.outcome == "")


def _asked(w: Work, loan_id: int, item_id: int) -> Extension:
    row = w.session.scalar(_waiting(loan_id).with_for_update())
    if row is None:
        raise Conflict(_("没有待办理的续借申请"), item=item_id)
    return row
