"""My desk: what waits is there, sorted, counted once, with the step that may really be done; never more SQL for more rows."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from intranet.extensions import db as database
from intranet.models import Loan
from intranet.policy import Permission
from intranet.verbs import desk as questions
from intranet.verbs import destruction, disposal, loans
from intranet.verbs.reading import standing
from tests.office import Clock, Office
from vault.levels import Level

As = Callable[..., FlaskClient]


def asked(desk: Office, login: str) -> questions.Desk:
    return questions.desk(database.session(), desk.house, desk.actor(login), desk.house.clock())


def titles(section: questions.Section) -> list[str]:
    return [r.item.title for r in section.rows]


def lent(desk: Office, borrower: str = "lead", *, steps: str = "", days: int = 3) -> Loan:
    item = desk.add("document", "registrar", level=Level.INTERNAL, title="借阅用的文件")
    with desk.w(borrower) as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=days))
    for step in steps.split():
        with desk.w("custodian") as w:
            {"lend": loans.lend, "return": loans.give_back}[step](w, loan.id)
    return loan


def test_an_order_waits_for_the_dispatcher_and_moves_for_who_reported_it(desk: Office) -> None:
    desk.add("workorder", "cook", title="水管漏水", unit="WX")
    assert titles(asked(desk, "dispatcher").steps) == ["水管漏水"]
    mine = asked(desk, "cook")
    assert titles(mine.moving) == ["水管漏水"] and not mine.steps.rows


def test_a_step_is_a_button_that_leads_to_it(as_: As, desk: Office) -> None:
    item = desk.add("workorder", "cook", title="水管漏水", unit="WX")
    text = as_("dispatcher").get("/").text
    assert f'href="/i/{item.number}/move/assign">派工' in text
    assert as_("dispatcher").get(f"/i/{item.number}/move/assign").status_code == 200


def test_a_draft_is_shown_apart_and_not_counted_as_waiting(desk: Office) -> None:
    desk.add("notice", "officer", title="还没写完")
    mine = asked(desk, "officer")
    assert titles(mine.drafts) == ["还没写完"] and not mine.steps.rows
    assert (
        questions.waiting_count(database.session(), desk.house, desk.actor("officer"), desk.house.clock())
        == 0
    )


def test_an_application_waits_for_the_custodian_never_for_who_applied(desk: Office) -> None:
    lent(desk, "custodian")
    lent(desk, "lead")
    assert [r.loan.borrower_id for r in asked(desk, "custodian").lending.rows if r.loan] == [
        desk.person("lead").id
    ]
    assert len(asked(desk, "registrar").lending.rows) == 2
    assert len(asked(desk, "lead").borrowed.rows) == 1


def test_a_loan_is_due_for_the_borrower_and_to_be_checked_after_return(desk: Office) -> None:
    lent(desk, steps="lend")
    row = asked(desk, "lead").borrowed.rows[0]
    assert row.due == row.loan.until and not asked(desk, "custodian").lending.rows
    lent(desk, "officer", steps="lend return")
    assert [r.due for r in asked(desk, "custodian").lending.rows] == [None]


def test_the_borrower_returns_from_the_desk(as_: As, desk: Office) -> None:
    loan = lent(desk, steps="lend")
    client = as_("lead")
    address = re.search(r'action="(/desk/loans/\d+/return)"', client.get("/").text)
    assert address is not None
    assert client.post(address[1], data={"next": "/"}).headers["Location"] == "/"
    database.session.rollback()
    assert database.session.get_one(Loan, loan.id).state == "returned"


def test_a_late_loan_is_counted_at_the_top(desk: Office, clock: Clock) -> None:
    lent(desk, steps="lend", days=1)

    def count() -> int:
        return questions.waiting_count(database.session(), desk.house, desk.actor("lead"), desk.house.clock())

    before = count()
    clock.forward(days=3)
    assert count() == before + 1


def test_the_least_time_left_stands_first(desk: Office) -> None:
    for title, due in (("晚", "2026-12-20T10:00"), ("早", "2026-11-24T10:00"), ("中", "2026-12-01T10:00")):
        item = desk.add("workorder", "cook", title=title, unit="WX")
        desk.step(item, "dispatcher", "assign", worker=str(desk.person("plumber").id), due=due)
    assert titles(asked(desk, "plumber").steps) == ["早", "中", "晚"]


def test_an_empty_desk_says_so(as_: As) -> None:
    assert "眼下没有事情等您办理" in as_("driver").get("/").text


def test_more_rows_cost_no_more_statements(as_: As, desk: Office, statements: Callable) -> None:
    client = as_("dispatcher")

    def cost() -> int:
        with statements() as seen:
            assert client.get("/").status_code == 200
        return len(seen)

    desk.add("workorder", "cook", unit="WX")
    few = cost()
    for _n in range(12):
        desk.add("workorder", "cook", unit="WX")
    assert cost() == few <= 20


def test_the_desk_and_the_top_bar_count_alike_and_offer_only_steps_that_may_be_done(demo_app: Flask) -> None:
    desk = Office(demo_app, demo_app.extensions["house"])
    session, now = database.session(), desk.house.clock()
    offered = 0
    for login in (
        "lead",
        "leader",
        "custodian",
        "registrar",
        "dispatcher",
        "plumber",
        "handler",
        "reviewer",
        "lead_wx",
        "cook",
    ):
        actor, found = desk.actor(login), asked(desk, login)
        counted = questions.waiting_count(session, desk.house, actor, now)
        assert found.waiting(now.astimezone(desk.house.zone).date()) == counted, login
        for row in found.steps.rows:
            s = standing(session, desk.house, actor, row.item, now)
            if row.move is not None:
                offered += 1
                decision = desk.house.policy.decide(actor, Permission.ITEM_MOVE, s, move=row.move)
                assert decision.ok, (login, row.item.number, row.move.name, decision.why)
    assert offered > 5


def test_officers_see_the_figures_they_answer_for(as_: As) -> None:
    assert "最近一次成功备份" in as_("admin").get("/").text
    assert "最近一次成功备份" in as_("backup").get("/").text
    assert "被拒绝的操作" in as_("auditor").get("/").text
    assert "未绑验证器" in as_("security").get("/").text
    assert "最近一次成功备份" not in as_("lead").get("/").text


def test_a_disposal_list_waits_for_whose_step_it_is_and_is_counted(desk: Office, as_: As) -> None:
    found = desk.end(desk.add("document", "custodian"), to="proposed")
    ways = {
        "proposed": {"lead", "leader", "deputy"},
        "approved": {"registrar", "custodian", "leader", "deputy"},
    }

    def waits() -> set[str]:
        people = ("registrar", "custodian", "lead", "leader", "deputy", "cook", "lead_wx")
        for login in people:
            mine, now = asked(desk, login), desk.house.clock()
            counted = questions.waiting_count(database.session(), desk.house, desk.actor(login), now)
            assert counted == mine.waiting(now.date()) == mine.ending.total
        return {p for p in people if asked(desk, p).ending.lines}

    assert waits() == ways["proposed"]
    with desk.w("lead") as w:
        disposal.approve(w, found)
    assert waits() == ways["approved"]
    with desk.w("custodian") as w:
        destruction.sign(w, found)
    assert waits() == ways["approved"] - {"custodian"}
    assert "处置待办理" in as_("leader").get("/").text
