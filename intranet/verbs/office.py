"""Founding an office and keeping its own lists: units, vocabularies, repositories, places."""

from __future__ import annotations

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.levels import Level

from ..errors import Invalid, Missing
from ..models import Person, Repository, RepositoryUnit, Term, Unit
from ..policy import Permission
from ..work import Work
from . import people, places

# The seven sections of a logistics office (seeds L130-137), under the office itself.
SECTIONS = (
    ("HQ", "后勤管理处", "Logistics Office", None),
    ("BG", "办公室", "General Office", "HQ"),
    ("CW", "财务科", "Finance Section", "HQ"),
    ("WX", "维修科", "Maintenance Section", "HQ"),
    ("ST", "食堂科", "Canteen Section", "HQ"),
    ("SS", "宿舍科", "Dormitory Section", "HQ"),
    ("LH", "绿化科", "Greening Section", "HQ"),
    ("CL", "车辆科", "Vehicle Section", "HQ"),
)
REPOSITORIES = (
    ("GZ", "规章制度库", ""),
    ("SB", "设备资料库", "equipment"),
    ("CG", "采购与合同库", "contract"),
)
PLACES = (
    ("BMS-1", "保密室 1 号柜", 4, "cabinet"),
    ("SG-1", "办公室锁柜 1 号", 3, "cabinet"),
    ("GZ-1", "办公室文件柜 1 号", 2, "cabinet"),
    ("GQ-1", "办公室工作区", 1, "room"),
)


def found(w: Work, *, admin: str) -> bool:
    """Make the default tree, lists and first administrator, each only where it is missing. Whether anything was made."""
    made = False
    if w.session.scalar(select(Unit.id).limit(1)) is None:
        for order, (code, name, name_en, parent) in enumerate(SECTIONS):
            add_unit(w, code, name, parent=parent, name_en=name_en, order=order)
        root = w.session.scalars(select(Unit).where(Unit.code == "HQ")).one()
        for code, title, business in REPOSITORIES:
            w.session.add(Repository(code=code, title=title, business=business, open=True))
        for code, name, strength, form in PLACES:
            places.add(w, code, name, strength, root.id, form=form)
        made = True
    if w.session.scalar(select(Person.id).limit(1)) is None:
        root_id = w.session.scalars(select(Unit.id).where(Unit.parent_id.is_(None))).first()
        people.create(
            w,
            login=admin,
            name="系统管理员",
            unit_id=root_id or 0,
            clearance=Level.PUBLIC,
            roles=[("sysadmin", None)],
        )
        made = True
    return made


def add_unit(
    w: Work, code: str, name: str, *, parent: str | None = None, name_en: str = "", order: int = 0
) -> Unit:  # fmt: skip
    """A unit under another."""
    w.house.policy.demand(w.actor, Permission.OFFICE_SET)
    code = code.strip().upper()
    errors = (
        {} if code.isascii() and code.isalnum() and len(code) <= 40 else {"code": _("代码由字母数字组成")}
    )
    errors |= {} if name.strip() else {"title": _("请填写此项")}
    if errors:
        raise Invalid(errors)
    above = w.session.scalar(select(Unit).where(Unit.code == parent)) if parent else None
    if parent and above is None:
        raise Missing()
    unit = Unit(
        code=code,
        name=name.strip()[:120],
        name_en=name_en,
        parent_id=above.id if above else None,
        order=order,
    )
    w.session.add(unit)
    w.session.flush()
    unit.path = f"{above.path if above else '/'}{unit.id}/"
    w.record("office.unit", detail={"code": code})
    return unit


def add_term(w: Work, vocabulary: str, code: str, title: str, *, parent: str = "") -> Term:
    """A word of a vocabulary; the same code again gives the living term back."""
    w.house.policy.demand(w.actor, Permission.OFFICE_SET)
    code = code.strip()
    if not code or not title.strip():
        raise Invalid({"title": _("请填写此项")})
    term = w.session.scalar(select(Term).where(Term.vocabulary == vocabulary, Term.code == code))
    if term is None:
        term = Term(vocabulary=vocabulary, code=code[:80], title=title.strip()[:120], parent=parent)
        w.session.add(term)
        w.record("office.term", detail={"vocabulary": vocabulary, "code": code})
    else:
        term.title, term.active = title.strip()[:120], True
    w.session.flush()
    return term


def retire_term(w: Work, term_id: int) -> None:
    """Offer a word no longer; entries that have it keep it."""
    w.house.policy.demand(w.actor, Permission.OFFICE_SET)
    term = w.session.get(Term, term_id)
    if term is None:
        raise Missing()
    term.active = False
    w.record("office.term_retired", detail={"vocabulary": term.vocabulary, "code": term.code})


def restore_term(w: Work, term_id: int) -> None:
    """Offer a retired word again."""
    w.house.policy.demand(w.actor, Permission.OFFICE_SET)
    term = w.session.get(Term, term_id)
    if term is None:
        raise Missing()
    term.active = True
    w.record("office.term", detail={"vocabulary": term.vocabulary, "code": term.code})


def add_repository(w: Work, code: str, title: str) -> Repository:
    """A new repository, open to all staff until its readers are set."""
    w.house.policy.demand(w.actor, Permission.OFFICE_SET)
    if errors := {k: _("请填写此项") for k, v in (("code", code), ("title", title)) if not v.strip()}:
        raise Invalid(errors)
    repository = Repository(code=code.strip().upper()[:40], title=title.strip()[:120], open=True)
    w.session.add(repository)
    w.record("office.repository", detail={"code": repository.code})
    return repository


def readers(w: Work, repository_id: int, unit_ids: list[int] | None) -> Repository:
    """Who reads a repository: None opens it to all staff, else the listed units and those below."""
    w.house.policy.demand(w.actor, Permission.OFFICE_SET)
    repository = w.session.get(Repository, repository_id)
    if repository is None:
        raise Missing()
    living = {u.id for u in units(w.session)}
    if unit_ids is not None and not (unit_ids and living.issuperset(unit_ids)):
        raise Invalid({"units": _("请至少勾选一个单位，否则无人能读")})
    for row in w.session.scalars(select(RepositoryUnit).where(RepositoryUnit.repository_id == repository_id)):
        w.session.delete(row)
    w.session.flush()
    repository.open = unit_ids is None
    for unit_id in set(unit_ids or []):
        w.session.add(RepositoryUnit(repository_id=repository_id, unit_id=unit_id))
    w.record("office.readers", detail={"repository": repository.code, "units": unit_ids})
    w.after("reindex_repository", repository=repository_id)
    return repository


def units(session: Session) -> list[Unit]:
    """All living units in tree order."""
    return list(session.scalars(select(Unit).where(Unit.active).order_by(Unit.path)))
