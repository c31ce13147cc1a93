"""The three faces of the one rule agree, for whatever persons, items, grants, states and levels there are (ARCHITECTURE §5)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet import demo
from intranet.actor import Actor
from intranet.house import House
from intranet.kinds import KINDS
from intranet.kinds.base import ITEM_ROLES, ROLES
from intranet.models import Grant, Item, Person, Repository, Unit
from intranet.policy import Permission
from intranet.verbs import people
from intranet.verbs.reading import standing
from tests.office import NOON, Office
from vault.levels import Level

LOGINS = [p.login for p in demo.PEOPLE]
UNIT_CODES = ["HQ", "BG", "WX", "SDB", "SS", "BYQ", "CW"]
GIVEN = sorted(set(ROLES) - {"staff", "member"})
REPOSITORIES = [None, "GZ", "CG"]


@dataclass(frozen=True)
class Granted:
    login: str | None
    unit: str | None
    role: str
    until: int | None  # hours from now
    revoked: bool


@dataclass(frozen=True)
class Made:
    kind: int
    state: int
    level: int
    unit: str
    owner: str | None
    previous: str | None
    repository: str | None
    grants: tuple[Granted, ...]
    due: int | None = None  # hours from now


@dataclass(frozen=True)
class Who:
    login: str
    clearance: int
    staff: bool
    roles: tuple[tuple[str, str | None], ...]
    repositories: frozenset[str]


_grants = st.builds(
    Granted,
    login=st.sampled_from(LOGINS),
    unit=st.none(),
    role=st.sampled_from(sorted(set(ITEM_ROLES) - {"owner"})),
    until=st.sampled_from([None, 5, -5, 0]),
    revoked=st.booleans(),
) | st.builds(
    Granted,
    login=st.none(),
    unit=st.sampled_from(UNIT_CODES),
    role=st.just("reader"),
    until=st.sampled_from([None, 5, -5]),
    revoked=st.booleans(),
)
_items = st.builds(
    Made,
    kind=st.integers(0, len(KINDS) - 1),
    state=st.integers(0, 7),
    level=st.integers(0, 4),
    unit=st.sampled_from(UNIT_CODES),
    owner=st.none() | st.sampled_from(LOGINS),
    previous=st.none() | st.sampled_from(LOGINS),
    repository=st.sampled_from(REPOSITORIES),
    grants=st.lists(_grants, max_size=3).map(tuple),
    due=st.sampled_from([None, 5, -5, 0]),
)
_persons = st.builds(
    Who,
    login=st.sampled_from(LOGINS),
    clearance=st.integers(0, 4),
    staff=st.booleans(),
    roles=st.lists(
        st.tuples(st.sampled_from(GIVEN), st.none() | st.sampled_from(UNIT_CODES)), max_size=4
    ).map(tuple),
    repositories=st.frozensets(st.sampled_from(["GZ", "CG"])),
)


class World:
    """Rows for one example, in a transaction that is rolled back."""

    def __init__(self, session: Session, house: House) -> None:
        self.session, self.house = session, house
        self.now: datetime = NOON
        self.persons = {p.login: p for p in session.scalars(select(Person))}
        self.units = {u.code: u for u in session.scalars(select(Unit))}
        self.repositories = {r.code: r.id for r in session.scalars(select(Repository))}
        self.count = 0

    def item(self, made: Made) -> Item:
        kind = KINDS[made.kind]
        self.count += 1
        row = Item(
            kind=kind.name,
            number=f"T-{self.count}",
            title="题名",
            state=kind.states[made.state % len(kind.states)].name,
            level=made.level,
            unit_id=self.units[made.unit].id,
            owner_id=self.persons[made.owner].id if made.owner else None,
            previous_id=self.persons[made.previous].id if made.previous else None,
            repository_id=self.repositories[made.repository] if made.repository else None,
            created=self.now,
            updated=self.now,
            due=None if made.due is None else self.now + timedelta(hours=made.due),
            data={},
        )
        self.session.add(row)
        self.session.flush()
        for g in made.grants:
            self.session.add(
                Grant(
                    item_id=row.id,
                    person_id=self.persons[g.login].id if g.login else None,
                    unit_id=self.units[g.unit].id if g.unit else None,
                    role=g.role,
                    until=None if g.until is None else self.now + timedelta(hours=g.until),
                    revoked=self.now if g.revoked else None,
                    at=self.now,
                )
            )
        self.session.flush()
        return row

    def actor(self, who: Who) -> Actor:
        person = self.persons[who.login]
        here = self.units_above(person.unit_id)
        roles: dict[str, frozenset[int] | None] = {}
        for role, code in who.roles:
            below = self.below(code) if code else None
            held = roles.get(role, frozenset())
            roles[role] = None if below is None or held is None else held | below
        if who.staff:
            roles |= {"staff": None, "member": frozenset({person.unit_id})}
        return Actor(
            id=person.id,
            login=who.login,
            unit_id=person.unit_id,
            units=here,
            clearance=Level(who.clearance),
            roles=roles,
            repositories=frozenset(self.repositories[r] for r in who.repositories),
            fresh=True,
        )

    def units_above(self, unit_id: int) -> tuple[int, ...]:
        path = next(u.path for u in self.units.values() if u.id == unit_id)
        return tuple(int(x) for x in path.strip("/").split("/"))

    def below(self, code: str) -> frozenset[int]:
        top = self.units[code].path
        return frozenset(u.id for u in self.units.values() if u.path.startswith(top))

    def grants(self, item: Item) -> list[Grant]:
        return list(self.session.scalars(select(Grant).where(Grant.item_id == item.id)))

    def chosen(self, criterion: Any) -> set[int]:
        return set(self.session.scalars(select(Item.id).where(criterion)))


@pytest.fixture
def world(db: Session, house: House) -> Iterator[World]:
    yield World(db, house)
    db.rollback()


def _agree(world: World, actor: Actor, rows: list[Item]) -> None:
    policy, now = world.house.policy, world.now
    seen = {r.id for r in rows if policy.sees(actor, standing(world.session, world.house, actor, r, now))}
    listed = world.chosen(policy.visible(actor, now))
    tokens = policy.tokens(actor)
    found = {
        r.id for r in rows if r.level <= actor.clearance and policy.labels(r, world.grants(r), now) & tokens
    }
    assert listed == seen
    assert found == seen


def _agree_on_desk(world: World, actor: Actor, rows: list[Item]) -> None:
    policy, now = world.house.policy, world.now
    listed = world.chosen(policy.waiting(actor, now))
    expected = set()
    for row in rows:
        s = standing(world.session, world.house, actor, row, now)
        moves = [m for m in policy.kinds[row.kind].moves_from(row.state) if m.desk and not m.code]
        if any(policy.decide(actor, Permission.ITEM_MOVE, s, move=m).ok for m in moves):
            expected.add(row.id)
    assert listed == expected
    assert listed <= world.chosen(policy.visible(actor, now))


_mine = Granted("plumber", None, "worker", None, False)
_over = Granted("plumber", None, "reader", -5, False)
_shut = Made(0, 0, 1, "BG", None, None, "CG", ())
_notice = Made(1, 3, 0, "WX", "officer", None, None, ())  # published
_odd = Made(1, 3, 0, "BG", None, None, "CG", ())  # a kind without repositories, in one nevertheless


@settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    phases=[Phase.explicit, Phase.generate, Phase.shrink],
)
@given(made=st.lists(_items, min_size=1, max_size=6), who=st.lists(_persons, min_size=1, max_size=3))
@example(
    made=[Made(4, 2, 1, "SS", "warden", "dispatcher", None, (_mine,)), _shut],
    who=[Who("plumber", 1, True, (("technician", "WX"),), frozenset())],
)
@example(
    made=[Made(2, 0, 2, "BG", None, None, None, (_over,))],
    who=[Who("plumber", 2, True, (), frozenset({"CG"}))],
)
@example(
    made=[_notice, replace(_notice, due=0), replace(_notice, due=-5, owner="cook"), replace(_notice, due=5)],
    who=[
        Who("cook", 1, True, (), frozenset()),
        Who("lead_wx", 1, True, (("lead", "WX"),), frozenset()),
        Who("officer", 1, True, (), frozenset()),
    ],
)
@example(made=[_odd], who=[Who("cook", 1, True, (), frozenset())])
def test_one_thing_a_list_and_the_index_give_the_same_answer(
    world: World, made: list[Made], who: list[Who]
) -> None:
    rows = [world.item(m) for m in made]
    try:
        for actor in map(world.actor, who):
            _agree(world, actor, rows)
            _agree_on_desk(world, actor, rows)
    finally:
        world.session.rollback()


def test_nobody_known_sees_nothing_in_any_face(world: World) -> None:
    rows = [world.item(Made(0, 0, 0, "BG", None, None, None, ()))]
    _agree(world, Actor(id=None, login=""), rows)
    assert world.chosen(world.house.policy.visible(Actor(id=None, login=""), world.now)) == set()


def test_the_faces_agree_over_the_whole_demo(demo_app: Any) -> None:
    from intranet.extensions import db as database

    house: House = demo_app.extensions["house"]
    desk = Office(demo_app, house)
    session = database.session()
    rows = list(session.scalars(select(Item)))
    grants: dict[int, list[Grant]] = {}
    for g in session.scalars(select(Grant)):
        grants.setdefault(g.item_id, []).append(g)
    some = 0
    for person in demo.PEOPLE:
        actor = people.actor_of(session, desk.person(person.login))
        tokens = house.policy.tokens(actor)
        found = {
            r.id
            for r in rows
            if r.level <= actor.clearance and house.policy.labels(r, grants.get(r.id, []), NOON) & tokens
        }
        assert found == set(session.scalars(select(Item.id).where(house.policy.visible(actor, NOON))))
        some += len(found)
    assert some > 1000
