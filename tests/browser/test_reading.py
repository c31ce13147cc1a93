"""A borrower reads on a phone: one page at a time, by thumb, and each page that was seen stands in the log."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from flask import Flask
from playwright.sync_api import expect

from tests.browser.conftest import Seat
from tests.office import Office
from tests.reading import blob_of, kept, lend, pdf
from vault.levels import Level

pytestmark = pytest.mark.browser
Sit = Callable[..., Seat]


def test_three_pages_are_read_on_a_phone_and_stand_in_the_log(served: Flask, seat: Sit) -> None:
    desk = Office(served, served.extensions["house"])
    item = kept(desk, Level.CONFIDENTIAL, ("管网图.pdf", pdf(12)), readers=("lead_wx",), title="供热管网图")
    lend(desk, item, "lead_wx")
    for javascript in (True, False):
        one = seat("lead_wx", phone=True, javascript=javascript)
        asked: list[str] = []
        one.page.on("request", lambda r, asked=asked: asked.append(r.url) if r.url.endswith(".jpg") else None)
        page = one.go(f"/i/{item.number}/read")
        page.get_by_role("button", name="开始阅读").click()
        for n in (1, 2, 3):
            sheet = page.get_by_alt_text(f"第 {n} 页，共 12 页")
            expect(sheet).to_be_visible()
            if javascript:
                assert sheet.evaluate("p => p.decode().then(() => p.naturalWidth)") == 1240
            page.wait_for_load_state("networkidle")
            assert page.evaluate("document.documentElement.scrollWidth") <= 390 if javascript else True
            if n < 3:
                onward = page.get_by_role("link", name="下一页")
                box = onward.bounding_box()
                assert box and box["height"] >= 36 and box["y"] > 500, "within reach of a thumb"
                onward.click()
        assert len(asked) == 3, "no page is fetched that is not looked at"
        if javascript:
            page.keyboard.press("ArrowLeft")
            expect(page.get_by_alt_text("第 2 页，共 12 页")).to_be_visible()
            page.wait_for_load_state("networkidle")
        rows = [json.loads(r.detail) for r in desk.audit("body.page")]
        wanted = [1, 2, 3, 2] if javascript else [1, 2, 3, 2, 1, 2, 3]
        assert [r["page"] for r in rows] == wanted
        assert {r["blob"] for r in rows} == {blob_of(item)}
        page.get_by_role("button", name="结束阅读").click()
        page.wait_for_load_state()
        assert page.goto(f"{one.url}/i/{item.number}/read/{blob_of(item)}/1.jpg").status == 403  # type: ignore[union-attr]
