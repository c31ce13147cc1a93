"""Persons: accounts, passwords, roles, clearances; the three officers stay three (policy.separate)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask_babel import gettext as _
from sqlalchemy import bindparam, delete, func, or_, select
from sqlalchemy.orm import Session, aliased

from vault.levels import Level

from ..actor import BLIND, Actor
from ..errors import Conflict, Invalid, Missing
from ..kinds.base import ROLES
from ..models import Item, Loan, Person, Repository, RepositoryUnit, Role, Slip, Unit
from ..policy import Permission, separate
from ..settings import Settings
from ..work import Work

IMPLIED = ("staff", "member")


@lru_cache(maxsize=4)
def _hasher(time: int, memory: int) -> PasswordHasher:
    return PasswordHasher(time_cost=time, memory_cost=memory, parallelism=2)


def hasher(settings: Settings) -> PasswordHasher:
    return _hasher(settings.argon2_time, settings.argon2_memory_kb)


@lru_cache(maxsize=4)
def _nobody(time: int, memory: int) -> str:
    return _hasher(time, memory).hash("nobody has this password")


def nobody(settings: Settings) -> str:
    """A hash to compare with where there is none. Made once: making one at each try would itself tell by time."""
    return _nobody(settings.argon2_time, settings.argon2_memory_kb)


# Asked at each request, so built once.
_top, _below = aliased(Unit), aliased(Unit)
_PATH = select(Unit.path).where(Unit.id == bindparam("unit"))
_GIVEN = (
    select(Role.role, _below.id)
    .outerjoin(_top, _top.id == Role.unit_id)
    .outerjoin(_below, _below.path.startswith(_top.path))
    .where(Role.person_id == bindparam("person"))
)
_READABLE = (
    select(Repository.id)
    .outerjoin(RepositoryUnit, RepositoryUnit.repository_id == Repository.id)
    .where(or_(Repository.open, RepositoryUnit.unit_id.in_(bindparam("units", expanding=True))))
)


def actor_of(
    session: Session, person: Person, *, fresh: bool = False, origin: str = ""
) -> Actor:  # fmt: skip
    """The frozen picture of a person's standing. Three statements: ancestors, roles, restricted repositories."""
    path = session.execute(_PATH, {"unit": person.unit_id}).scalar_one()
    units = tuple(int(x) for x in path.strip("/").split("/") if x) or (person.unit_id,)
    given = session.execute(_GIVEN, {"person": person.id})
    everywhere: set[str] = set()
    covered: dict[str, set[int]] = {}
    for role, unit in given:
        if unit is None:
            everywhere.add(role)
        else:
            covered.setdefault(role, set()).add(unit)
    roles: dict[str, frozenset[int] | None] = {r: frozenset(u) for r, u in covered.items()}
    roles |= dict.fromkeys(everywhere)
    if not BLIND & set(roles):
        roles |= {"staff": None, "member": frozenset({person.unit_id})}
    readable = session.scalars(_READABLE, {"units": units})
    return Actor(
        id=person.id, login=person.login, name=person.name, unit_id=person.unit_id, units=units,
        clearance=Level(person.clearance), roles=roles, repositories=frozenset(readable), fresh=fresh, origin=origin,
        language=person.language, theme=person.theme, must_change=person.must_change, second_factor=bool(person.totp),
    )  # fmt: skip


def pinyin(name: str) -> str:
    """`陈立新` -> `chenlixin clx`: what a quick find matches and lists sort by."""
    from pypinyin import Style, lazy_pinyin  # its dictionaries cost half a second, and few commands need them

    full = "".join(lazy_pinyin(name)).lower()
    first = "".join(lazy_pinyin(name, style=Style.FIRST_LETTER)).lower()
    return f"{full} {first}"[:160]


def check_password(settings: Settings, login: str, password: str) -> None:
    """Long, not the login, not one character repeated. Raises Invalid."""
    if len(password) < settings.min_password:
        raise Invalid({"password": _("密码至少 %(n)s 位", n=settings.min_password)})
    if (login and login.lower() in password.lower()) or len(set(password)) < 5:
        raise Invalid({"password": _("密码过于简单：不要包含登录名，也不要重复同几个字符")})


def create(
    w: Work,
    *,
    login: str,
    name: str,
    unit_id: int,
    clearance: Level = Level.INTERNAL,
    roles: Sequence[tuple[str, int | None]] = (),
    password: str = "",
    must_change: bool = True,
    title: str = "",
    phone: str = "",
) -> Person:
    """A new account. The system administrator makes it with the lowest rights; clearance above 内部 and roles are given
    by the security officer. (`system` actors, i.e. the command line on the server, do both.)"""
    w.house.policy.demand(w.actor, Permission.PEOPLE_SET)
    if not w.actor.system and (roles or clearance > Level.INTERNAL):
        w.house.policy.demand(w.actor, Permission.CLEARANCE_SET)
    errors = {}
    login = login.strip().lower()
    if not login or not login.replace(".", "").replace("_", "").replace("-", "").isalnum() or len(login) > 64:
        errors["login"] = _("登录名由字母、数字、点、横线组成")
    elif w.session.scalar(select(Person.id).where(Person.login == login)):
        errors["login"] = _("登录名已被使用")
    if not name.strip():
        errors["name"] = _("请填写此项")
    if w.session.get(Unit, unit_id) is None:
        errors["unit"] = _("请从列表中选择")
    if wrong := separate([r for r, _u in roles], clearance):
        errors["roles"] = wrong[0]
    if errors:
        raise Invalid(errors)
    person = Person(
        login=login, name=name.strip()[:80], pinyin=pinyin(name), unit_id=unit_id, clearance=int(clearance),
        title=title[:80], phone=phone[:40], created=w.now, must_change=must_change,
    )  # fmt: skip
    if password:
        check_password(w.house.settings, login, password)
        person.password = hasher(w.house.settings).hash(password)
    w.session.add(person)
    w.session.flush()
    for role, unit in dict.fromkeys(roles):
        w.session.add(Role(person_id=person.id, role=role, unit_id=unit))
    w.record(
        "people.create",
        detail={"login": login, "clearance": clearance.slug, "roles": [list(r) for r in roles]},
    )
    return person


def get(w: Work, person_id: int) -> Person:
    """The person, locked for this transaction: of two officers at once the second sees what the first has done."""
    person = w.session.get(Person, person_id, with_for_update=True, populate_existing=True)
    if person is None:
        raise Missing()
    return person


def update(w: Work, person_id: int, *, name: str, unit_id: int, title: str, phone: str) -> Person:
    """Change the plain facts of a person."""
    w.house.policy.demand(w.actor, Permission.PEOPLE_SET)
    person = get(w, person_id)
    if not name.strip():
        raise Invalid({"name": _("请填写此项")})
    if w.session.get(Unit, unit_id) is None:
        raise Invalid({"unit": _("请从列表中选择")})
    moved = person.unit_id != unit_id
    person.name, person.pinyin, person.unit_id = (name.strip()[:80], pinyin(name), unit_id)
    person.title, person.phone = title.strip()[:80], phone.strip()[:40]
    w.record("people.update", detail={"login": person.login, "moved": moved})
    return person


def standing(w: Work, person_id: int, *, clearance: Level, roles: Sequence[tuple[str, int | None]]) -> Person:
    """The security officer sets clearance and roles of somebody else; every session of that person ends."""
    w.house.policy.demand(w.actor, Permission.CLEARANCE_SET, person_id)
    person = get(w, person_id)
    unknown = [r for r, _u in roles if r not in ROLES or r in IMPLIED]
    wrong = separate([r for r, _u in roles], clearance)
    if unknown or wrong:
        raise Invalid({"roles": wrong[0] if wrong else _("没有这个角色：%(role)s", role=unknown[0])})
    before = Level(person.clearance)
    w.session.execute(delete(Role).where(Role.person_id == person_id))
    for role, unit in dict.fromkeys(roles):
        w.session.add(Role(person_id=person_id, role=role, unit_id=unit))
    person.clearance = int(clearance)
    person.epoch += 1
    w.record(
        "people.standing",
        detail={
            "login": person.login,
            "from": before.slug,
            "to": clearance.slug,
            "roles": [list(r) for r in roles],
        },
    )
    return person


def disable(w: Work, person_id: int) -> Person:
    """Close an account; refused while a document is out or an order is in hand (离岗清退, row 80)."""
    w.house.policy.demand(w.actor, Permission.PEOPLE_SET)
    person = get(w, person_id)
    if person.id == w.actor.id:
        raise Conflict(_("不能停用自己的账号"))
    out = w.session.scalars(
        select(Item.number)
        .join(Loan, Loan.item_id == Item.id)
        .where(Loan.borrower_id == person_id, Loan.state.in_(("lent", "returned")))
    ).all()
    on_slips = select(func.count()).select_from(Slip)
    held = w.session.scalar(on_slips.where(Slip.holder_id == person_id, Slip.state == "moving")) or 0
    if out or held:
        raise Conflict(_("此人名下还有 %(n)s 份未还清的文件，归还并核验后方可停用", n=len(out) + held))
    person.active, person.epoch = False, person.epoch + 1
    w.record("people.disable", detail={"login": person.login})
    return person


def enable(w: Work, person_id: int) -> Person:
    w.house.policy.demand(w.actor, Permission.PEOPLE_SET)
    person = get(w, person_id)
    person.active = True
    w.record("people.enable", detail={"login": person.login})
    return person


def reset_password(w: Work, person_id: int, password: str) -> Person:
    """The administrator gives a start password; its owner must change it at the next sign-in.

    Who knows that password could come in as its owner. So that the administrator still reads nothing (三员分立), roles and
    any clearance above 内部 rest until the security officer gives them back; on the server itself they stay."""
    w.house.policy.demand(w.actor, Permission.PEOPLE_SET)
    person = get(w, person_id)
    check_password(w.house.settings, person.login, password)
    rested = {} if w.actor.system or person.id == w.actor.id else _rest(w, person)
    person.password, person.must_change = hasher(w.house.settings).hash(password), True
    person.epoch, person.totp = person.epoch + 1, ""
    w.record("people.reset_password", detail={"login": person.login} | rested)
    return person


def _rest(w: Work, person: Person) -> dict[str, Any]:
    """Take away what an account made by the administrator would not have; what it was, for the log."""
    held = w.session.scalars(select(Role).where(Role.person_id == person.id).order_by(Role.id)).all()
    was = {"roles": [[r.role, r.unit_id] for r in held], "from": Level(person.clearance).slug}
    if not held and person.clearance <= Level.INTERNAL:
        return {}
    for role in held:
        w.session.delete(role)
    person.clearance = min(person.clearance, int(Level.INTERNAL))
    return was | {"to": Level(person.clearance).slug}


def change_password(w: Work, old: str, new: str) -> Person:
    """One's own password; all other sessions end. The first one of an account without any needs no old one."""
    person = get(w, w.actor.id or 0)
    if person.password and not verify(w.house.settings, person.password, old):
        raise Invalid({"old": _("原密码不正确")})
    check_password(w.house.settings, person.login, new)
    if person.password and verify(w.house.settings, person.password, new):
        raise Invalid({"password": _("新密码不能与原密码相同")})
    person.password, person.must_change, person.epoch = (
        hasher(w.house.settings).hash(new),
        False,
        person.epoch + 1,
    )
    w.record("people.change_password", detail={"login": person.login})
    return person


def end_sessions(w: Work) -> Person:
    """Sign out everywhere: every session of the actor ends, this one too."""
    person = get(w, w.actor.id or 0)
    person.epoch += 1
    w.record("session.end_all", detail={"login": person.login})
    return person


def prefer(w: Work, *, language: str | None = None, theme: str | None = None) -> Person:
    """Language and colours of one's own pages."""
    person = get(w, w.actor.id or 0)
    if language in ("zh", "en"):
        person.language = language
    if theme in ("light", "dark", "auto"):
        person.theme = "" if theme == "auto" else theme
    return person


def verify(settings: Settings, hashed: str, password: str) -> bool:
    try:
        return hasher(settings).verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def having(session: Session, role: str, level: int = 0) -> Iterable[Person]:
    """Active persons with a role and clearance, for a chooser, by pinyin."""
    query = select(Person).join(Role, Role.person_id == Person.id).where(Role.role == role, Person.active)
    return session.scalars(query.where(Person.clearance >= level).order_by(Person.pinyin).distinct())
