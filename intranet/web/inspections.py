"""`/inspections/`: what is due, the sheet for a walk, and what is found of one copy; putting copies elsewhere."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _

from .. import work
from ..errors import Conflict, Invalid, Missing
from ..extensions import db
from ..house import house
from ..models import Copy
from ..policy import Permission, Standing
from ..verbs import copies, inspecting, inspections, places, placing
from . import page, signin
from .items_read import in_full, seen

bp = Blueprint("inspections", __name__)
WALK = 1000  # copies on one sheet for a walk


@bp.get("/inspections/")
def index() -> Response:
    """Due and overdue copies of my units, by level and place."""
    found, chosen = _plan(inspections.PAGE)
    return page.render("inspections/index.html", plan=found, **chosen)


@bp.get("/inspections/walk")
def walk() -> Response:
    """The printed list for a walk. That it was made is recorded."""
    found, chosen = _plan(WALK)
    with work.begin(house(), signin.actor()) as w:
        level = max((r.item.level for r in found.rows), default=None)
        w.record("inspection.print", detail={"place": chosen["place"], "count": len(found.rows)}, level=level)
    found, chosen = _plan(WALK)
    return page.render(
        "inspections/walk.html", plan=found, in_full=in_full, moment_now=house().clock(), **chosen
    )


def _plan(size: int) -> tuple[inspections.Plan, dict[str, Any]]:
    home, actor, session = house(), signin.actor(), db.session()
    home.policy.demand(actor, Permission.PLACE_CHECK)
    levels = [int(n) for n in request.args.getlist("level") if n in ("1", "2", "3", "4")]
    nodes = places.tree(session)
    place = request.args.get("place", "")[:40]
    at = next((n.place for n in nodes if n.place.code == place), None)
    found = inspections.plan(
        session,
        home,
        actor,
        levels=levels,
        places=places.within(session, at.id) if at else (),
        late=request.args.get("late") == "1",
        after=request.args.get("after", "")[:40],
        size=size,
    )
    return found, {
        "levels": levels,
        "place": place if at else "",
        "where": at,
        "late": request.args.get("late") == "1",
        "inside_of": [(n.place.code, "　" * n.depth + n.place.name) for n in nodes],
        "today": home.clock().astimezone(home.zone).date(),
        "days": inspections.days(home),
    }


# -- one copy -----------------------------------------------------------------------------------------------------
def _about(number: str) -> tuple[Standing, Copy]:
    """The file and the copy of the address; the first living one where none is named."""
    s = seen(number)
    house().policy.demand(signin.actor(), Permission.ITEM_INSPECT, s)
    given = request.values.get("copy", "")
    there = copies.of_item(db.session(), s.item.id)
    if given:
        copy = next((c for c in there if str(c.number) == given), None)
    else:
        copy = next((c for c in there if c.state in copies.LIVING), None)
    if copy is None:
        raise Missing
    return s, copy


def _form(template: str, number: str, errors: dict[str, Any], status: int = 200) -> Response:
    s, copy = _about(number)
    home = house()
    nodes = places.tree(db.session())
    strong = [n for n in nodes if n.place.strength >= s.item.level]
    return page.render(
        f"inspections/{template}.html",
        status=status,
        item=s.item,
        kind=home.kinds[s.item.kind],
        copy=copy,
        copies=[c for c in copies.of_item(db.session(), s.item.id) if c.state in copies.LIVING],
        codes={n.place.id: n.place.code for n in nodes},
        everywhere=[(n.place.code, "　" * n.depth + n.place.name) for n in nodes],
        strong=[(n.place.code, n.place.name) for n in strong],
        due=inspections.due_on(home, copy, s.item.level),
        values=request.form,
        errors=errors,
    )


@bp.get("/i/<number>/inspect")
def inspect(number: str) -> Response:
    return _form("inspect", number, {})


@bp.post("/i/<number>/inspect")
def write(number: str) -> Response:
    form = request.form
    s, copy = _about(number)
    n = copy.number
    try:
        with work.begin(house(), signin.actor()) as w:
            row = inspecting.inspect(
                w, s.item.id, n, form.get("found", ""), seen=form.get("seen", ""), keep_here=form.get("here") == "1",
                note=form.get("note", ""), action=form.get("action", ""),
            )  # fmt: skip
            lost = row.found == "missing"
    except Invalid as invalid:
        return _form("inspect", number, invalid.errors, 422)
    except Conflict as conflict:
        return _form("inspect", number, {"": conflict.why}, 409)
    said = _("已登记下落不明，并立为安全事件") if lost else _("已记入检查")
    return _back(number, said, "late" if lost else "good")


@bp.post("/i/<number>/inspect/all")
def all_present(number: str) -> Response:
    s = seen(number)
    with work.begin(house(), signin.actor()) as w:
        n = inspecting.all_present(w, s.item.id)
    return _back(number, _("%(n)s 份均完好在位，已记入检查", n=n), "good")


@bp.get("/i/<number>/find")
def find(number: str) -> Response:
    return _form("find", number, {})


@bp.post("/i/<number>/find")
def found(number: str) -> Response:
    s, copy = _about(number)
    n, form = copy.number, request.form
    try:
        with work.begin(house(), signin.actor()) as w:
            inspecting.find(w, s.item.id, n, note=form.get("note", ""), place=form.get("place", ""))
    except Invalid as invalid:
        return _form("find", number, invalid.errors, 422)
    except Conflict as conflict:
        return _form("find", number, {"": conflict.why}, 409)
    return _back(number, _("已找回入库，安全事件中已留言"), "good")


@bp.get("/i/<number>/place")
def place(number: str) -> Response:
    return _form("place", number, {})


@bp.post("/i/<number>/place")
def put(number: str) -> Response:
    """Copies into another place: those that are ticked."""
    s = seen(number)
    form = request.form
    ticked = [int(n) for n in form.getlist("copies") if n.isascii() and n.isdigit() and len(n) < 6]
    try:
        with work.begin(house(), signin.actor()) as w:
            if not ticked:
                raise Invalid({"copies": _("请至少勾选一份")})
            placing.put(w, s.item.id, form.get("place", ""), ticked, reason=form.get("reason", ""))
    except Invalid as invalid:
        return _form("place", number, invalid.errors, 422)
    return _back(number, _("已改放"), "good")


def _back(number: str, said: str, tone: str) -> Response:
    """To the page that led here, else to the inspections of the file."""
    home = url_for("items.show", number=number, tab="inspections") + "#more"
    return page.done(page.safe_next(request.form.get("next"), home), said, tone)
