"""Who can know of this and why, and what one person can know of: both equal to asking the policy person by person (row 98, N19)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.models import Grant, Item, Person
from intranet.verbs import items, knowing, levels, people
from intranet.verbs.auditing import COLUMNS, Filter, page
from intranet.verbs.reading import standing
from tests.office import Office, Statements
from vault.levels import Level

As = Callable[..., FlaskClient]


def brute(desk: Office, db: Session, item: Item) -> set[str]:
    """Everybody for whom `Policy.sees` says yes, each asked by themselves."""
    now = desk.house.clock()
    found = set()
    for person in db.scalars(select(Person).where(Person.active)):
        actor = people.actor_of(db, person)
        if desk.house.policy.sees(actor, standing(db, desk.house, actor, item, now)):
            found.add(person.login)
    return found


def listed(
    desk: Office, db: Session, item: Item, by: str = "custodian"
) -> dict[str, list[tuple[str, int | None]]]:
    s = standing(db, desk.house, desk.actor(by), item, desk.house.clock())
    return {k.person.login: k.ways for k in knowing.of_item(db, desk.house, s)}


KINDS = st.sampled_from(
    [
        ("document", "registrar"),
        ("resource", "lead"),
        ("notice", "officer_cw"),
        ("workorder", "cook"),
        ("complaint", ""),
    ]
)
WHOM = st.sampled_from(["lead_cw", "leader", "deputy", "cook", "temp", "unit CW", "unit ST", "unit HQ"])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=KINDS, level=st.sampled_from(list(Level)[1:]), grants=st.lists(WHOM, max_size=3), ended=st.booleans()
)
def test_the_list_is_that_of_asking_everybody(
    desk: Office, db: Session, kind: tuple[str, str], level: Level, grants: list[str], ended: bool
) -> None:
    name, login = kind
    allowed = desk.house.kinds[name].levels
    item = desk.add(name, login, level=level if int(level) in allowed else Level(allowed[0]))
    now = desk.house.clock()
    for whom in grants:
        unit = desk.unit(whom.split()[1]) if whom.startswith("unit") else None
        person = None if unit else desk.person(whom).id
        until = now - timedelta(days=1) if ended else None
        db.add(
            Grant(
                item_id=item.id, person_id=person, unit_id=unit, role="reader", at=now, until=until, reason=""
            )
        )
    db.commit()
    found = listed(desk, db, item)
    assert set(found) == brute(desk, db, item)
    assert all(found.values()), "each has a reason"


def test_each_reason_is_named(desk: Office, db: Session) -> None:
    item = desk.add("document", "registrar", level=Level.SECRET)
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("deputy").id)
        items.grant(w, item.id, unit_id=desk.unit("CW"))
    found = listed(desk, db, item)
    assert ("owner", None) in found["registrar"]
    assert ("person", desk.person("deputy").id) in found["deputy"]
    assert found["lead_cw"] == [("unit", desk.unit("CW"))]
    assert ("custodian", None) in found["custodian"]
    assert "officer_cw" not in found, "in the unit, but not cleared"


def test_the_list_costs_the_same_for_many_grants(desk: Office, db: Session, statements: Statements) -> None:
    item = desk.add("document", "registrar", level=Level.INTERNAL)
    s = standing(db, desk.house, desk.actor("custodian"), item, desk.house.clock())
    with statements() as seen:
        knowing.of_item(db, desk.house, s)
    assert len(seen) <= 6, "persons, units, roles, repositories, their readers"


def test_the_tab_is_for_keepers_and_the_security_officer(as_: As, desk: Office) -> None:
    item = desk.add("document", "registrar", level=Level.INTERNAL)
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("security").id)
        items.grant(w, item.id, person_id=desk.person("cook").id)
    address = f"/i/{item.number}?tab=access"
    text = as_("custodian").get(address).text
    assert (
        "现在可以知悉这条记录的人员共" in text
        and "姜小禾" in text
        and "列入知悉范围" in text
        and "加入知悉范围" in text
    )
    officer = as_("security").get(address).text
    assert "姜小禾" in officer and 'action="/i/' + item.number + '/grant"' not in officer
    assert "现在可以知悉这条记录的人员共" not in as_("cook").get(address).text


# -- the other way round ---------------------------------------------------------------------------------------------
@pytest.mark.parametrize("login", ["cook", "lead_cw", "leader", "handler", "temp", "admin", "officer_cw"])
def test_what_a_person_may_know_of_is_that_of_asking_for_every_item(
    desk: Office, db: Session, login: str
) -> None:
    for level in (Level.INTERNAL, Level.CONFIDENTIAL, Level.SECRET, Level.TOPSECRET):
        item = desk.add("document", "registrar", level=level)
        if level == Level.SECRET:
            with desk.w("custodian") as w:
                items.grant(w, item.id, unit_id=desk.unit("CW"))
    for name, by in (
        ("resource", "officer"),
        ("notice", "officer_cw"),
        ("workorder", "cook"),
        ("complaint", ""),
    ):
        desk.add(name, by)
    desk.add("resource", "officer", level=Level.CONFIDENTIAL)
    person, now = desk.person(login), desk.house.clock()
    theirs, officer = people.actor_of(db, person), desk.actor("security")
    every = [i for i in db.scalars(select(Item)) if i.level >= Level.INTERNAL]

    def sees(actor: object, item: Item) -> bool:
        return desk.house.policy.sees(actor, standing(db, desk.house, actor, item, now))  # type: ignore[arg-type]

    wanted: dict[tuple[str, int], int] = {}
    for item in every:
        if sees(theirs, item):
            wanted[item.kind, item.level] = wanted.get((item.kind, item.level), 0) + 1
    named = {i.number for i in every if sees(theirs, i) and sees(officer, i)}
    with desk.w("security") as w:
        known = knowing.of_person(w, desk.person(login), theirs)
        assert known.counts == wanted
        assert {i.number for i in known.items} == named
        assert known.others == known.total - len(named)
    assert desk.audit("people.sees")[-1].actor == "security"


def test_the_officer_s_page_counts_what_it_does_not_name(as_: As, desk: Office) -> None:
    hidden = desk.add("document", "registrar", level=Level.TOPSECRET, title="泵房方案")
    answer = as_("security").get(f"/people/{desk.person('registrar').id}/sees")
    assert answer.status_code == 200 and "只计数，不列编号与题名" in answer.text
    assert hidden.number not in answer.text and "泵房方案" not in answer.text
    for login in ("admin", "auditor", "custodian", "cook", "registrar"):
        assert as_(login).get(f"/people/{desk.person('registrar').id}/sees").status_code == 403


# -- rows of the log that are closed: the SQL is the rule asked row by row ----------------------------------------------
@pytest.mark.parametrize("clearance", [Level.INTERNAL, Level.SECRET, Level.TOPSECRET])
def test_closed_rows_are_those_above_the_clearance_or_without_need(
    desk: Office, db: Session, clearance: Level
) -> None:
    from intranet.models import Audit

    made = [desk.add("document", "registrar", level=level) for level in list(Level)[1:]]
    made += [
        desk.add("complaint", ""),
        desk.add("notice", "officer_cw"),
        desk.add("resource", "officer", level=Level.CONFIDENTIAL),
    ]
    with desk.w("custodian") as w:
        items.grant(w, made[2].id, unit_id=desk.unit("BG"))
    with desk.w("lead") as w:
        levels.relevel(w, made[-1].id, Level.INTERNAL, reason="降密")
    db.get_one(Person, desk.person("auditor").id).clearance = int(clearance)
    db.commit()
    actor, now = desk.actor("auditor"), desk.house.clock()
    shown = {r["seq"]: r["closed"] for r in page(db, desk.house, actor, Filter())[0]}
    for row in db.scalars(select(Audit).where(Audit.seq.in_(shown))):
        assert set(COLUMNS)
        level = row.level or 0
        closed = level > clearance
        if row.item is not None:
            item = db.get_one(Item, row.item)
            need = max(level, item.level) >= desk.house.kinds[item.kind].need_to_know
            sees = desk.house.policy.sees(actor, standing(db, desk.house, actor, item, now))
            closed = closed or item.level > clearance or (need and not sees)
        assert shown[row.seq] == closed, (row.action, row.number)
    assert set(shown.values()) == {True, False}
