"""文件传递单 at phone width, by three people with a phone each: handed over, signed for, given back, checked and closed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import expect
from sqlalchemy import select

from intranet.extensions import db
from intranet.models import Slip
from tests.browser.conftest import Seat
from tests.office import Office
from tests.verbs.slip_office import document, moving

pytestmark = pytest.mark.browser
Sit = Callable[..., Seat]


@pytest.mark.parametrize("javascript", [True, False])
def test_a_copy_goes_round_by_phone_and_is_checked_by_another(
    served: Flask, seat: Sit, javascript: bool
) -> None:
    desk = Office(served, served.extensions["house"])
    number = moving(desk, document(desk), "lead_cw")
    at = f"/slips/{number}"

    custodian = seat("custodian", phone=True, javascript=javascript).go(at)
    custodian.select_option("select[name=taker]", label="钱以宁（财务科）")
    custodian.get_by_role("button", name="交出", exact=True).click()
    expect(custodian.locator("main")).to_contain_text("等钱以宁签收")
    expect(custodian.locator(".turn svg.qr")).to_be_visible()

    stranger = seat(phone=True, javascript=javascript).go(at)  # scanned by somebody without an account
    expect(stranger).to_have_url(f"{served.config['TEST_URL']}/login?next={at}")
    expect(stranger.locator("body")).not_to_contain_text("冬季供热方案")

    reader = seat("lead_cw", phone=True, javascript=javascript).go(at)
    sign = reader.get_by_role("button", name="签收", exact=True)
    box = sign.bounding_box()
    assert box is not None and box["height"] >= 44 and box["y"] + box["height"] < 844 - 58, (
        "one thumb, no scrolling"
    )
    assert reader.evaluate("document.documentElement.scrollWidth") <= 390
    sign.click()
    expect(reader.locator("main")).to_contain_text("文件在您手中")
    reader.select_option("select[name=taker]", label="陆静文（保管员，办公室）")
    reader.get_by_role("button", name="交出", exact=True).click()
    expect(reader.locator("main")).to_contain_text("等陆静文签收")

    custodian.goto(served.config["TEST_URL"] + at)
    custodian.get_by_role("button", name="签收并归位", exact=True).click()
    expect(custodian.locator("main")).to_contain_text("已归还，待检查")
    assert reader.goto(served.config["TEST_URL"] + at).status == 404  # type: ignore[union-attr]

    other = seat("registrar", phone=True, javascript=javascript).go(at)
    other.get_by_role("button", name="检查无误，关闭传递单", exact=True).click()
    expect(other.locator("main")).to_contain_text("已检查关闭")
    db.session.rollback()
    slip = db.session.scalars(select(Slip)).one()
    assert slip.state == "closed" and slip.checker_id == desk.person("registrar").id
