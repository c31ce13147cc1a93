"""Accounts, rights and their separation."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from intranet.errors import Conflict, Denied, Invalid
from intranet.models import Person
from intranet.verbs import people
from tests.office import Office, Statements
from vault.levels import Level


def _new(desk: Office, login: str = "newcomer", by: str = "admin", **given: object) -> Person:
    with desk.w(by) as w:
        return people.create(
            w, **({"login": login, "name": "江新来", "unit_id": desk.unit("BG"), "password": "a good long one"} | given)
        )  # fmt: skip


def test_the_administrator_makes_accounts_without_rights(desk: Office) -> None:
    person = _new(desk)
    assert (person.clearance, person.must_change) == (Level.INTERNAL, True)
    assert set(desk.actor("newcomer").roles) == {"staff", "member"}
    with pytest.raises(Denied):
        _new(desk, "second", clearance=Level.SECRET)
    with pytest.raises(Denied):
        _new(desk, "second", roles=[("custodian", None)])


def test_only_the_administrator_makes_accounts(desk: Office) -> None:
    for login in ("security", "lead", "auditor", "leader"):
        with pytest.raises(Denied):
            _new(desk, by=login)


@pytest.mark.parametrize(
    ("given", "field"),
    [({"login": "ad min"}, "login"), ({"login": "CUSTODIAN"}, "login"), ({"login": ""}, "login"), ({"name": " "}, "name"),
     ({"unit_id": 999}, "unit"), ({"password": "short"}, "password"), ({"password": "aaaaaaaaaaaa"}, "password"),
     ({"password": "newcomer-2026"}, "password")],
)  # fmt: skip
def test_what_does_not_fit_is_said(desk: Office, given: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        _new(desk, **given)
    assert field in refused.value.errors


def test_new_rights_end_every_session_of_the_person(desk: Office) -> None:
    before = desk.person("cook").epoch
    with desk.w("security") as w:
        people.standing(
            w, desk.person("cook").id, clearance=Level.CONFIDENTIAL, roles=[("custodian", desk.unit("ST"))]
        )
    assert desk.person("cook").epoch == before + 1
    actor = desk.actor("cook")
    assert actor.clearance is Level.CONFIDENTIAL
    assert actor.has("custodian", desk.unit("YST"))  # the unit below
    assert not actor.has("custodian", desk.unit("BG"))


@pytest.mark.parametrize("role", ["staff", "king"])
def test_a_role_that_nobody_gives_is_refused(desk: Office, role: str) -> None:
    with pytest.raises(Invalid), desk.w("security") as w:
        people.standing(w, desk.person("cook").id, clearance=Level.INTERNAL, roles=[(role, None)])


def test_a_disabled_account_is_out_and_comes_back_only_by_hand(desk: Office, db: Session) -> None:
    with desk.w("admin") as w:
        people.disable(w, desk.person("driver").id)
    assert not desk.person("driver").active
    assert [a.action for a in desk.audit("people.disable")] == ["people.disable"]
    with desk.w("admin") as w:
        people.enable(w, desk.person("driver").id)
    assert desk.person("driver").active
    with pytest.raises(Conflict), desk.w("admin") as w:
        people.disable(w, desk.person("admin").id)


def test_a_password_is_changed_by_its_owner_who_knows_the_old_one(desk: Office) -> None:
    from intranet import demo

    with pytest.raises(Invalid), desk.w("cook") as w:
        people.change_password(w, "wrong", "another good one")
    with pytest.raises(Invalid), desk.w("cook") as w:
        people.change_password(w, demo.PASSWORD, demo.PASSWORD)
    before = desk.person("cook").epoch
    with desk.w("cook") as w:
        people.change_password(w, demo.PASSWORD, "another good one")
    cook = desk.person("cook")
    assert people.verify(desk.house.settings, cook.password, "another good one")
    assert cook.epoch == before + 1


def test_a_reset_must_be_changed_and_takes_the_second_factor_off(desk: Office) -> None:
    with desk.w("admin") as w:
        people.reset_password(w, desk.person("cook").id, "start with this")
    cook = desk.person("cook")
    assert (cook.must_change, cook.totp) == (True, "")


def test_no_password_stands_anywhere_in_clear(desk: Office, db: Session) -> None:
    from intranet import demo

    assert all(p.password.startswith("$argon2id$") for p in db.query(Person))
    assert demo.PASSWORD not in "".join(a.detail for a in desk.audit("people.create"))


def test_people_are_found_by_their_sound(desk: Office) -> None:
    assert people.pinyin("吴晓棠") == "wuxiaotang wxt"


def test_the_picture_of_a_person_costs_three_statements(
    desk: Office, db: Session, statements: Statements
) -> None:
    person = desk.person("lead_cw")
    with statements() as seen:
        actor = people.actor_of(db, person)
    assert len(seen) <= 4
    assert actor.units == (desk.unit("HQ"), desk.unit("CW"))
