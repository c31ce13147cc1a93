"""`/people/`: accounts for the system administrator, clearances and roles for the security officer, a directory for all."""

from __future__ import annotations

import secrets
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from sqlalchemy import ColumnElement, func, or_, select

from vault.levels import Level

from .. import work
from ..errors import Conflict, Invalid, Missing
from ..extensions import db
from ..house import house
from ..kinds.base import ROLES
from ..models import Person, Role, Unit
from ..policy import Permission
from ..verbs import knowing, leaving, people
from . import choosers, page, signin

bp = Blueprint("people", __name__, url_prefix="/people")
SIZE = 60
START = "abcdefghjkmnpqrstuvwxyz23456789"  # signs that are read out without mistakes


# -- the directory -----------------------------------------------------------------------------------------------
@bp.get("/")
def index() -> Response:
    """By name, pinyin or login, and by unit with all below it."""
    house().policy.demand(signin.actor(), Permission.PEOPLE_VIEW)
    text, unit = request.args.get("q", "").strip()[:60], request.args.get("unit", "")
    chosen = _criteria(text, unit)
    query = select(Person).where(*chosen, *_beyond(request.args.get("after", "")))
    rows = db.session.scalars(query.order_by(Person.pinyin, Person.id).limit(SIZE + 1)).all()
    shown = rows[:SIZE]
    last = shown[-1] if len(rows) > SIZE else None
    return page.render(
        "people/index.html",
        "people/_rows.html",
        rows=shown,
        total=db.session.scalar(select(func.count()).select_from(Person).where(*chosen)),
        held=_held([p.id for p in shown]) if _officer() else {},
        roles=ROLES,
        units=choosers.units(),
        q=text,
        unit=unit,
        officer=_officer(),
        may_set=house().policy.decide(signin.actor(), Permission.PEOPLE_SET).ok,
        next=url_for(".index", q=text, unit=unit, after=f"{last.pinyin}|{last.id}") if last else "",
    )


def _criteria(text: str, unit: str) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [] if _officer() else [Person.active]
    if text:
        escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        like, lower = f"%{escaped}%", f"%{escaped.lower()}%"
        found.append(
            or_(
                Person.name.like(like, escape="\\"),
                Person.pinyin.like(lower, escape="\\"),
                Person.login.like(lower, escape="\\"),
            )
        )
    if unit.isdigit() and (top := db.session.get(Unit, _number(unit))) is not None:
        found.append(Person.unit_id.in_(select(Unit.id).where(Unit.path.startswith(top.path))))
    return found


def _beyond(after: str) -> list[ColumnElement[bool]]:
    pinyin, _sep, last = after.rpartition("|")
    if not (last.isascii() and last.isdigit() and len(last) < 10):
        return []
    return [or_(Person.pinyin > pinyin, (Person.pinyin == pinyin) & (Person.id > int(last)))]


def _held(person_ids: list[int]) -> dict[int, list[Role]]:
    """The roles of these people, for those whose business they are."""
    held: dict[int, list[Role]] = {}
    for r in db.session.scalars(select(Role).where(Role.person_id.in_(person_ids)).order_by(Role.role)):
        held.setdefault(r.person_id, []).append(r)
    return held


def _officer() -> bool:
    """Whether clearances and roles are this person's business (or their account)."""
    actor = signin.actor()
    return actor.has("sysadmin") or actor.has("security_officer")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0


# -- a new account -----------------------------------------------------------------------------------------------
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
        except Conflict as conflict:
            errors = {"": conflict.why}
    return page.render(
        "people/new.html",
        status=422 if errors else 200,
        values=request.form,
        errors=errors,
        units=choosers.units(),
        start=request.form.get("password") or start_password(),
    )


def start_password() -> str:
    """A start password to be handed over and changed at the first sign-in: `k7mx-9qtb-h3wp-d2rn`, 78 random bits."""
    return "-".join("".join(secrets.choice(START) for _i in range(4)) for _g in range(4))


# -- one person --------------------------------------------------------------------------------------------------
def _get(person_id: int) -> Person:
    house().policy.demand(signin.actor(), Permission.PEOPLE_VIEW)
    person = db.session.get(Person, person_id)
    if person is None or not (person.active or _officer()):
        raise Missing()
    return person


@bp.get("/<int:person_id>")
def show(person_id: int) -> Response:
    return _page(person_id, {})


def _page(person_id: int, errors: dict[str, Any], status: int = 422) -> Response:
    policy, actor, person = house().policy, signin.actor(), _get(person_id)
    held = _held([person.id]).get(person.id, []) if _officer() or person.id == actor.id else []
    clears = actor.has("security_officer")
    return page.render(
        "people/show.html",
        status=status if errors else 200,
        person=person,
        held=held,
        kept=request.form.getlist("role")
        if "clearance" in request.form
        else [f"{r.role}@{r.unit_id or ''}" for r in held],
        titles=ROLES,
        roles={r: t for r, t in ROLES.items() if r not in people.IMPLIED},
        units=choosers.units(),
        levels=list(Level),
        may_set=(may_set := policy.decide(actor, Permission.PEOPLE_SET).ok),
        left=leaving.left(db.session(), house(), person.id) if may_set and person.active else [],
        left_words=left_words,
        may_clear=policy.decide(actor, Permission.CLEARANCE_SET, person.id).ok,
        clears=clears,
        officer=_officer(),
        values=request.form if errors else {},
        errors=errors,
        start=start_password(),
    )


@bp.get("/<int:person_id>/sees")
def sees(person_id: int) -> Response:
    """What this person may know of, for the security officer; recorded."""
    with work.begin(house(), signin.actor()) as w:
        house().policy.demand(w.actor, Permission.PEOPLE_SEES)
        person = _get(person_id)
        known = knowing.of_person(w, person, people.actor_of(w.session, person))
    return page.render(
        "people/sees.html",
        person=person,
        known=known,
        kinds=list(house().kinds.values()),
        levels=[x for x in Level if x >= Level.INTERNAL],
    )


def left_words(code: str) -> str:
    """What a person still has in hand (`leaving.QUESTIONS`), in words."""
    words = {
        "loan": _("未还清的借阅"),
        "slip": _("手中的传递文件"),
        "hop": _("待其签收的传递"),
        "approval": _("待审批的申请"),
        "check": _("未结束的清点"),
    }
    kind = house().kinds.get(code.removeprefix("item."))
    return _("在办的%(kind)s", kind=kind.title) if kind else words.get(code, code)


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
        return _page(person_id, invalid.errors)
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
        with work.begin(house(), signin.actor()) as w:
            if str(level) != request.form.get("clearance") or level not in [int(x) for x in Level]:
                raise Invalid({"clearance": _("请从列表中选择")})
            people.standing(w, person_id, clearance=Level(level), roles=given)
    except Invalid as invalid:
        return _page(person_id, invalid.errors)
    return page.done(url_for(".show", person_id=person_id), _("密级与角色已更新，此人须重新登录"))


@bp.post("/<int:person_id>/password")
def password(person_id: int) -> Response:
    try:
        with work.begin(house(), signin.actor()) as w:
            people.reset_password(w, person_id, request.form.get("password", ""))
    except Invalid as invalid:
        return _page(person_id, invalid.errors)
    return page.done(url_for(".show", person_id=person_id), _("密码已重置，此人下次登录时须修改"))


@bp.post("/<int:person_id>/<any(disable, enable):what>")
def switch(person_id: int, what: str) -> Response:
    try:
        with work.begin(house(), signin.actor()) as w:
            (people.disable if what == "disable" else people.enable)(w, person_id)
    except Conflict as conflict:
        return _page(person_id, {"": conflict.why}, 409)
    done = _("账号已停用，所有会话已结束") if what == "disable" else _("账号已启用")
    return page.done(url_for(".show", person_id=person_id), done)
