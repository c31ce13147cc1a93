"""Questions are kept between requests, answers never: what is kept for one standing is asked by no other."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Select, select
from sqlalchemy.exc import StatementError
from sqlalchemy.orm import Session

from intranet.actor import Actor
from intranet.house import House
from intranet.models import Item
from intranet.policy import Policy
from intranet.prepared import KEPT, NOW, prepared
from intranet.verbs import desk as questions
from intranet.verbs import items, people
from tests.office import Clock, Office
from vault.levels import Level

# What an actor may differ in without being shown anything else.
HARMLESS = {"login", "name", "origin", "language", "theme", "must_change", "second_factor"}
OTHER: dict[str, Any] = {
    "id": 999, "unit_id": 999, "units": (999,), "clearance": Level.TOPSECRET, "roles": {"auditor": None},
    "repositories": frozenset({999}), "fresh": True, "system": True,
}  # fmt: skip


@prepared
def everything(policy: Policy, actor: Actor) -> Select[tuple[int]]:
    return select(Item.id).where(policy.visible(actor, NOW))


def asked(db: Session, house: House, actor: Actor) -> set[int]:
    return set(db.scalars(everything(house.policy, actor), {"now": house.clock()}))


def test_a_question_is_built_once_for_equal_standings(house: House, desk: Office) -> None:
    first = everything(house.policy, desk.actor("lead"))
    assert everything(house.policy, desk.actor("lead")) is first
    assert everything(house.policy, replace(desk.actor("lead"), origin="elsewhere", language="en")) is first
    assert everything(house.policy, desk.actor("custodian")) is not first


def test_all_that_decides_is_in_the_key(desk: Office) -> None:
    actor = desk.actor("lead")
    assert {f.name for f in fields(Actor)} == HARMLESS | OTHER.keys(), "a new field: does it decide anything?"
    for name, value in OTHER.items():
        assert replace(actor, **{name: value}).key != actor.key, name


def test_a_role_in_another_unit_is_another_question(house: House, desk: Office) -> None:
    actor = replace(desk.actor("lead"), roles={"lead": frozenset({1})})
    elsewhere = replace(actor, roles={"lead": frozenset({2})})
    everywhere = replace(actor, roles={"lead": None})
    assert len({id(everything(house.policy, a)) for a in (actor, elsewhere, everywhere)}) == 3


def test_two_persons_one_after_the_other_each_see_their_own(db: Session, house: House, desk: Office) -> None:
    for_one = desk.add("document", "custodian", level=Level.CONFIDENTIAL)
    with desk.w("custodian") as w:
        items.grant(w, for_one.id, person_id=desk.person("lead_cw").id)
    for _ in range(2):
        assert for_one.id in asked(db, house, desk.actor("lead_cw"))
        assert for_one.id not in asked(db, house, desk.actor("officer_cw"))


def test_a_grant_ends_at_the_moment_of_asking_not_of_building(
    db: Session, house: House, desk: Office, clock: Clock
) -> None:
    lent = desk.add("document", "custodian", level=Level.CONFIDENTIAL)
    with desk.w("custodian") as w:
        until = w.now + timedelta(hours=2)
        items.grant(w, lent.id, person_id=desk.person("lead_cw").id, until=until)
    actor = desk.actor("lead_cw")
    assert lent.id in asked(db, house, actor)
    clock.forward(hours=3)
    assert lent.id not in asked(db, house, actor)


def test_whoever_loses_a_role_asks_another_question_at_once(db: Session, house: House, desk: Office) -> None:
    desk.add("complaint", "cook")
    before = asked(db, house, desk.actor("handler"))
    assert before
    with desk.w("security") as w:
        person = desk.person("handler")
        people.standing(w, person.id, clearance=Level(person.clearance), roles=[])
    db.rollback()
    after = asked(db, house, desk.actor("handler"))
    assert after < before


def test_a_question_without_the_moment_is_not_asked(db: Session, house: House, desk: Office) -> None:
    with pytest.raises(StatementError, match="now"):
        db.scalars(everything(house.policy, desk.actor("lead"))).all()


def test_no_more_is_kept_than_said(house: House, desk: Office) -> None:
    built: list[int | None] = []

    @prepared
    def one(_policy: Policy, actor: Actor) -> int:
        built.append(actor.id)
        return len(built)

    actors = [replace(desk.actor("lead"), id=n) for n in range(KEPT + 1)]
    for actor in (*actors, actors[-1], actors[1], actors[0]):
        one(house.policy, actor)
    assert built == [*range(KEPT + 1), 0]


def test_what_waits_is_counted_for_each_person_apart(db: Session, house: House, desk: Office) -> None:
    desk.add("workorder", "lead")
    counts = {
        login: [questions.waiting_count(db, house, desk.actor(login), house.clock()) for _ in range(2)]
        for login in ("dispatcher", "temp", "dispatcher")
    }
    assert counts["dispatcher"][0] == counts["dispatcher"][1] > 0
    assert counts["temp"] == [0, 0]
