"""The search in real browsers: an input method, keys, the address, what a browser remembers, alerts, phones, no scripts."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Page, Request, expect

from intranet.jobs import watch
from tests.browser.conftest import Seat
from tests.office import Office
from vault.levels import Level

pytestmark = pytest.mark.browser
Sit = Callable[..., Seat]


@pytest.fixture
def office(served: Flask, work: Callable[[], None]) -> Office:
    """Some entries about pumps; one of them secret."""
    desk = Office(served, served.extensions["house"])
    desk.add("resource", "officer", title="水泵操作规程", level=Level.PUBLIC, body="开机前检查油位。")
    desk.add("resource", "officer_wx", title="水泵检修计划")
    desk.add("workorder", "cook", title="水泵房漏水")
    desk.add("document", "custodian", title="水泵抢险预案", level=Level.SECRET)
    for n in range(24):
        desk.add("resource", "officer", title=f"阀门记录第 {n} 号", level=Level(n % 2))
    work()
    return desk


def asked(page: Page) -> list[str]:
    """The questions that leave the page from now on: `region: words`."""
    seen: list[str] = []

    def note(request: Request) -> None:
        target = request.headers.get("hx-target", "")
        if "/search" in request.url and target:
            words = page.evaluate("u => new URL(u).searchParams.get('q')", request.url)
            seen.append(f"{target.rpartition('#')[2]}: {words}")

    page.on("request", note)
    return seen


def pause(page: Page, milliseconds: int) -> None:
    """As long as the page itself would wait before it asks."""
    page.evaluate("ms => new Promise(done => setTimeout(done, ms))", milliseconds)


# --------------------------------------------------------------------------------------------------- an input method


@pytest.mark.parametrize(("path", "box", "region"), [("/", "#find", "live"), ("/search", "#q", "results")])
def test_half_typed_letters_of_an_input_method_fire_nothing(
    office: Office, seat: Sit, path: str, box: str, region: str
) -> None:
    page = seat("cook").go(path)
    keyboard = page.context.new_cdp_session(page)
    page.click(box)
    seen = asked(page)
    for letters in ("s", "sh", "shui", "shui'b", "shui'beng"):
        keyboard.send(
            "Input.imeSetComposition",
            {"text": letters, "selectionStart": len(letters), "selectionEnd": len(letters)},
        )
        pause(page, 400)
    assert seen == []
    assert page.input_value(box) == "shui'beng"
    keyboard.send("Input.insertText", {"text": "水泵"})
    expect(page.locator(f"#{region}")).to_contain_text("操作规程")
    assert seen == [f"{region}: 水泵"]


def test_what_was_typed_just_before_composing_is_not_sent_with_the_letters(office: Office, seat: Sit) -> None:
    page = seat("cook").go("/")
    keyboard = page.context.new_cdp_session(page)
    page.click("#find")
    seen = asked(page)
    keyboard.send("Input.insertText", {"text": "水"})
    keyboard.send("Input.imeSetComposition", {"text": "b", "selectionStart": 1, "selectionEnd": 1})
    pause(page, 500)
    assert seen == []
    keyboard.send("Input.insertText", {"text": "泵"})
    expect(page.locator("#live")).to_contain_text("操作规程")
    assert seen == ["live: 水泵"]


# ------------------------------------------------------------------------------------------------------------- the keys


def test_the_list_under_the_box_is_a_combobox(office: Office, seat: Sit) -> None:
    page = seat("cook").go("/")
    page.keyboard.press("/")
    box = page.locator("#find")
    expect(box).to_be_focused()
    expect(box).to_have_attribute("role", "combobox")
    expect(box).to_have_attribute("aria-expanded", "false")
    page.keyboard.type("水泵")
    expect(page.get_by_role("listbox").get_by_role("group", name="信息资源")).to_be_visible()
    expect(page.get_by_role("option")).to_have_count(4)
    expect(box).to_have_attribute("aria-expanded", "true")
    assert page.locator("#live mark").first.inner_text() == "水泵"

    page.keyboard.press("ArrowDown")
    chosen = page.locator("#live [aria-selected=true]")
    expect(chosen).to_have_count(1)
    assert box.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    expect(box).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#live [aria-selected=true]")).to_contain_text("全部结果")

    page.keyboard.press("Escape")
    expect(page.get_by_role("option")).to_have_count(0)
    expect(box).to_have_attribute("aria-expanded", "false")
    expect(box).to_have_value("水泵")
    assert box.get_attribute("aria-activedescendant") is None

    page.keyboard.type("操")
    expect(page.get_by_role("option").first).to_contain_text("操作规程")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/i/**")
    expect(page.locator("h1")).to_contain_text("水泵操作规程")


def test_enter_without_a_choice_asks_for_everything(office: Office, seat: Sit) -> None:
    page = seat("cook").go("/")
    page.keyboard.press("/")
    page.keyboard.type("水泵")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=**")
    expect(page.locator("#results")).to_contain_text("共 3 条")
    page.locator("main").click(position={"x": 5, "y": 5})
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()


# ---------------------------------------------------------------------------------------------------------- the address


@pytest.mark.parametrize("phone", [False, True])
def test_the_back_button_and_a_shared_link_give_the_same_search(
    office: Office, seat: Sit, phone: bool
) -> None:
    mine = seat("officer", phone=phone)
    page = mine.go("/search?q=阀门")
    expect(page.locator("#results")).to_contain_text("共 24 条")
    page.get_by_role("link", name="最近更新").click()
    page.wait_for_url("**sort=updated**")
    page.locator(".facet").get_by_role("link", name="公开 12").click()
    page.wait_for_url("**level=public**")
    expect(page.locator("#results")).to_contain_text("共 12 条")
    page.locator(".facet").get_by_role("link", name="内部 12").click()
    expect(page.locator(".chip")).to_have_count(2)
    page.get_by_role("link", name="下一页").click()
    page.wait_for_url("**page=2**")
    expect(page.locator(".hit")).to_have_count(4)
    shared = page.url
    page.locator(".hit a").first.click()
    page.wait_for_url("**/i/**")
    page.go_back()
    assert page.url == shared
    expect(page.locator(".hit")).to_have_count(4)
    for count in (20, 12, 20):  # first page; one level; both levels in their order
        page.go_back()
        expect(page.locator(".hit")).to_have_count(count)
    assert page.url.endswith("sort=updated")

    other = seat("admin", phone=phone).go(shared.removeprefix(mine.url))
    expect(other.locator("#results")).to_contain_text("没有找到“阀门”")
    colleague = seat("cook", phone=phone).go(shared.removeprefix(mine.url))
    expect(colleague.locator(".hit")).to_have_count(4)


def test_what_is_typed_on_the_page_stands_in_the_address_and_a_filter_is_kept(
    office: Office, seat: Sit
) -> None:
    page = seat("cook").go("/search?q=阀门&level=public")
    page.fill("#q", "水泵")
    expect(page.locator("#results")).to_contain_text("共 1 条")
    assert page.evaluate("new URL(location).searchParams.getAll('level')") == ["public"]
    assert page.evaluate("new URL(location).searchParams.get('q')") == "水泵"
    page.reload()
    expect(page.locator("#results")).to_contain_text("共 1 条")


def test_days_are_chosen_in_one_click_or_typed(office: Office, seat: Sit) -> None:
    page = seat("cook").go("/search?q=水泵")
    page.get_by_role("link", name="近 7 天", exact=True).click()
    page.wait_for_url("**since=7d**")
    expect(page.locator(".chip")).to_contain_text("近 7 天")
    page.fill(".facet-dates input[name=since]", "2026-12-01")
    page.get_by_role("button", name="按日期筛选").click()
    page.wait_for_url("**since=2026-12-01")  # nothing empty stands in the address
    expect(page.locator("#results")).to_contain_text("没有找到")
    page.get_by_role("link", name="取消全部筛选条件再查").click()
    expect(page.locator("#results")).to_contain_text("共 3 条")


# ----------------------------------------------------------------------------------------- what this browser remembers

KEPT = "Object.keys(localStorage).filter(k => k.startsWith('recent:'))"


def test_recent_searches_stay_in_this_browser_until_one_signs_out(office: Office, seat: Sit) -> None:
    mine = seat("cook")
    page = mine.go("/")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url + (request.post_data or "")))
    for n in range(10):
        mine.go(f"/search?q=词语{n}")
    mine.go("/")
    sent.clear()
    page.click("#find")
    expect(page.get_by_role("option")).to_have_count(8)
    expect(page.get_by_role("option").first).to_have_text("词语9")
    assert [url for url in sent if "/static/" not in url] == []
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url("**/search?q=**")
    expect(mine.go("/search").locator("#recent li")).to_have_count(8)
    assert page.evaluate(KEPT) == ["recent:cook"]

    page.locator("header details.person > summary").click()
    page.get_by_role("button", name="退出", exact=True).click()
    page.wait_for_url("**/login**")
    assert page.evaluate(KEPT) == []


def test_nobody_sees_what_another_looked_for_and_it_may_be_cleared(office: Office, seat: Sit) -> None:
    mine = seat("cook")
    page = mine.go("/search?q=水泵")
    page.context.clear_cookies()  # the session ran out, somebody else sits down
    mine.sign_in("warden")
    page.click("#find")
    expect(page.get_by_role("option")).to_have_count(0)
    assert page.evaluate(KEPT) == []
    mine.go("/search?q=阀门")
    mine.go("/")
    page.click("#find")
    page.get_by_role("button", name="清除").click()
    expect(page.get_by_role("option")).to_have_count(0)
    assert page.evaluate(KEPT) == []


def test_nothing_is_remembered_of_whoever_may_see_secrets(office: Office, seat: Sit) -> None:
    mine = seat("custodian")
    page = mine.go("/search?q=水泵")
    expect(page.locator("#results")).to_contain_text("抢险预案")
    mine.go("/")
    page.click("#find")
    expect(page.get_by_role("option")).to_have_count(0)
    assert page.evaluate("JSON.stringify(localStorage)").find("水泵") < 0


# ----------------------------------------------------------------------------------------- saved, told, taken along


@pytest.mark.parametrize("javascript", [True, False])
def test_a_saved_search_tells_of_what_is_new(
    served: Flask, office: Office, seat: Sit, work: Callable[[], None], clock: object, javascript: bool
) -> None:
    mine = seat("cook", javascript=javascript)
    page = mine.go("/search?q=水泵")
    page.locator(".search-save summary").click()
    page.fill("#save-name", "泵的一切")
    page.locator(".search-save button[type=submit]").click()
    page.wait_for_load_state()
    expect(page.locator("#toasts")).to_contain_text("已保存为“泵的一切”")

    office.add("resource", "officer", title="水泵保养记录")
    clock.forward(minutes=5)  # type: ignore[attr-defined]
    work()
    watch.alerts(served.extensions["house"])
    page = mine.go("/")
    expect(page.locator("#told")).to_contain_text("保存的检索有 1 条新结果")
    page.get_by_role("link", name="泵的一切").click()
    expect(page.locator(".hit")).to_have_count(1)
    expect(page.locator(".hit")).to_contain_text("水泵保养记录")
    page.get_by_role("button", name="标为看过").click()
    page.wait_for_url("**/searches/")
    expect(page.locator("main")).to_contain_text("没有新结果")
    expect(mine.go("/").locator("main")).not_to_contain_text("保存的检索有")

    page = mine.go("/searches/")
    page.locator("summary", has_text="改名").click()
    page.fill("details[open] input[name=name]", "泵")
    page.locator("details[open] button[type=submit]").click()
    page.wait_for_load_state()
    page.locator("summary", has_text="删除").click()
    page.locator("details[open] button[type=submit]").click()
    page.wait_for_load_state()
    expect(page.locator("main")).to_contain_text("还没有保存的检索")


def test_the_result_is_taken_along_as_a_table(office: Office, seat: Sit, tmp_path: Path) -> None:
    page = seat("cook").go("/search?q=水泵&kind=resource")
    page.locator(".search-export summary").click()
    with page.expect_download() as coming:
        page.get_by_role("link", name="CSV").click()
    coming.value.save_as(tmp_path / "table.csv")
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text("utf-8-sig").splitlines()))
    assert {row["标题"] for row in rows} == {"水泵操作规程", "水泵检修计划"}


def test_without_scripts_everything_is_asked_by_links_and_forms(office: Office, seat: Sit) -> None:
    page = seat("cook", javascript=False).go("/search?q=水泵")
    expect(page.locator("#results")).to_contain_text("共 3 条")
    page.fill(".facet-dates input[name=since]", "2026-11-01")
    page.get_by_role("button", name="按日期筛选").click()
    page.wait_for_load_state()
    expect(page.locator(".chip")).to_contain_text("11月1日 起")
    page.locator(".facet").get_by_role("link", name="公开 1").click()
    page.wait_for_load_state()
    expect(page.locator(".hit")).to_have_count(1)
    page.fill("#q", "规程")
    page.locator(".search-box button").click()
    page.wait_for_load_state()
    expect(page.locator(".chip")).to_have_count(2)


@pytest.mark.parametrize(
    "path",
    ["/search", "/search?q=阀门", "/search?q=水泵&level=public&since=2026-13-01", "/search?q=鹭鸶&kind=notice", "/searches/"],
)  # fmt: skip
def test_nothing_sticks_out_on_a_phone(office: Office, seat: Sit, path: str) -> None:
    page = seat("cook", phone=True).go(path)
    for details in page.locator("main details > summary").all():
        details.click()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        details.click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
