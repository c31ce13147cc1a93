"""A shelf check on a phone: from the code on the cabinet to the incident of what is not there; the sheet of labels on paper."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import pypdfium2
import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from intranet.demo import PASSWORD
from intranet.extensions import db
from intranet.models import Copy, Item
from intranet.verbs import items
from tests.browser.conftest import Seat
from tests.office import Office
from vault.levels import Level

pytestmark = pytest.mark.browser
Sit = Callable[..., Seat]


def narrow(page: Page) -> bool:
    """Nothing runs over the edge of the phone."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


def test_a_custodian_checks_a_shelf_on_the_phone(served: Flask, seat: Sit) -> None:
    desk = Office(served, served.extensions["house"])
    files = [desk.add("document", "custodian", title=f"卷宗{n}", level=Level.CONFIDENTIAL, copies="2") for n in "甲乙"]  # fmt: skip
    other = desk.add("document", "custodian", title="别处的卷宗", level=Level.INTERNAL)
    numbers = [f.number for f in files]
    with desk.w("custodian") as w:
        items.grant(w, files[0].id, person_id=desk.person("lead_cw").id)
    gone, elsewhere = files[1].id, other.number
    db.session.rollback()

    phone = seat(phone=True)
    page = phone.go("/p/GZ-1")  # the code on the cabinet: a plain sign-in, nothing else
    expect(page.locator("body")).not_to_contain_text("文件柜")
    page.fill("input[name=login]", "custodian")
    page.fill("input[name=password]", PASSWORD)
    page.locator("main button[type=submit]").first.click()
    page.wait_for_url("**/places/GZ-1")
    assert narrow(page)
    page.get_by_role("button", name="开始清点").click()
    page.wait_for_url("**/checks/*")

    field = page.locator("input[name=code]")
    expect(field).to_be_focused()
    for text in (f"{phone.url}/i/{numbers[0]}?copy=1", f"{numbers[0]} 2", f"{numbers[1]} 1", elsewhere, "NO-SUCH-1"):  # fmt: skip
        field.fill(text)
        field.press("Enter")
        page.wait_for_load_state()
        expect(field).to_be_focused()  # the next scan needs no touch
    counted = page.locator(".check-sum li b")
    assert counted.all_text_contents() == ["3", "1", "1", "1"]
    assert narrow(page)

    # or by the phone's own camera: the code opens the file, its first button counts it in
    page = phone.go(f"/i/{numbers[0]}?copy=1")
    first = page.locator(".folder-acts button").first
    expect(first).to_contain_text("记入清点：办公室文件柜 1 号")
    assert narrow(page)
    first.click()
    page.wait_for_url("**/checks/*")
    expect(page.locator("#toasts")).to_contain_text("已经扫过")

    page.get_by_role("link", name="结束清点").click()
    expect(page.locator("main")).to_contain_text("下列 1 份没有见到")
    page.get_by_role("button", name="结束，1 份下落不明").click()
    page.wait_for_url("**/checks/*")
    expect(page.locator("main")).to_contain_text("清点报告")
    page = phone.go("/items/incident/")
    expect(page.locator("main")).to_contain_text(f"{numbers[1]} 第 2 份下落不明")
    db.session.rollback()
    lost = select(Copy.number).where(Copy.item_id == gone, Copy.state == "missing")
    assert db.session.scalars(lost).all() == [2]
    assert db.session.get_one(Item, gone).state == "held"


def test_the_labels_fill_the_sheet_from_the_place_that_is_free(served: Flask, seat: Sit) -> None:
    desk = Office(served, served.extensions["house"])
    number = desk.add("document", "custodian", title="卷宗", level=Level.CONFIDENTIAL, copies="3").number
    db.session.rollback()
    page = seat("custodian").go(f"/i/{number}/labels")
    page.fill("input[name=start]", "23")
    page.get_by_role("button", name="重新排版").click()
    expect(page.locator("main")).to_contain_text("共 3 枚标签，2 张")
    page.emulate_media(media="print")
    paper = pypdfium2.PdfDocument(BytesIO(page.pdf(prefer_css_page_size=True)))
    assert len(paper) == 2  # the frame of the site takes no paper
    wide, high = paper[0].get_size()
    assert (round(wide / 72 * 25.4), round(high / 72 * 25.4)) == (210, 297)
    words = "".join(paper[0].get_textpage().get_text_bounded().split())
    assert words.count(number) == 2
