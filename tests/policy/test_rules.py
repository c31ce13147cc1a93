"""The rules of the office, one sentence a test: who may, who may not (REQUIREMENTS A2, A3, A6, A9)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet import demo
from intranet.errors import Denied, Invalid
from intranet.extensions import db
from intranet.house import House
from intranet.kinds.notice import TICKS
from intranet.models import Item
from intranet.policy import Permission, Policy, separate
from intranet.verbs import disposal, items, levels, people
from tests.office import NOON, Clock, Office
from vault.levels import Level

ALL_TICKS = [t.code for t in TICKS]
OFFICERS = ("sysadmin", "security_officer", "auditor")


# -- the level ----------------------------------------------------------------------------------------------------
def test_a_level_above_ones_clearance_is_not_there(desk: Office) -> None:
    secret = desk.add("document", "custodian", level=Level.SECRET)
    assert desk.sees("lead", secret)  # 机密, in the unit
    assert not desk.sees("officer", secret)  # 秘密, in the same unit


def test_clearance_alone_does_not_open_what_one_need_not_know(desk: Office) -> None:
    confidential = desk.add("document", "custodian", level=Level.CONFIDENTIAL, unit="BG")
    assert not desk.sees("lead_cw", confidential)
    with desk.w("custodian") as w:
        items.grant(w, confidential.id, person_id=desk.person("lead_cw").id)
    assert desk.sees("lead_cw", confidential)


def test_a_grant_ends_by_itself(desk: Office, clock: Clock) -> None:
    confidential = desk.add("document", "custodian", level=Level.CONFIDENTIAL)
    with desk.w("custodian") as w:
        items.grant(w, confidential.id, person_id=desk.person("lead_cw").id, until=w.now + timedelta(hours=2))
    assert desk.sees("lead_cw", confidential)
    clock.forward(hours=3)
    assert not desk.sees("lead_cw", confidential)


def test_nobody_gives_a_level_above_the_own_clearance(desk: Office) -> None:
    with pytest.raises(Invalid) as refused:
        desk.add("document", "custodian", level=Level.TOPSECRET)
    assert set(refused.value.errors) == {"level"}


def test_who_is_granted_must_be_cleared(desk: Office) -> None:
    secret = desk.add("document", "custodian", level=Level.SECRET)
    with pytest.raises(Invalid), desk.w("custodian") as w:
        items.grant(w, secret.id, person_id=desk.person("officer").id)


def test_the_owner_does_not_lower_the_level_alone(desk: Office) -> None:
    raised = desk.add("document", "custodian", level=Level.CONFIDENTIAL)
    with desk.w("custodian") as w:
        approval = levels.propose(w, raised.id, Level.INTERNAL, reason="已公开").id
    with pytest.raises(Denied), desk.w("custodian") as w:
        levels.decide(w, approval, True)
    with desk.w("registrar") as w:
        levels.decide(w, approval, True)
    assert db.session.get_one(Item, raised.id, populate_existing=True).level == 1


def test_a_person_with_public_clearance_sees_public_things_only(desk: Office) -> None:
    assert desk.sees("temp", desk.add("resource", "officer", level=Level.PUBLIC))
    assert not desk.sees("temp", desk.add("resource", "officer", level=Level.INTERNAL))


# -- the body -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("login", ["custodian", "lead", "registrar"])
def test_a_body_from_confidential_up_opens_on_a_live_loan_only(desk: Office, login: str) -> None:
    document = desk.add("document", "custodian", level=Level.CONFIDENTIAL)
    assert desk.sees(login, document)
    assert not desk.may(login, Permission.BODY_OPEN, document, fresh=True)


def test_an_internal_body_opens_to_whoever_sees_it(desk: Office) -> None:
    assert desk.may("cook", Permission.BODY_OPEN, desk.add("document", "custodian", level=Level.INTERNAL))


def test_the_product_itself_opens_no_body(desk: Office) -> None:
    document = desk.add("document", "custodian", level=Level.INTERNAL)
    assert not desk.may("cli:worker", Permission.BODY_OPEN, document)
    assert desk.may("cli:worker", Permission.ITEM_VIEW, document)


# -- nobody approves their own ------------------------------------------------------------------------------------
def test_nobody_reviews_their_own_notice(desk: Office) -> None:
    notice = desk.add("notice", "lead")
    desk.step(notice, "lead", "submit")
    with pytest.raises(Denied):
        desk.step(notice, "lead", "pass_unit")


def test_whoever_reviewed_first_does_not_publish(desk: Office) -> None:
    with desk.w("security") as w:  # a section head who is also a reviewer of the office
        roles = [("lead", desk.unit("WX")), ("reviewer", None)]
        people.standing(w, desk.person("lead_wx").id, clearance=Level.CONFIDENTIAL, roles=roles)
    notice = desk.add("notice", "officer_wx")
    desk.step(notice, "officer_wx", "submit")
    desk.step(notice, "lead_wx", "pass_unit")
    with pytest.raises(Denied):
        desk.step(notice, "lead_wx", "publish", ticks=ALL_TICKS)
    assert desk.step(notice, "reviewer", "publish", ticks=ALL_TICKS).state == "published"


def test_a_notice_with_a_tick_missing_is_not_published(desk: Office) -> None:
    notice = desk.add("notice", "officer")
    desk.step(notice, "officer", "submit")
    desk.step(notice, "lead", "pass_unit")
    with pytest.raises(Invalid):
        desk.step(notice, "reviewer", "publish", ticks=ALL_TICKS[:-1])


def test_the_worker_does_not_sign_off_the_own_work(desk: Office) -> None:
    order = desk.add("workorder", "plumber")  # reported by the one who then repairs it
    desk.step(order, "dispatcher", "assign", worker=str(desk.person("plumber").id), due="2026-11-24T10:00")
    desk.step(order, "plumber", "accept")
    desk.step(order, "plumber", "finish", work="已修")
    with pytest.raises(Denied):
        desk.step(order, "plumber", "sign_off")
    assert desk.step(order, "dispatcher", "sign_off").state == "closed"


def test_who_proposed_a_disposal_does_not_approve_it(desk: Office) -> None:
    with desk.w("security") as w:
        roles = [("lead", desk.unit("HQ")), ("custodian", desk.unit("HQ"))]
        people.standing(w, desk.person("lead").id, clearance=Level.SECRET, roles=roles)
    document = desk.add("document", "custodian")
    with desk.w("lead") as w:
        found = disposal.propose(w, "destroy", [document.id], "期满").id
    with pytest.raises(Denied), desk.w("lead") as w:
        disposal.approve(w, found)


# -- who sees what, by role and unit ------------------------------------------------------------------------------
def test_a_draft_is_its_owners_own(desk: Office) -> None:
    draft = desk.add("notice", "officer")
    assert [p.login for p in demo.PEOPLE if desk.sees(p.login, draft)] == ["officer"]


def test_a_complaint_is_seen_by_its_handlers_alone(desk: Office) -> None:
    complaint = desk.add("complaint", "")
    assert {p.login for p in demo.PEOPLE if desk.sees(p.login, complaint)} == {"handler", "handler2"}


def test_a_section_head_does_not_see_the_orders_of_another_section(desk: Office) -> None:
    order = desk.add("workorder", "warden")
    assert desk.sees("lead_ss", order)
    assert desk.sees("lead", order)  # the office's head covers all units
    assert not desk.sees("lead_wx", order)
    assert not desk.sees("plumber", order)


def test_a_restricted_repository_is_read_by_its_units_only(desk: Office, db: Session) -> None:
    from intranet.models import Repository

    closed = db.scalars(select(Repository.id).where(Repository.code == "CG")).one()
    contract = desk.add("resource", "lead_cw", repository=closed)
    assert desk.sees("officer_cw", contract)
    assert desk.sees("officer", contract)
    assert not desk.sees("warden", contract)


def test_a_lead_over_a_unit_covers_the_units_below(desk: Office) -> None:
    notice = desk.add("notice", "cook")  # first canteen, below the canteen section
    desk.step(notice, "cook", "submit")
    assert desk.may("lead_st", Permission.ITEM_MOVE, notice, move="pass_unit")
    assert not desk.sees("lead_ss", notice)


# -- the three officers -------------------------------------------------------------------------------------------
@pytest.mark.parametrize("login", ["admin", "backup"])
def test_who_runs_the_system_reads_nothing_of_it(desk: Office, login: str) -> None:
    for kind, owner in (("resource", "officer"), ("document", "custodian"), ("workorder", "cook")):
        assert not desk.sees(login, desk.add(kind, owner))
    assert not desk.sees(login, desk.add("resource", "officer", level=Level.PUBLIC))


def test_who_runs_the_system_finds_nothing_in_the_demo(demo_app: object) -> None:
    from intranet.extensions import db as database

    house: House = demo_app.extensions["house"]  # type: ignore[attr-defined]
    desk = Office(demo_app, house)  # type: ignore[arg-type]
    seen = select(Item.id).where(house.policy.visible(desk.actor("admin"), NOON))
    assert database.session.scalars(seen).all() == []
    assert house.policy.tokens(desk.actor("admin")).isdisjoint({"staff"})


@pytest.mark.parametrize("one", OFFICERS)
@pytest.mark.parametrize("other", OFFICERS)
def test_the_three_officers_are_never_one_person(one: str, other: str) -> None:
    assert bool(separate([one, other], Level.PUBLIC)) == (one != other)


def test_a_system_administrator_gets_no_clearance_and_no_business(desk: Office) -> None:
    assert separate(["sysadmin"], Level.INTERNAL)
    assert separate(["sysadmin", "custodian"], Level.PUBLIC)
    with pytest.raises(Invalid), desk.w("security") as w:
        people.standing(w, desk.person("admin").id, clearance=Level.SECRET, roles=[("sysadmin", None)])


def test_only_the_security_officer_gives_clearances_and_never_to_themselves(desk: Office) -> None:
    for login in (p.login for p in demo.PEOPLE if p.login != "security"):
        with pytest.raises(Denied), desk.w(login) as w:
            people.standing(w, desk.person("cook").id, clearance=Level.SECRET, roles=[])
    with pytest.raises(Denied), desk.w("security") as w:
        people.standing(w, desk.person("security").id, clearance=Level.SECRET, roles=[])


def test_only_the_auditor_reads_the_log(desk: Office) -> None:
    policy: Policy = desk.house.policy
    may = [p.login for p in demo.PEOPLE if policy.decide(desk.actor(p.login), Permission.AUDIT_READ).ok]
    assert may == ["auditor"]


# -- lateral ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("login", ["cook", "officer_wx", "lead_lh", "temp", "auditor", "security", "admin"])
@pytest.mark.parametrize(
    "permission", [Permission.ITEM_EDIT, Permission.ITEM_GRANT, Permission.ITEM_LEVEL, Permission.LOAN_DECIDE]
)
def test_staff_of_other_units_read_an_internal_file_and_change_nothing(
    desk: Office, login: str, permission: Permission
) -> None:
    assert not desk.may(login, permission, desk.add("document", "custodian", level=Level.INTERNAL))


def test_a_hidden_thing_and_a_forbidden_step_are_told_apart(desk: Office) -> None:
    order = desk.add("workorder", "warden")

    def refused(login: str, step: Callable[[], object]) -> bool:
        with pytest.raises(Denied) as denied:
            step()
        return denied.value.hidden

    assert refused("cook", lambda: desk.step(order, "cook", "cancel", reason="x"))
    assert not refused("lead_ss", lambda: desk.step(order, "lead_ss", "assign", worker="1"))
