"""`/slips/`: 文件传递单. What concerns me, drawing one up, one slip with its hops, its paper; each step is one verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from .. import work
from ..errors import Conflict, Denied, Invalid, Missing
from ..extensions import db
from ..house import house
from ..policy import Permission
from ..verbs import slip_hops, slip_rows, slips
from ..verbs.slip_rows import View
from ..work import Work
from . import page, signin, slips_form, slips_page
from .items_read import in_full, seen
from .names import names

bp = Blueprint("slips", __name__, url_prefix="/slips")


@bp.get("/")
def index() -> Response:
    """Mine to sign for, in my hands, to decide, to check; for a custodian all that are out."""
    home, actor, now = house(), signin.actor(), house().clock()
    mine = slip_rows.mine(db.session(), home, actor, now)
    past = slip_rows.past(db.session(), home, actor, now)
    lines = [line for name in vars(mine) for line in getattr(mine, name)] + past
    names().load(persons={p for line in lines for p in line.persons})
    return page.render(
        "slips/index.html",
        mine=mine,
        past=past,
        today=now.astimezone(home.zone).date(),
        state_words=slips_page.state_words,
    )


def _view(number: str) -> View:
    return slip_rows.by_number(db.session(), house(), signin.actor(), number, house().clock())


@bp.get("/<slip>")
def show(slip: str) -> Response:
    """One slip: also what its code on paper or on the giver's screen leads to."""
    return _page(_view(slip))


def _page(
    view: View, *, status: int = 200, errors: Mapping[str, Any] | None = None, step: str = ""
) -> Response:
    home = house()
    return page.render(
        "slips/show.html",
        status=status,
        errors=errors or {},
        labels=slips_page.LABELS,
        step=step,
        values=request.form,
        qr=slips_page.qr(home.settings.base_url, view.slip.number),
        **slips_page.context(home, signin.actor(), view),
    )


# -- drawing up --------------------------------------------------------------------------------------------------
@bp.get("/new")
def new() -> Response:
    """An empty slip for a file: `?number=…&copy=…` from its page."""
    s = seen(request.args.get("number", ""))
    house().policy.demand(signin.actor(), Permission.SLIP_DRAFT, s)
    return slips_form.show(s.item, slips_form.empty(request.args.get("copy", "")))


@bp.post("/new")
def add() -> Response:
    """Kept as a draft, or handed in at once."""
    s = seen(request.form.get("number", ""))
    typed = slips_form.read(request.form)
    try:
        with work.begin(house(), signin.actor()) as w:
            number = slips.draft(w, s.item.id, typed.facts(), copy=typed.copy_number()).number
            if typed.then == "submit":
                slips.submit(w, number)
    except Invalid as invalid:
        return slips_form.show(seen(s.item.number).item, typed, invalid.errors, 422)
    except Conflict as conflict:
        return slips_form.show(seen(s.item.number).item, typed, {"": conflict.why}, 409)
    said = _("已提交，等待审批") if typed.then == "submit" else _("草稿已保存，提交审批后才会流转")
    return page.done(url_for("slips.show", slip=number), said)


@bp.get("/<slip>/edit")
def edit(slip: str) -> Response:
    view = _draft(slip)
    return slips_form.show(view.s.item, slips_form.of(view), slip=slip)


@bp.post("/<slip>/edit")
def save(slip: str) -> Response:
    view = _draft(slip)
    typed = slips_form.read(request.form)
    try:
        with work.begin(house(), signin.actor()) as w:
            slips.edit(w, slip, typed.facts())
            if typed.then == "submit":
                slips.submit(w, slip)
    except Invalid as invalid:
        return slips_form.show(_view(slip).s.item, typed, invalid.errors, 422, slip=slip)
    except Conflict as conflict:
        return slips_form.show(_view(slip).s.item, typed, {"": conflict.why}, 409, slip=slip)
    said = _("已提交，等待审批") if typed.then == "submit" else _("草稿已保存，提交审批后才会流转")
    return page.done(url_for("slips.show", slip=view.slip.number), said)


def _draft(number: str) -> View:
    """A slip that may still be changed, by whoever drew it up."""
    view = _view(number)
    house().policy.demand(signin.actor(), Permission.SLIP_EDIT, view.s)
    if view.slip.state != "draft":
        raise Conflict(_("传递单提交后不能修改"), item=view.slip.item_id)
    return view


# -- the steps of one slip ---------------------------------------------------------------------------------------
def _said(name: str) -> str:
    return request.form.get(name, "")


def _give(w: Work, number: str) -> Any:
    taker = _said("taker")
    if not (taker.isascii() and taker.isdigit() and len(taker) < 10):
        raise Invalid({"taker": _("请选择接收人")})
    return slip_hops.give(w, number, int(taker), condition=_said("condition"))


def _take(w: Work, number: str) -> Any:
    return slip_hops.take(w, number, back=_said("back") == "1", condition=_said("condition"))


STEPS: dict[str, tuple[Callable[[Work, str], Any], Callable[[], str]]] = {
    "submit": (slips.submit, lambda: _("已提交，等待审批")),
    "approve": (slips.approve, lambda: _("已批准，范围内人员现在可以知悉此文件")),
    "reject": (lambda w, n: slips.reject(w, n, _said("reason")), lambda: _("已退回")),
    "withdraw": (slips.withdraw, lambda: _("已撤回")),
    "give": (_give, lambda: _("已交出，等对方签收；签收之前仍由您负责")),
    "recall": (slip_hops.recall, lambda: _("已收回")),
    "take": (_take, lambda: _("已签收")),
    "refuse": (lambda w, n: slip_hops.refuse(w, n, _said("reason")), lambda: _("已拒收，文件仍在交出人处")),
    "return": (slip_hops.put_back, lambda: _("已归还，由另一位保管员检查")),
    "recover": (
        lambda w, n: slip_hops.recover(w, n, _said("reason")),
        lambda: _("已收回，由另一位保管员检查"),
    ),
    "check": (lambda w, n: slip_hops.check(w, n, result=_said("result")), lambda: _("已检查，传递单关闭")),
    "lost": (lambda w, n: slip_hops.lost(w, n, _said("reason")), lambda: _("已登记遗失")),
}


@bp.post("/<slip>/<step>")
def do(slip: str, step: str) -> Response:
    """One step. A word that is missing, or somebody who was first, brings the page back with the reason and what was typed."""
    if step not in STEPS:
        raise Missing
    verb, said = STEPS[step]
    try:
        with work.begin(house(), signin.actor()) as w:
            verb(w, slip)
    except Invalid as invalid:
        return _page(_view(slip), status=422, errors=invalid.errors, step=step)
    except Conflict as conflict:
        return _page(_view(slip), status=409, errors={"": conflict.why}, step=step)
    return page.done(_after(slip), said())


def _after(number: str) -> str:
    """Back to the slip; whoever may no longer know of it after the step goes to the list."""
    try:
        _view(number)
    except (Missing, Denied):
        return url_for("slips.index")
    return url_for("slips.show", slip=number)


@bp.get("/<slip>/print")
def on_paper(slip: str) -> Response:
    """The slip as the office knows it, with empty rows to be signed on paper. That it was printed is recorded before it is shown."""
    home, actor = house(), signin.actor()
    with work.begin(home, actor) as w:
        view = slip_rows.by_number(w.session, home, actor, slip, w.now)
        home.policy.demand(actor, Permission.ITEM_EXPORT, view.s)
        w.record("slip.print", view.s.item, detail={"slip": slip})
    return page.render(
        "print/slip.html",
        paper_number=slip,
        qr=slips_page.qr(home.settings.base_url, slip),
        address=f"{home.settings.base_url.rstrip('/')}/slips/{slip}",
        moment_now=w.now,
        in_full=in_full,
        **slips_page.context(home, actor, view),
    )
