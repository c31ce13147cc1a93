"""`/places/`: where things are kept, as a tree; one place with what stands in it; what is done to it. `/p/<code>` is in its code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from sqlalchemy import select

from .. import work
from ..errors import Conflict, Invalid
from ..extensions import db
from ..house import house
from ..models import Copy, Item, Place
from ..policy import Permission
from ..verbs import care, copies, places, shelf_checks
from ..work import Work
from . import choosers, page, signin
from .names import names

bp = Blueprint("places", __name__)
FORMS = {"room": lazy_gettext("房间"), "cabinet": lazy_gettext("柜"), "shelf": lazy_gettext("层架")}
STRENGTHS = {4: lazy_gettext("保密室"), 3: lazy_gettext("锁柜"), 2: lazy_gettext("柜子"), 1: lazy_gettext("工作区")}  # fmt: skip
ROWS = 300


@bp.get("/places/")
def index() -> Response:
    return _index({})


def _index(errors: dict[str, Any], status: int = 200) -> Response:
    """The tree. How much stands where is said to custodians, of what they may know; the administrator sees places only."""
    home, actor = house(), signin.actor()
    home.policy.demand(actor, Permission.PLACE_SET)
    nodes = places.tree(db.session())
    return page.render(
        "places/index.html",
        status=status,
        nodes=nodes,
        counts=places.counts(db.session(), home, actor) if actor.has("custodian") else None,
        retired=[n.place for n in places.tree(db.session(), active=False) if not n.place.active],
        open_check=shelf_checks.current(db.session(), actor) if actor.has("custodian") else None,
        **_words(nodes),
        units=choosers.units(),
        values=request.form,
        errors=errors,
        forms=FORMS,
        strengths=STRENGTHS,
    )


def _words(nodes: list[places.Node]) -> dict[str, Any]:
    inside = [(n.place.code, "　" * n.depth + n.place.name) for n in nodes]
    return {"inside_of": inside, "titles": {n.place.id: n.place.name for n in nodes}}


@bp.post("/places/")
def add() -> Response:
    form = request.form
    try:
        with work.begin(house(), signin.actor()) as w:
            place = places.add(
                w, form.get("code", ""), form.get("title", ""), _number("strength"), _number("unit"),
                form=form.get("form", "cabinet"), parent=form.get("parent", ""),
            )  # fmt: skip
            code = place.code
    except Invalid as invalid:
        return _index(invalid.errors, 422)
    except Conflict as conflict:
        return _index({"code": conflict.why}, 409)
    return page.done(url_for(".show", code=code), _("已添加场所"))


def _number(name: str) -> int:
    text = request.form.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


@bp.get("/p/<code>")
def scanned(code: str) -> Response:
    """What the label of a place holds."""
    house().policy.demand(signin.actor(), Permission.PLACE_SET)
    return redirect(url_for(".show", code=code), 303)  # type: ignore[return-value]


@bp.get("/places/<code>")
def show(code: str) -> Response:
    return _show(code, {})


def _show(code: str, errors: dict[str, Any], status: int = 200) -> Response:
    """One place: what stands in it (as far as it may be known), the rounds through it, what may be done. A fixed number of statements."""
    home, actor, session = house(), signin.actor(), db.session()
    home.policy.demand(
        actor, Permission.PLACE_SET
    )  # before the code is looked up: no answer tells which there are
    place = places.by_code(session, code)
    nodes = places.tree(session)
    inside = places.within(session, place.id)
    keeps = home.policy.decide(actor, Permission.PLACE_CHECK, place.unit_id).ok
    rows: list[Any] = []
    checks: list[Any] = []
    if actor.has("custodian"):
        query = (
            select(Copy, Item)
            .join(Item, Item.id == Copy.item_id)
            .where(Copy.place_id.in_(inside), Copy.state.in_(copies.LIVING), care.mine(home.policy, actor))
            .order_by(Copy.place_id, Item.number, Copy.number)
            .limit(ROWS + 1)
        )
        rows = list(session.execute(query, {"now": home.clock()}).all())
    if keeps:
        rounds = [c for c in shelf_checks.of_place(session, place.id) if c.closed or c.by_id == actor.id]
        results = shelf_checks.results(session, home, actor, [c.id for c in rounds])
        names().load(persons=[c.by_id for c in rounds])
        checks = [(c, results.get(c.id, {})) for c in rounds]
    return page.render(
        "places/show.html",
        status=status,
        place=place,
        above=next((n.place for n in nodes if n.place.id == place.parent_id), None),
        below=[n.place for n in nodes if n.place.parent_id == place.id],
        rows=rows[:ROWS],
        more=len(rows) > ROWS,
        checks=checks,
        keeps=keeps,
        may_set=home.policy.decide(actor, Permission.PLACE_SET, place.unit_id).ok,
        custodian=actor.has("custodian"),
        values=request.form,
        errors=errors,
        forms=FORMS,
        strengths=STRENGTHS,
        **_words([n for n in nodes if n.place.id not in inside]),
        all_titles={n.place.id: n.place.name for n in nodes} | {place.id: place.name},
    )


Step = Callable[[Work, str], Place]
STEPS: dict[str, tuple[Step, Callable[[], str]]] = {
    "rename": (lambda w, code: places.rename(w, code, request.form.get("title", "")), lambda: _("名称已更改")),
    "strength": (lambda w, code: places.strengthen(w, code, _number("strength")), lambda: _("种类已更改")),
    "move": (lambda w, code: places.move(w, code, request.form.get("parent", "")), lambda: _("已移动")),
    "retire": (places.retire, lambda: _("已停用")),
    "restore": (places.restore, lambda: _("已恢复")),
}  # fmt: skip


@bp.post("/places/<code>/<any(rename, strength, move, retire, restore):what>")
def do(code: str, what: str) -> Response:
    """One step; what is refused comes back beside what was chosen."""
    verb, said = STEPS[what]
    try:
        with work.begin(house(), signin.actor()) as w:
            verb(w, code)
    except Invalid as invalid:
        return _show(code, {f"{what}.{k}": v for k, v in invalid.errors.items()}, 422)
    except Conflict as conflict:
        return _show(code, {what: conflict.why}, 409)
    return page.done(url_for(".show", code=code), said())
