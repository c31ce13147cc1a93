"""Founding the demo office: the installation makes the officers, the administrator the accounts, the security officer the rights."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from vault.levels import Level

from ..models import Person
from ..verbs import office, people, places
from ..work import Work
from . import people as who
from .diary import Diary, person, repository, unit

BEFORE = 75  # days: the office is founded before anything else happens


def founding(diary: Diary) -> None:
    """The entries of the first day."""
    start = diary.moment(BEFORE, 8).replace(minute=0)
    steps = (
        ("cli:demo", _officers),
        ("admin", _own_password),
        ("admin", _lists),
        ("admin", _accounts),
        ("security", _rights),
    )
    for minute, (login, act) in enumerate(steps):
        diary.add(start.replace(minute=minute), login, act)


def _officers(w: Work, _blobs: Sequence[int]) -> None:
    office.found(w, admin="admin")
    for p in who.PEOPLE:
        if not p.first or w.session.scalar(select(Person.id).where(Person.login == p.login)):
            continue
        people.create(
            w, login=p.login, name=p.name, unit_id=unit(w, p.unit), clearance=p.clearance, password=who.PASSWORD,
            must_change=False, title=p.title, phone=p.phone, roles=[(r, unit(w, u) if u else None) for r, u in p.roles],
        )  # fmt: skip


def _own_password(w: Work, _blobs: Sequence[int]) -> None:
    """The first administrator of `init` has no password until its first sign-in."""
    me = people.get(w, w.actor.id or 0)
    if not me.password:
        people.change_password(w, "", who.PASSWORD)
    admin = next(p for p in who.PEOPLE if p.login == "admin")
    people.update(
        w, me.id, name=admin.name, unit_id=unit(w, admin.unit), title=admin.title, phone=admin.phone
    )


def _lists(w: Work, _blobs: Sequence[int]) -> None:
    for order, (code, name, name_en, above) in enumerate(who.UNITS):
        office.add_unit(w, code, name, parent=above, name_en=name_en, order=20 + order)
    for code, name, strength, at in who.PLACES:
        places.add(w, code, name, strength, unit(w, at))
    for word in who.SUBCLASSES:
        office.add_term(w, "subclass", word, word, parent="other")
    for code, readers in who.RESTRICTED.items():
        office.readers(w, repository(w, code) or 0, [unit(w, u) for u in readers])


def _accounts(w: Work, _blobs: Sequence[int]) -> None:
    for p in who.PEOPLE:
        if not p.first:
            people.create(
                w, login=p.login, name=p.name, unit_id=unit(w, p.unit), clearance=min(p.clearance, Level.INTERNAL),
                password=who.PASSWORD, must_change=False, title=p.title, phone=p.phone,
            )  # fmt: skip


def _rights(w: Work, _blobs: Sequence[int]) -> None:
    for p in who.PEOPLE:
        if not p.first and (p.roles or p.clearance > Level.INTERNAL):
            roles = [(r, unit(w, u) if u else None) for r, u in p.roles]
            people.standing(w, person(w, p.login), clearance=p.clearance, roles=roles)
