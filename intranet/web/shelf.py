"""`/checks/`: one round through a place: scan, look, close, report. Each scan is a form that works without scripts."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request, url_for
from flask_babel import gettext as _

from .. import work
from ..errors import Conflict, Invalid
from ..extensions import db
from ..house import house
from ..models import ShelfCheck
from ..policy import Permission
from ..verbs import places, shelf_checks
from . import page, signin
from .items_read import in_full
from .names import names
from .places import STRENGTHS

bp = Blueprint("shelf", __name__)
CAMERA = "camera=(self), microphone=(), geolocation=()"


@bp.get("/places/<code>/check")
def begin(code: str) -> Response:
    """My open round through the place; else the place, where one is begun."""
    house().policy.demand(signin.actor(), Permission.PLACE_CHECK)
    place = places.by_code(db.session(), code)
    mine = shelf_checks.current(db.session(), signin.actor())
    if mine is not None and mine.place_id == place.id:
        return _to(mine)
    return redirect(url_for("places.show", code=place.code), 303)  # type: ignore[return-value]


@bp.post("/places/<code>/check")
def start(code: str) -> Response:
    try:
        with work.begin(house(), signin.actor()) as w:
            number = shelf_checks.start(w, code).id
    except Conflict as conflict:
        other = conflict.facts.get("check")
        return page.done(
            url_for(".sheet", check_id=other) if other else url_for("places.show", code=code),
            conflict.why,
            "soon",
        )
    return redirect(url_for(".sheet", check_id=number), 303)  # type: ignore[return-value]


def _to(check: ShelfCheck) -> Response:
    return redirect(url_for(".sheet", check_id=check.id), 303)  # type: ignore[return-value]


@bp.get("/checks/<int:check_id>")
def sheet(check_id: int) -> Response:
    return _sheet(check_id, {})


def _sheet(check_id: int, errors: dict[str, Any], status: int = 200, template: str = "sheet") -> Response:
    """The open sheet with its field, or the report of a closed one. The camera is allowed here only."""
    home, actor = house(), signin.actor()
    check = shelf_checks.of_id(db.session(), home, actor, check_id)
    found = shelf_checks.view(db.session(), home, actor, check)
    names().load(persons=[check.by_id])
    chosen = "report" if check.closed else template
    answer = page.render(
        f"checks/{chosen}.html",
        status=status,
        check=check,
        sheet=found,
        own=check.by_id == actor.id,
        errors=errors,
        values=request.form,
        strengths=STRENGTHS,
        in_full=in_full,
        moment_now=home.clock(),
    )
    if check.closed is None:
        answer.headers["Permissions-Policy"] = CAMERA
    return answer


@bp.post("/checks/<int:check_id>/scan")
def scan(check_id: int) -> Response:
    """One folder. What became of it is told at once."""
    text = request.form.get("code", "")
    try:
        with work.begin(house(), signin.actor()) as w:
            found = shelf_checks.scan(w, check_id, text)
            line = found.line
            facts = (
                {"number": line.item.number, "n": line.copy.number, "level": line.item.level} if line else {}
            )
            back = line is not None and line.copy.state == "missing"
    except Invalid as invalid:
        return _sheet(check_id, invalid.errors, 422)
    if back:
        said, tone = _("%(number)s 第 %(n)s 份曾登记为下落不明，请办理找回", **facts), "soon"
    elif found.what == "seen":
        said, tone = _("已见：%(number)s 第 %(n)s 份", **facts), "good"
    elif found.what == "extra":
        said, tone = _("不属此处：%(number)s 第 %(n)s 份", **facts), "soon"
    elif found.what == "again":
        said, tone = _("已经扫过：%(text)s", text=facts.get("number") or found.text), "waiting"
    else:
        said, tone = _("不认识的编码：%(text)s", text=found.text), "late"
    return page.done(
        page.safe_next(request.form.get("next"), url_for(".sheet", check_id=check_id)), said, tone
    )


@bp.post("/checks/<int:check_id>/lines/<int:line_id>/strike")
def strike(check_id: int, line_id: int) -> Response:
    with work.begin(house(), signin.actor()) as w:
        shelf_checks.strike(w, check_id, line_id)
    return page.done(url_for(".sheet", check_id=check_id), _("已划去一行"))


@bp.get("/checks/<int:check_id>/close")
def ending(check_id: int) -> Response:
    """What closing means: who is missing, what is done with what belongs elsewhere."""
    return _sheet(check_id, {}, template="close")


@bp.post("/checks/<int:check_id>/close")
def close(check_id: int) -> Response:
    form = request.form
    given = {name.removeprefix("action-"): form.get(name, "") for name in form if name.startswith("action-")}
    actions = {
        int(line): (what == "here", form.get(f"said-{line}", "")[:500])
        for line, what in given.items()
        if line.isascii() and line.isdigit() and len(line) < 10
    }
    shown = form.get("missing", "")
    try:
        with work.begin(house(), signin.actor()) as w:
            missing = int(shown) if shown.isascii() and shown.isdigit() and len(shown) < 7 else -1
            shelf_checks.close(w, check_id, missing, actions=actions)
    except Invalid as invalid:
        return _sheet(check_id, invalid.errors, 422, "close")
    except Conflict as conflict:
        return _sheet(check_id, {"": conflict.why}, 409, "close")
    return page.done(url_for(".sheet", check_id=check_id), _("清点已结束"))


@bp.post("/checks/<int:check_id>/drop")
def drop(check_id: int) -> Response:
    with work.begin(house(), signin.actor()) as w:
        place = shelf_checks.drop(w, check_id).place_id
        code = next(n.place.code for n in places.tree(w.session, active=False) if n.place.id == place)
    return page.done(url_for("places.show", code=code), _("已放弃这次清点，未作任何记录"), "soon")
