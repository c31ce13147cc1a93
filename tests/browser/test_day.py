"""The product's day, by several people in real browsers: catalogue, search, vault, complaint, work order, log."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from flask import Flask
from PIL import Image
from playwright.sync_api import Page, expect
from sqlalchemy import select

from intranet.extensions import db
from intranet.models import Audit, Blob, Item, Person
from intranet.verbs import auditing
from tests.browser.conftest import Seat

pytestmark = pytest.mark.browser
Sit = Callable[..., Seat]
UNTIL = date(2026, 11, 30).isoformat()


def number_of(page: Page) -> str:
    """The number of the item whose page is open."""
    return page.url.rsplit("/", 1)[-1]


def press(page: Page, label: str) -> None:
    """A button by its words, wherever it stands in the page's content."""
    page.locator("main").get_by_role("button", name=label, exact=True).first.click()
    page.wait_for_load_state()


def search(page: Page, text: str) -> None:
    """Type into the box under the top bar and ask for the whole list."""
    page.locator("header input[name=q]").fill(text)
    page.locator("header input[name=q]").press("Enter")
    page.wait_for_url("**/search?**")


def test_regulations_are_imported_found_and_read(
    served: Flask, seat: Sit, work: Callable[[], None], tmp_path: Path
) -> None:
    folder = tmp_path / "in" / "安全法规"
    folder.mkdir(parents=True)
    (folder / "校园消防管理办法(2019-05-01).md").write_text(
        "# 校园消防管理办法\n\n第一条 每年检查灭火器一次。\n", "utf-8"
    )
    (folder / "校园消防管理办法(2024-03-15).md").write_text(
        "# 校园消防管理办法\n\n第一条 每季度检查灭火器一次。\n", "utf-8"
    )
    given = ["import", str(tmp_path / "in"), "--unit", "BG", "--class", "other", "--json"]
    report = json.loads(served.test_cli_runner().invoke(args=given).stdout)
    assert (report["imported"], report["left_out"]) == (2, [])
    work()

    page = seat("cook").go("/")
    search(page, "“每季度检查灭火器”")
    hits = page.locator("#results")
    expect(hits.locator("mark").first).to_be_visible()
    expect(hits).to_contain_text("校园消防管理办法")
    hits.get_by_role("link", name="校园消防管理办法").first.click()
    expect(page.locator("main")).to_contain_text("每季度检查灭火器一次")
    press_link(page, "关联")  # the older version is one step away
    expect(page.locator("main")).to_contain_text("2019")


def test_a_secret_document_is_borrowed_read_returned_and_checked(
    served: Flask, seat: Sit, work: Callable[[], None], tmp_path: Path
) -> None:
    paper = tmp_path / "供热管网评估.txt"
    paper.write_text("供热主管第三段须在采暖期前更换。", "utf-8")
    custodian = seat("custodian")
    page = custodian.go("/items/document/new")
    page.fill("input[name=title]", "供热管网评估报告")
    page.get_by_label("秘密", exact=True).check()
    page.fill("input[name=author]", "维修科")
    page.fill("input[name=dated]", "2026-11-02")
    page.select_option("select[name=retention]", "y10")
    page.select_option("select[name=frequency]", "low")
    page.select_option("select[name=place]", index=1)
    page.get_by_label("本件不含国家秘密").check()
    page.set_input_files("input[type=file]", str(paper))
    press(page, "登记")
    number = number_of(page)
    expect(page.locator("main")).to_contain_text("须先借阅")
    work()

    # Somebody not cleared: neither found, nor there.
    outsider = seat("cook")
    page = outsider.go("/")
    search(page, "供热管网评估报告")
    expect(page.locator("main")).not_to_contain_text(number)
    assert outsider.page.goto(f"{outsider.url}/i/{number}").status == 404

    # A cleared reader finds it, asks for it with purpose and date.
    reader = seat("lead")
    page = reader.go("/")
    search(page, "供热管网")
    page.locator("#results").get_by_role("link", name="供热管网评估报告").first.click()
    press_link(page, "申请借阅")
    page.fill("textarea[name=purpose]", "制定采暖期检修计划")
    page.fill("input[name=until]", UNTIL)
    press(page, "提交申请")

    # The custodian lends it; the reader opens it, returns it; the custodian checks it.
    page = custodian.go("/desk/")
    page.locator("main summary").filter(has_text="批准并交付").first.click()
    press(page, "批准并交付")
    page = reader.go(f"/i/{number}")
    assert page.locator("a[href^='/f/']").count() == 0, "it is read in the page"
    press_link(page, "在页面内阅读")
    press(page, "开始阅读")
    sheet = page.get_by_alt_text("第 1 页，共 1 页")
    expect(sheet).to_be_visible()
    assert sheet.evaluate("p => p.decode().then(() => p.naturalWidth)") == 1240
    page = reader.go("/desk/")
    press(page, "归还")
    closed = page.context.request.get(reader.url + f"/f/{blob_of(number)}/x")
    assert closed.status == 403
    page = custodian.go("/desk/")
    page.locator("main summary").filter(has_text="核验入库").first.click()
    press(page, "核验入库")
    expect(custodian.go(f"/i/{number}").locator("main")).to_contain_text("在库")

    with served.app_context():
        db.session.rollback()
        done = list(
            db.session.scalars(select(Audit.action).where(Audit.number == number).order_by(Audit.seq))
        )
        for step in ("loan.apply", "loan.lend", "reading.start", "body.page", "loan.return", "loan.check"):
            assert step in done, (step, done)
        assert auditing.verify(db.session(), served.extensions["house"]).ok


def press_link(page: Page, label: str) -> None:
    page.locator("main").get_by_role("link", name=label).first.click()
    page.wait_for_load_state()


def blob_of(number: str) -> int:
    db.session.rollback()
    return db.session.scalars(
        select(Blob.id).join(Item, Item.id == Blob.item_id).where(Item.number == number)
    ).one()


def test_a_student_complains_on_a_phone_and_follows_the_answer(
    served: Flask, seat: Sit, work: Callable[[], None], tmp_path: Path
) -> None:
    photo = tmp_path / "浴室.jpg"
    Image.new("RGB", (640, 480), "teal").save(photo, exif=b"Exif\x00\x00")
    student = seat(phone=True)
    page = student.go("/complaints/new")
    page.get_by_label("宿舍住宿").check()
    page.fill("input[name=title]", "北苑三号楼没有热水")
    page.fill("textarea[name=statement]", "晚上九点以后一直没有热水，已经三天。")
    page.set_input_files("input[type=file]", str(photo))
    page.locator("input[name=agree]").check()
    press(page, "提交投诉")
    number = page.locator(".receipt-number").inner_text().strip()
    code = page.locator(".receipt-code").inner_text().replace("\n", "").strip()
    work()

    # Others see neither the complaint nor that there is one.
    page = seat("cook").go("/")
    search(page, "北苑三号楼没有热水")
    expect(page.locator("main")).not_to_contain_text(number)

    handler = seat("handler")
    page = handler.go(f"/i/{number}")
    page.locator("main summary").filter(has_text="受理").first.click()
    page.select_option("select[name=handler]", index=1)
    page.fill("input[name=due]", "2026-11-27T18:00")
    press(page, "受理")
    who = db_handler(number)
    answerer = handler if who == "handler" else seat(who)
    page = answerer.go(f"/i/{number}")
    page.locator("main summary").filter(has_text="答复").first.click()
    page.fill("textarea[name=reply]", "循环泵已更换，今晚恢复供水。")
    press(page, "答复")

    page = student.go("/track")
    page.fill("input[name=code]", code.lower())
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("main")).to_contain_text("循环泵已更换")
    assert code not in page.url


def db_handler(number: str) -> str:
    db.session.rollback()
    item = db.session.scalars(select(Item).where(Item.number == number)).one()
    return db.session.get_one(Person, item.data["handler"]).login


def test_a_work_order_passes_four_hands(seat: Sit) -> None:
    asker = seat("cook")
    page = asker.go("/items/workorder/new")
    page.fill("input[name=title]", "后厨地漏返水")
    page.fill("input[name=place]", "第一食堂后厨")
    page.select_option("select[name=trade]", "water")
    page.select_option("select[name=urgency]", "soon")
    page.fill("textarea[name=fault]", "午后积水，影响备餐。")
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/i/**")
    number = number_of(page)

    page = seat("dispatcher").go(f"/i/{number}")
    page.locator("main summary").filter(has_text="派工").first.click()
    page.select_option("select[name=worker]", label=option(page, "worker", "石大川"))
    page.fill("input[name=due]", "2026-11-24T12:00")
    press(page, "派工")

    worker = seat("plumber", phone=True)
    page = worker.go(f"/i/{number}")
    press(page, "接单")
    page.locator("main summary").filter(has_text="完工").first.click()
    page.fill("textarea[name=work]", "疏通排水管，更换地漏。")
    page.fill("input[name=cost]", "86.50")
    press(page, "完工")

    page = asker.go("/")
    expect(page.locator("main")).to_contain_text("后厨地漏返水")
    page = seat("lead_st").go(
        f"/i/{number}"
    )  # the head of the section signs off, so that four persons had it in hand
    press(page, "验收办结")
    expect(page.locator("main")).to_contain_text("已办结")


def option(page: Page, name: str, word: str) -> str:
    """The whole label of the choice that contains a word."""
    for text in page.locator(f"select[name={name}] option").all_inner_texts():
        if word in text:
            return text
    raise AssertionError(f"{word} is not offered")


def test_the_day_works_without_javascript(seat: Sit) -> None:
    quiet = seat("lead", javascript=False)
    page = quiet.go("/items/resource/new")
    page.fill("input[name=title]", "会议室管理规定")
    page.select_option("select[name=business]", "other")
    page.select_option("select[name=management]", "administration")
    page.select_option("select[name=medium]", "paper")
    page.locator("main form button[type=submit]").first.click()
    expect(page.locator("main")).to_contain_text(
        "纸质资料须填写存放位置"
    )  # refused, and nothing typed is lost
    expect(page.locator("input[name=title]")).to_have_value("会议室管理规定")
    page.select_option("select[name=place]", index=1)
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/i/**")
    expect(page.locator("main")).to_contain_text("会议室管理规定")
