"""`/people/`: accounts for the system administrator, clearances and roles for the security officer, a directory for all."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from sqlalchemy import or_, select

from vault.levels import Level

from .. import work
from ..errors import Invalid, Missing
from ..extensions import db
from ..house import house
from ..kinds.base import ROLES
from ..models import Person, Role
from ..policy import Permission
from ..verbs import office, people
from . import page, signin

bp = Blueprint("people", __name__, url_prefix="/people")
SIZE = 60


@bp.get("/")
def index() -> Response:
    """The directory: by name, pinyin or login, and by unit."""
    house().policy.demand(signin.actor(), Permission.PEOPLE_VIEW)
    text, unit, after = (
        request.args.get("q", "").strip()[:60],
        request.args.get("unit", ""),
        request.args.get("after", ""),
    )
    query = select(Person).order_by(Person.pinyin, Person.id)
    if text:
        like = f"%{text.replace('%', '')}%"
        query = query.where(
            or_(Person.name.like(like), Person.pinyin.like(like.lower()), Person.login.like(like.lower()))
        )
    if unit.isdigit():
        query = query.where(Person.unit_id == int(unit))
    if not _officer():
        query = query.where(Person.active)
    pinyin, _sep, last = after.rpartition("|")
    if last.isdigit():
        query = query.where(or_(Person.pinyin > pinyin, (Person.pinyin == pinyin) & (Person.id > int(last))))
    rows = db.session.scalars(query.limit(SIZE + 1)).all()
    shown = rows[:SIZE]
    held: dict[int, list[str]] = {}
    if _officer():
        for r in db.session.scalars(select(Role).where(Role.person_id.in_([p.id for p in shown]))):
            held.setdefault(r.person_id, []).append(r.role)
    return page.render(
        "people/index.html",
        "people/_rows.html",
        rows=shown,
        held=held,
        roles=ROLES,
        units=office.units(db.session()),
        q=text,
        unit=unit,
        officer=_officer(),
        next=url_for(".index", q=text, unit=unit, after=f"{shown[-1].pinyin}|{shown[-1].id}")
        if len(rows) > SIZE
        else "",
    )


def _officer() -> bool:
    """Whether clearances and roles are this person's business (or their account)."""
    actor = signin.actor()
    return actor.has("sysadmin") or actor.has("security_officer")


@bp.route("/new", methods=["GET", "POST"])
def new() -> Response:
    house().policy.demand(signin.actor(), Permission.PEOPLE_SET)
    errors: dict[str, Any] = {}
    if request.method == "POST":
        try:
            with work.begin(house(), signin.actor()) as w:
                person = people.create(
                    w,
                    login=request.form.get("login", ""),
                    name=request.form.get("name", ""),
                    unit_id=_number(request.form.get("unit")),
                    title=request.form.get("title", ""),
                    phone=request.form.get("phone", ""),
                    password=request.form.get("password", ""),
                )
            return page.done(url_for(".show", person_id=person.id), _("已建立账号"))
        except Invalid as invalid:
            errors = invalid.errors
    return page.render(
        "people/form.html", status=422 if errors else 200, person=None, values=request.form, errors=errors,
        units=office.units(db.session()),
    )  # fmt: skip


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() and len(text) < 10 else 0


def _get(person_id: int) -> Person:
    house().policy.demand(signin.actor(), Permission.PEOPLE_VIEW)
    person = db.session.get(Person, person_id)
    if person is None or not (person.active or _officer()):
        raise Missing()
    return person


@bp.get("/<int:person_id>")
def show(person_id: int) -> Response:
    return _page(_get(person_id), {})


def _page(person: Person, errors: dict[str, Any]) -> Response:
    policy, actor = house().policy, signin.actor()
    mine = select(Role).where(Role.person_id == person.id).order_by(Role.role)
    return page.render(
        "people/show.html",
        status=422 if errors else 200,
        person=person,
        held=list(db.session.scalars(mine)) if _officer() or person.id == actor.id else [],
        roles={r: t for r, t in ROLES.items() if r not in people.IMPLIED},
        units=office.units(db.session()),
        levels=list(Level),
        may_set=policy.decide(actor, Permission.PEOPLE_SET).ok,
        may_clear=policy.decide(actor, Permission.CLEARANCE_SET, person.id).ok,
        officer=_officer(),
        values=request.form,
        errors=errors,
    )


@bp.post("/<int:person_id>")
def update(person_id: int) -> Response:
    form = request.form
    try:
        with work.begin(house(), signin.actor()) as w:
            people.update(
                w, person_id, name=form.get("name", ""), unit_id=_number(form.get("unit")), title=form.get("title", ""),
                phone=form.get("phone", ""),
            )  # fmt: skip
    except Invalid as invalid:
        return _page(_get(person_id), invalid.errors)
    return page.done(url_for(".show", person_id=person_id), _("已保存"))


@bp.post("/<int:person_id>/standing")
def standing(person_id: int) -> Response:
    """Clearance and roles, by the security officer. Roles come as `role@unit id`, or `role@` for everywhere."""
    given: list[tuple[str, int | None]] = []
    for word in request.form.getlist("role"):
        role, _sep, unit = word.partition("@")
        given.append((role, _number(unit) or None))
    if role := request.form.get("add_role"):
        given.append((role, _number(request.form.get("add_unit")) or None))
    level = _number(request.form.get("clearance"))
    try:
        if level not in [int(x) for x in Level]:
            raise Invalid({"clearance": _("请从列表中选择")})
        with work.begin(house(), signin.actor()) as w:
            people.standing(w, person_id, clearance=Level(level), roles=given)
    except Invalid as invalid:
        return _page(_get(person_id), invalid.errors)
    return page.done(url_for(".show", person_id=person_id), _("密级与角色已更新，此人须重新登录"))


@bp.post("/<int:person_id>/password")
def password(person_id: int) -> Response:
    try:
        with work.begin(house(), signin.actor()) as w:
            people.reset_password(w, person_id, request.form.get("password", ""))
    except Invalid as invalid:
        return _page(_get(person_id), invalid.errors)
    return page.done(url_for(".show", person_id=person_id), _("密码已重置，此人下次登录时须修改"))


@bp.post("/<int:person_id>/<any(disable, enable):what>")
def switch(person_id: int, what: str) -> Response:
    with work.begin(house(), signin.actor()) as w:
        (people.disable if what == "disable" else people.enable)(w, person_id)
    done = _("账号已停用，所有会话已结束") if what == "disable" else _("账号已启用")
    return page.done(url_for(".show", person_id=person_id), done)
