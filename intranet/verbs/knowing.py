"""Who can know of this item, and why; and what one person can know of (seeds L108; FEATURES row 98, N19).

The answers are the policy's own, asked for everybody: no second rule stands here that could differ from the one that is held to.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from vault.levels import Level

from ..actor import BLIND, Actor
from ..house import House
from ..models import Item, Person, Repository, RepositoryUnit, Role, Unit
from ..policy import Permission, Standing
from ..work import Work

SHOWN = 200  # rows of a person's list; the counts are of all


@dataclass(frozen=True)
class Knower:
    """A person who may know of the item; `ways` as `Policy.ways` gives them."""

    person: Person
    ways: list[tuple[str, int | None]]


def everybody(session: Session, level: int = 0) -> list[tuple[Person, Actor]]:
    """Every active person cleared for the level, with their standing, by pinyin. Five statements, however many there are."""
    query = select(Person).where(Person.active, Person.clearance >= level).order_by(Person.pinyin, Person.id)
    persons = list(session.scalars(query))
    paths = {
        u: tuple(int(x) for x in path.strip("/").split("/") if x)
        for u, path in session.execute(select(Unit.id, Unit.path))
    }
    below: dict[int, set[int]] = {}
    for unit, path in paths.items():
        for above in path:
            below.setdefault(above, set()).add(unit)
    held: dict[int, list[tuple[str, int | None]]] = {}
    for person, role, unit in session.execute(select(Role.person_id, Role.role, Role.unit_id)):
        held.setdefault(person, []).append((role, unit))
    repositories = session.execute(select(Repository.id, Repository.open)).all()
    readers: dict[int, set[int]] = {}
    for repository, unit in session.execute(select(RepositoryUnit.repository_id, RepositoryUnit.unit_id)):
        readers.setdefault(repository, set()).add(unit)

    def actor(p: Person) -> Actor:
        units = paths.get(p.unit_id) or (p.unit_id,)
        readable = {r for r, is_open in repositories if is_open or readers.get(r, set()) & set(units)}
        return Actor(
            id=p.id, login=p.login, name=p.name, unit_id=p.unit_id, units=units, clearance=Level(p.clearance),
            roles=_roles(held.get(p.id, ()), p, below), repositories=frozenset(readable), second_factor=bool(p.totp),
        )  # fmt: skip

    return [(p, actor(p)) for p in persons]


def _roles(
    held: Iterable[tuple[str, int | None]], p: Person, below: dict[int, set[int]]
) -> dict[str, frozenset[int] | None]:
    """As `people.actor_of` has them: a role covers its unit with all below it, or everything."""
    covered: dict[str, frozenset[int] | None] = {}
    for role, unit in held:
        before = covered.get(role, frozenset())
        covered[role] = None if unit is None or before is None else before | frozenset(below.get(unit, set()))
    if not BLIND & set(covered):
        covered |= {"staff": None, "member": frozenset({p.unit_id})}
    return covered


def of_item(session: Session, house: House, s: Standing) -> list[Knower]:
    """Everybody who may know of the item now, each with every rule that lets them in. Five statements, however many persons,
    units and grants there are; the caller has demanded ITEM_ACCESS."""
    found = []
    for person, other in everybody(session, s.item.level):
        if ways := house.policy.ways(other, s):
            found.append(Knower(person, ways))
    return found


@dataclass(frozen=True)
class Known:
    """What a person may know of: `counts` by (kind, level); `items`: those of them that the reader may know of too, newest
    first, at most SHOWN; `others`: how many are not named because the reader may not know of them."""

    counts: dict[tuple[str, int], int]
    items: list[Item]
    others: int

    @property
    def total(self) -> int:
        return sum(self.counts.values())


def of_person(w: Work, person: Person, theirs: Actor, level: Level = Level.INTERNAL) -> Known:
    """What somebody may know of, from `level` up, for the yearly review of rights. Raises Denied. Three statements."""
    w.house.policy.demand(w.actor, Permission.PEOPLE_SEES)
    w.record("people.sees", detail={"login": person.login})
    theirs_too: Any = w.house.policy.visible(theirs, w.now)
    chosen = [Item.level >= int(level), theirs_too]
    counted = w.session.execute(
        select(Item.kind, Item.level, func.count()).where(*chosen).group_by(Item.kind, Item.level)
    )
    counts = {(kind, n): count for kind, n, count in counted}
    mine = [*chosen, w.house.policy.visible(w.actor, w.now)]
    both = w.session.scalar(select(func.count()).select_from(Item).where(*mine)) or 0
    query = select(Item).where(*mine).order_by(Item.level.desc(), Item.updated.desc(), Item.id.desc())
    return Known(counts, list(w.session.scalars(query.limit(SHOWN))), sum(counts.values()) - both)
