"""`/desk/`: borrowing. One's own loans, the custodian's work, where every file is; each step is one verb."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from .. import work
from ..errors import Conflict, Invalid, Missing
from ..extensions import db
from ..house import house
from ..models import Loan
from ..policy import Permission, Standing
from ..verbs import holdings, loans
from ..work import Work
from . import page, signin
from .items_read import seen
from .names import names

bp = Blueprint("loans", __name__, url_prefix="/desk")


@bp.get("/")
def index() -> Response:
    """My loans; for a custodian what is to be decided, is out, is late, is to be checked, and where each file is."""
    return _page({}, 0)


def _page(errors: dict[str, Any], about: int, status: int = 200) -> Response:
    home, actor, session = house(), signin.actor(), db.session()
    now = home.clock()
    today = now.astimezone(home.zone).date()
    text = request.args.get("q", "").strip()[:100]
    mine = holdings.mine(session, home, actor, now)
    kept = holdings.kept(session, home, actor, now)
    where = holdings.holders(session, home, actor, now, text)
    people: list[int | None] = [h.loan.borrower_id for h in kept]
    names().load(persons=people + [loan.borrower_id for _item, loan in where if loan])
    return page.render(
        "loans/index.html",
        "loans/_holders.html",
        status=status,
        mine=mine,
        past=holdings.past(session, home, actor, now),
        applied=[h for h in kept if h.loan.state == "applied"],
        late=[h for h in kept if h.loan.state == "lent" and h.loan.until < today],
        lent=[h for h in kept if h.loan.state == "lent" and h.loan.until >= today],
        returned=[h for h in kept if h.loan.state == "returned"],
        holders=where,
        most=holdings.HOLDERS,
        q=text,
        custodian=actor.has("custodian"),
        today=today,
        errors=errors,
        about=about,
    )


# -- applying ----------------------------------------------------------------------------------------------------
@bp.get("/<number>/checkout")
def checkout(number: str) -> Response:
    s = seen(number)
    house().policy.demand(signin.actor(), Permission.LOAN_APPLY, s)
    return _form(s, {})


def _form(s: Standing, errors: dict[str, Any], status: int = 200) -> Response:
    home = house()
    today = home.clock().astimezone(home.zone).date()
    last = today + timedelta(days=home.settings.loan_days)
    return page.render(
        "loans/checkout.html",
        status=status,
        item=s.item,
        kind=home.kinds[s.item.kind],
        today=today,
        last=last,
        purpose=request.form.get("purpose", ""),
        until=request.form.get("until", last.isoformat()),
        errors=errors,
    )


@bp.post("/<number>/checkout")
def apply(number: str) -> Response:
    s = seen(number)
    try:
        until = date.fromisoformat(request.form.get("until", ""))
    except ValueError:
        return _form(s, {"until": _("请填写日期，例如 2026-11-23")}, 422)
    try:
        with work.begin(house(), signin.actor()) as w:
            loans.apply(w, s.item.id, purpose=request.form.get("purpose", ""), until=until)
    except Invalid as invalid:
        return _form(seen(number), invalid.errors, 422)
    except Conflict as conflict:
        return _form(seen(number), {"": conflict.why}, 409)
    return page.done(url_for("items.show", number=number), _("已提交借阅申请，保管员办理后会通知您"))


# -- the steps of one loan ---------------------------------------------------------------------------------------
def _lend(w: Work, loan_id: int) -> Loan:
    return loans.lend(w, loan_id)


def _refuse(w: Work, loan_id: int) -> Loan:
    return loans.refuse(w, loan_id, request.form.get("reason", ""))


def _check(w: Work, loan_id: int) -> Loan:
    return loans.check(w, loan_id, condition=request.form.get("condition", ""))


STEPS: dict[str, tuple[Callable[[Work, int], Loan], Callable[[], str]]] = {
    "lend": (_lend, lambda: _("已借出，归还日期起算")),
    "refuse": (_refuse, lambda: _("已拒绝申请")),
    "return": (loans.give_back, lambda: _("已归还，等待保管员核验")),
    "check": (_check, lambda: _("已核验入库")),
    "withdraw": (loans.withdraw, lambda: _("已撤回申请")),
}


@bp.post("/loans/<int:loan_id>/<step>")
def do(loan_id: int, step: str) -> Response:
    """One step of a loan. A missing word (reason, condition) brings the desk back with the error at that loan."""
    if step not in STEPS:
        raise Missing
    verb, said = STEPS[step]
    try:
        with work.begin(house(), signin.actor()) as w:
            verb(w, loan_id)
    except Invalid as invalid:
        return _page(invalid.errors, loan_id, 422)
    return page.done(page.safe_next(request.form.get("next"), url_for("loans.index")), said())
