"""`/disposals/`: the end of files. Lists by state, what is due, one list with its steps; each step is one verb."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from flask_babel import pgettext
from sqlalchemy import select

from .. import work
from ..errors import Conflict, Denied, Invalid, Missing
from ..extensions import db
from ..house import house
from ..models import DisposalList, Item
from ..policy import BODY_FRESH_LEVEL, Permission
from ..verbs import destruction, disposal, disposals, handover, retention, sight
from ..work import Work
from . import page, present, signin
from .names import names

bp = Blueprint("disposals", __name__, url_prefix="/disposals")

STATE_WORDS: dict[str, tuple[Callable[[], str], str]] = {
    "proposed": (lambda: _("待批准"), "waiting"),
    "approved": (lambda: _("已批准，待执行"), "soon"),
    "done": (lambda: pgettext("disposal", "已完成"), "good"),
    "rejected": (lambda: _("不予处置"), "neutral"),
    "withdrawn": (lambda: _("已撤回"), "neutral"),
}
WAY_WORDS: dict[str, Callable[[], str]] = {"destroy": lambda: _("销毁"), "transfer": lambda: _("移交归档")}


def way_word(way: str) -> str:
    return WAY_WORDS[way]()


def state_word(state: str) -> tuple[str, str]:
    """Words and tone of a state."""
    word, tone = STATE_WORDS[state]
    return word(), tone


def kept_for(item: Item) -> str:
    """The retention period in words; "" in a ledger without one."""
    kept = [f for f in house().kinds[item.kind].fields if f.name == "retention"]
    return present.value(item, kept[0]) if kept else ""


WORDS = {"way_word": way_word, "state_word": state_word, "kept_for": kept_for}


@bp.get("/")
def index() -> Response:
    """The lists that may be known, what waits first; `?state=`."""
    home, actor = house(), signin.actor()
    home.policy.demand(actor, Permission.DISPOSAL_VIEW)
    state = request.args.get("state", "")
    after = request.args.get("after", "")
    found = disposals.page(
        db.session(),
        home,
        actor,
        home.clock(),
        state if state in disposals.STATES else "",
        _number(after) or 0,
    )
    names().load(persons=[line.list.proposed_by for line in found.lines])
    return page.render(
        "disposals/index.html", found=found, state=state, custodian=actor.has("custodian"), **WORDS
    )


@bp.get("/due")
def due() -> Response:
    """What need not be kept any longer, to be chosen from."""
    home, actor = house(), signin.actor()
    home.policy.demand(actor, Permission.DISPOSAL_PROPOSE)
    found = retention.due(db.session(), home, actor, home.clock(), request.args.get("after", "")[:40])
    return page.render("disposals/due.html", found=found, first="after" not in request.args, **WORDS)


# -- proposing -----------------------------------------------------------------------------------------------------
@bp.get("/new")
def new() -> Response:
    """The proposal, with the files that were ticked (`?item=`, several) already in it."""
    house().policy.demand(signin.actor(), Permission.DISPOSAL_PROPOSE)
    return _proposal(request.args.getlist("item"), {})


def _proposal(chosen: list[str], errors: dict[str, Any], status: int = 200) -> Response:
    home, actor = house(), signin.actor()
    found = _known(chosen)
    return page.render(
        "disposals/new.html",
        status=status,
        items=[i for i in found if i is not None],
        ends={i.id: retention.ends(i) for i in found if i is not None},
        today=home.clock().astimezone(home.zone).date(),
        way=request.form.get("way", "destroy"),
        reason=request.form.get("reason", ""),
        more=request.form.get("more", ""),
        errors=errors,
        actor=actor,
    )


def _known(numbers: list[str]) -> list[Item]:
    """The files of these numbers that the actor may know of. Two statements."""
    home, actor, session = house(), signin.actor(), db.session()
    wanted = list(dict.fromkeys(numbers))[: disposal.MOST + 1]
    rows = session.execute(select(Item.id, Item.number).where(Item.number.in_(wanted))).all()
    seen = sight.rows(session, home, actor, [i for i, _n in rows])
    loans = [k.name for k in home.kinds.values() if k.loans]
    known = [i for i, row in seen.items() if row.kind in loans]
    return list(session.scalars(select(Item).where(Item.id.in_(known)).order_by(Item.number)))


@bp.post("/new")
def propose() -> Response:
    """Ticked files and typed numbers together. A number that may not be known is one that does not exist."""
    home, actor = house(), signin.actor()
    home.policy.demand(actor, Permission.DISPOSAL_PROPOSE)
    form = request.form
    ticked, typed = form.getlist("item"), form.get("more", "").split()
    found = _known([*ticked, *typed])
    unknown = [n for n in (*ticked, *typed) if n not in {i.number for i in found}]
    if unknown:
        return _proposal(
            ticked, {"more": _("没有这个编号：%(numbers)s", numbers="、".join(unknown[:5]))}, 422
        )
    try:
        with work.begin(home, actor) as w:
            made = disposal.propose(w, form.get("way", ""), [i.id for i in found], form.get("reason", ""))
            number = made.number
    except Invalid as invalid:
        return _proposal(ticked, invalid.errors, 422)
    except Conflict as conflict:
        return _proposal(ticked, {"": conflict.why}, 409)
    return page.done(url_for("disposals.show", list_number=number), _("已提请，等待批准"))


# -- one list --------------------------------------------------------------------------------------------------------
def seen(number: str) -> DisposalList:
    """The list of a number, if each of its files may be known. Missing and hidden are the same answer."""
    return disposals.by_number(db.session(), house(), signin.actor(), number, house().clock())


@bp.get("/<list_number>")
def show(list_number: str) -> Response:
    return show_page(seen(list_number), {})


def show_page(found: DisposalList, errors: dict[str, Any], step: str = "", status: int = 200) -> Response:
    home, actor = house(), signin.actor()
    rows = disposals.rows(db.session(), home, actor, found.id, home.clock())
    names().load(persons=[found.proposed_by, found.decided_by, found.first_by, found.second_by])
    return page.render(
        "disposals/show.html",
        status=status,
        found=found,
        rows=rows,
        acts=disposals.acts(db.session(), home, actor, found.id),
        seal=disposals.seal(found, [r.item for r in rows if r.dropped is None]),
        needs_factor=found.level >= BODY_FRESH_LEVEL and not actor.fresh,
        shown_signs=handover.SHOWN,
        errors=errors,
        step=step,
        form=request.form,
        today=home.clock().astimezone(home.zone).date(),
        **WORDS,
    )


def _approve(w: Work, found: int) -> Any:
    return disposal.approve(w, found, request.form.get("said", ""), seen=request.form.get("seen", ""))


def _reject(w: Work, found: int) -> Any:
    return disposal.reject(w, found, request.form.get("reason", ""))


def _withdraw(w: Work, found: int) -> Any:
    return disposal.withdraw(w, found, request.form.get("reason", ""))


def _keep(w: Work, found: int) -> Any:
    return disposal.keep(w, found, _number(request.form.get("item", "")) or 0, request.form.get("reason", ""))


def _sign(w: Work, found: int) -> Any:
    return destruction.sign(w, found, seen=request.form.get("seen", ""))


def _receipt(w: Work, found: int) -> Any:
    form = request.form
    try:
        received = date.fromisoformat(form.get("received", ""))
    except ValueError:
        received = None
    return handover.receipt(
        w,
        found,
        receiver=form.get("receiver", ""),
        number=form.get("number", ""),
        received=received,
        check=form.get("check", ""),
    )


def _confirm(w: Work, found: int) -> Any:
    return handover.confirm(w, found, seen=request.form.get("seen", ""))


STEPS: dict[str, tuple[Callable[[Work, int], Any], Callable[[], str]]] = {
    "approve": (_approve, lambda: _("已批准处置")),
    "reject": (_reject, lambda: _("不予处置，文件已全部退回在库")),
    "withdraw": (_withdraw, lambda: _("已撤回，文件已全部退回在库")),
    "keep": (_keep, lambda: _("已从清单撤下，文件退回在库")),
    "sign": (_sign, lambda: _("已签字")),
    "receipt": (_receipt, lambda: _("已登记接收单，等待另一人复核")),
    "confirm": (_confirm, lambda: _("已复核，文件已移交归档")),
}


@bp.post("/<list_number>/<step>")
def do(list_number: str, step: str) -> Response:
    """One step of a list. What is missing brings the page back with all that was typed."""
    found = seen(list_number)
    if step not in STEPS:
        raise Missing
    verb, said = STEPS[step]
    list_id = found.id
    try:
        with work.begin(house(), signin.actor()) as w:
            done = verb(w, list_id)
            message = _("第二人已签字，正文密钥已销毁") if step == "sign" and done.state == "done" else said()
    except Invalid as invalid:
        return show_page(seen(list_number), invalid.errors, step, 422)
    except Conflict as conflict:
        return show_page(seen(list_number), {"": conflict.why}, step, 409)
    try:
        seen(list_number)
    except (Missing, Denied):
        return page.done(url_for("disposals.index"), message)
    return page.done(url_for("disposals.show", list_number=list_number), message)


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
