"""Borrowing on phones: applied for, approved and handed over, returned, checked by the other custodian (FEATURES row 72)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from intranet.extensions import db
from intranet.models import Audit, Loan
from intranet.verbs import items
from tests.browser.conftest import Seat
from tests.browser.test_day import press, press_link
from tests.office import Office
from vault.levels import Level

pytestmark = pytest.mark.browser


def fits(page: Page) -> None:
    """Nothing has to be pushed sideways to be seen."""
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def unfold(page: Page, label: str) -> None:
    page.locator("main summary").filter(has_text=label).first.click()


def test_a_loan_lives_on_phones(served: Flask, seat: Callable[..., Seat]) -> None:
    desk = Office(served, served.extensions["house"])
    item = desk.add("document", "custodian", title="供热管网评估报告", level=Level.CONFIDENTIAL, copies="2")
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_cw").id)
    number = item.number

    # The borrower, from the label on the second copy.
    borrower = seat("lead_cw", phone=True)
    page = borrower.go(f"/desk/{number}/checkout?copy=2")
    expect(page.locator("select[name=copy]")).to_have_value("2")
    page.fill("textarea[name=purpose]", "核定采暖费")
    page.fill("input[name=until]", "2026-11-30")
    fits(page)
    press(page, "提交申请")
    expect(page.locator("main")).to_contain_text("等待保管员审批")

    # The custodian approves now and hands over when he comes.
    keeper = seat("custodian", phone=True)
    page = keeper.go("/desk/")
    expect(page.locator("#to-approve")).to_contain_text("核定采暖费")
    fits(page)
    press(page, "只批准")
    unfold(page.locator("#to-hand").page, "交付")
    expect(page.locator("#to-hand select[name=copy]")).to_have_value("2")
    fits(page)
    page.locator("#to-hand").get_by_role("button", name="交付", exact=True).click()
    expect(page.locator("#out")).to_contain_text("第 2 份")
    page = keeper.go("/desk/holders?out=1")
    expect(page.locator("#rows")).to_contain_text("钱以宁")
    fits(page)

    # The borrower signs for it, asks for more time, and brings it back.
    page = borrower.go("/desk/")
    press(page, "签收")
    unfold(page, "续借")
    page.fill("input[name=why]", "测算未完")
    press(page, "申请续借")
    expect(page.locator("#mine")).to_contain_text("已申请续借至")
    fits(page)
    press(page, "归还")
    expect(page.locator("#mine")).to_contain_text("待核验")

    # The other custodian checks.
    other = seat("registrar", phone=True)
    page = other.go("/desk/")
    unfold(page, "核验入库")
    fits(page)
    press(page, "核验入库")
    expect(page.locator("main")).to_contain_text("没有待办理的申请与核验")
    press_link(other.go("/desk/holders"), "供热管网评估报告")
    expect(other.page.locator("main")).to_contain_text("在库")

    db.session.rollback()
    loan = db.session.scalars(select(Loan)).one()
    people = {n: desk.person(n).id for n in ("custodian", "registrar", "lead_cw")}
    assert (loan.state, loan.handed_by, loan.returned_by, loan.checked_by) == (
        "checked", people["custodian"], people["lead_cw"], people["registrar"],
    )  # fmt: skip
    steps = [a for a in db.session.scalars(select(Audit.action).order_by(Audit.seq)) if a.startswith("loan.")]
    assert steps == [
        f"loan.{x}" for x in ("apply", "approve", "lend", "receive", "extend", "return", "check")
    ]
