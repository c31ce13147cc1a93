"""`/desk/`: borrowing. One's own loans, the custodian's work, the page of one loan; each step is one verb."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta
from typing import Any

import segno
from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup

from .. import work
from ..errors import Conflict, Denied, Invalid, Missing
from ..extensions import db
from ..house import house
from ..policy import Permission, Standing
from ..verbs import copies, extending, holdings, loans, reading
from ..verbs.holdings import Held
from ..work import Work
from . import items_read, page, signin
from .items_read import seen
from .names import names

bp = Blueprint("loans", __name__, url_prefix="/desk")


def _today() -> date:
    home = house()
    return home.clock().astimezone(home.zone).date()


def _load(*held: Iterable[Held]) -> None:
    """The names of everybody on these lines: one look-up."""
    rows = [h.loan for part in held for h in part]
    names().load(
        persons=[
            p for x in rows for p in (x.borrower_id, x.decided_by, x.handed_by, x.returned_by, x.checked_by)
        ]
    )


@bp.get("/")
def index() -> Response:
    """My loans; for a custodian what is to be approved, handed over, checked, what is late and what is out."""
    return _page({}, 0)


def _page(errors: dict[str, Any], about: int, status: int = 200) -> Response:
    home, actor, session, today = house(), signin.actor(), db.session(), _today()
    now = home.clock()
    before = positive(request.args.get("before")) or 0
    mine = holdings.mine(session, home, actor, now)
    past, older = holdings.past(session, home, actor, now, before)
    kept = holdings.kept(session, home, actor, now)
    _load(mine, kept, past)
    out = [h for h in kept if h.loan.state == "lent"]
    return page.render(
        "loans/index.html",
        status=status,
        mine=mine,
        past=past,
        older=older,
        before=before,
        applied=[h for h in kept if h.loan.state == "applied"],
        approved=[h for h in kept if h.loan.state == "approved"],
        longer=[h for h in out if h.longer is not None],
        returned=[h for h in kept if h.loan.state == "returned"],
        late=[h for h in out if h.loan.until < today],
        lent=[h for h in out if h.loan.until >= today],
        custodian=actor.has("custodian"),
        last=today + timedelta(days=home.settings.loan_days),
        no_download=lambda item: loans.no_download(home, item),
        today=today,
        errors=errors,
        about=about,
    )


def positive(text: str | None) -> int | None:
    """A plain positive number of an address or a form; None for anything else."""
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 and int(text) else None


# -- applying ----------------------------------------------------------------------------------------------------
@bp.get("/<number>/checkout")
def checkout(number: str) -> Response:
    """The form; `?copy=2` (from the label of a copy) asks for that copy."""
    s = seen(number)
    house().policy.demand(signin.actor(), Permission.LOAN_APPLY, s)
    return _form(s, {})


def _form(s: Standing, errors: dict[str, Any], status: int = 200) -> Response:
    home, today = house(), _today()
    last = today + timedelta(days=home.settings.loan_days)
    there = [c for c in copies.of_item(db.session(), s.item.id) if c.state in copies.LIVING - {"missing"}]
    return page.render(
        "loans/checkout.html",
        status=status,
        item=s.item,
        kind=home.kinds[s.item.kind],
        copies=there,
        today=today,
        last=last,
        purpose=request.form.get("purpose", ""),
        until=request.form.get("until", last.isoformat()),
        copy=request.form.get("copy", request.args.get("copy", "")),
        errors=errors,
    )


@bp.post("/<number>/checkout")
def apply(number: str) -> Response:
    s = seen(number)
    asked = request.form.get("copy", "")
    try:
        with work.begin(house(), signin.actor()) as w:
            until, which = _day(), _copy(asked)
            loans.apply(w, s.item.id, purpose=request.form.get("purpose", ""), until=until, number=which)
    except Invalid as invalid:
        return _form(seen(number), invalid.errors, 422)
    except Conflict as conflict:
        return _form(seen(number), {"": conflict.why}, 409)
    return page.done(url_for("items.show", number=number), _("已提交借阅申请，保管员办理后会通知您"))


def _day() -> date:
    try:
        return date.fromisoformat(request.form.get("until", ""))
    except ValueError:
        raise Invalid({"until": _("请填写日期，例如 2026-11-23")}) from None


def _copy(text: str) -> int | None:
    """The number of the copy chosen in the form; "": any."""
    if text and positive(text) is None:
        raise Invalid({"copy": _("请从列表中选择")})
    return positive(text)


# -- one loan ----------------------------------------------------------------------------------------------------
def _seen(loan_id: int) -> tuple[Held, Standing]:
    """A loan for its borrower or the custodian. A missing one, one of a hidden file and another's are the same answer."""
    home, actor = house(), signin.actor()
    held = holdings.one(db.session(), loan_id)
    if held is None:
        reading.by_id(db.session(), home, actor, 0, home.clock())  # the same work, and Missing
        raise Missing
    s = reading.by_id(db.session(), home, actor, held.item.id, home.clock())
    s = loans.of(s, held.loan)
    decision = home.policy.decide(actor, Permission.LOAN_VIEW, s)
    if not decision.ok:
        raise Denied(decision.why, hidden=True, permission=Permission.LOAN_VIEW.value, thing=s)
    return held, s


@bp.get("/loans/<int:loan_id>")
def show(loan_id: int) -> Response:
    """One loan with its life and what is to be done: where the code on the printed slip leads."""
    return _one(loan_id, {})


def _one(loan_id: int, errors: dict[str, Any], status: int = 200) -> Response:
    held, s = _seen(loan_id)
    home, actor = house(), signin.actor()
    _load([held])
    return page.render(
        "loans/show.html",
        status=status,
        h=held,
        item=held.item,
        kind=home.kinds[held.item.kind],
        keeps=home.policy.decide(actor, Permission.LOAN_DECIDE, s).ok,
        today=_today(),
        last=_today() + timedelta(days=home.settings.loan_days),
        no_download=lambda item: loans.no_download(home, item),
        errors=errors,
        about=loan_id,
    )


@bp.get("/loans/<int:loan_id>/print")
def on_paper(loan_id: int) -> Response:
    """借阅单: to be signed by hand where paper is wanted. That it was printed is recorded before it is shown."""
    held, _s = _seen(loan_id)
    home, actor = house(), signin.actor()
    with work.begin(home, actor) as w:
        loan, s = loans.locked(w, loan_id, *loans.OPEN, *loans.CLOSED)
        home.policy.demand(actor, Permission.LOAN_VIEW, s)
        w.record("loan.print", s.item, detail={"loan": loan.id})
    held, _s = _seen(loan_id)
    _load([held])
    address = f"{home.settings.base_url.rstrip('/')}/desk/loans/{loan_id}"
    code = segno.make(address, error="m", micro=False).svg_inline(
        scale=3, border=0, omitsize=True, svgclass="qr", lineclass=None
    )
    return page.render(
        "print/loan.html",
        h=held,
        item=held.item,
        kind=home.kinds[held.item.kind],
        qr=Markup(code),  # noqa: S704  made by segno from an address alone
        address=address,
        moment_now=w.now,
        in_full=items_read.in_full,
    )


# -- the steps of one loan ---------------------------------------------------------------------------------------
def _text(name: str) -> str:
    return request.form.get(name, "")


def _lend(w: Work, loan_id: int) -> object:
    return loans.lend(w, loan_id, number=_copy(_text("copy")), download=bool(_text("download")))


def _hand_over(w: Work, loan_id: int) -> object:
    return loans.hand_over(w, loan_id, number=_copy(_text("copy")), download=bool(_text("download")))


STEPS: dict[str, tuple[Callable[[Work, int], object], Callable[[], str]]] = {
    "approve": (loans.approve, lambda: _("已批准，借阅人来取时再交付")),
    "hand": (_hand_over, lambda: _("已交付，归还日期起算")),
    "lend": (_lend, lambda: _("已批准并交付，归还日期起算")),
    "refuse": (lambda w, n: loans.refuse(w, n, _text("reason")), lambda: _("已拒绝申请")),
    "receive": (loans.receive, lambda: _("已签收")),
    "return": (loans.give_back, lambda: _("已归还，等待保管员核验")),
    "check": (lambda w, n: loans.check(w, n, condition=_text("condition")), lambda: _("已核验入库")),
    "withdraw": (loans.withdraw, lambda: _("已撤回申请")),
    "extend": (lambda w, n: extending.ask(w, n, until=_day(), why=_text("why")), lambda: _("已申请续借，等保管员办理")),
    "longer": (extending.grant, lambda: _("已同意续借，归还日期已改")),
    "no_longer": (lambda w, n: extending.refuse(w, n, _text("reason")), lambda: _("已拒绝续借")),
}  # fmt: skip


@bp.post("/loans/<int:loan_id>/<step>")
def do(loan_id: int, step: str) -> Response:
    """One step of a loan. A missing word (reason, condition, day) brings the page back with the error at that loan."""
    if step not in STEPS:
        raise Missing
    verb, said = STEPS[step]
    target = page.safe_next(request.form.get("next"), url_for("loans.index"))
    try:
        with work.begin(house(), signin.actor()) as w:
            verb(w, loan_id)
    except Invalid as invalid:
        if target == url_for("loans.show", loan_id=loan_id):
            return _one(loan_id, invalid.errors, 422)
        return _page(invalid.errors, loan_id, 422)
    return page.done(target, said())
