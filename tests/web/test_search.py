"""The search page: the address says all, every region obeys the policy, and it costs few statements."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

from intranet.house import House
from intranet.jobs import worker
from intranet.jobs.outbox import drain
from intranet.models import Item
from search.engine import Damaged
from tests.office import Clock, Office, Statements
from vault.levels import Level

As = Callable[..., FlaskClient]
LIVE = {"HX-Request": "true", "HX-Target": "div#live"}
TYPED = {"HX-Request": "true", "HX-Target": "div#results"}


@pytest.fixture
def shelf(desk: Office, house: House) -> dict[str, Item]:
    made = {
        "rule": desk.add(
            "resource", "officer", title="水泵操作规程", body="开机前检查<油位>", level=Level.PUBLIC
        ),
        "plan": desk.add("resource", "officer_wx", title="水泵检修计划", level=Level.INTERNAL),
        "secret": desk.add("document", "custodian", title="水泵抢险预案", level=Level.SECRET),
        "order": desk.add("workorder", "warden", title="水泵房漏水"),
    }
    drain(house, worker.QUICK)
    return made


def page(client: FlaskClient, address: str, **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, answer.status
    return answer.get_data(as_text=True)


def titles(html: str) -> list[str]:
    """The titles of the hits, marks taken off."""
    found = re.findall(
        r'class="hit-title">.*?<a [^>]*>(.*?)</a>|class="live-title">(.*?)</span>', html, re.DOTALL
    )
    return [re.sub(r"<[^>]+>", "", "".join(title)).strip() for title in found]


def test_shows_what_the_person_may_know_of_and_counts_no_more(as_: As, shelf: dict[str, Item]) -> None:
    html = page(as_("cook"), "/search?q=水泵")
    assert "共 2 条" in html
    assert "抢险预案" not in html
    assert "漏水" not in html
    assert 'href="/search?q=%E6%B0%B4%E6%B3%B5&amp;kind=document"' not in html
    assert "共 3 条" in page(as_("custodian"), "/search?q=水泵")


@pytest.mark.parametrize("headers", [LIVE, TYPED, {"HX-Request": "true"}, {}])
def test_no_region_shows_what_the_page_would_refuse(
    as_: As, shelf: dict[str, Item], headers: dict[str, str]
) -> None:
    html = page(as_("cook"), "/search?q=水泵", **headers)
    assert "操作规程" in html
    assert "抢险" not in html
    assert shelf["secret"].number not in html


@pytest.mark.parametrize("headers", [LIVE, TYPED])
def test_as_one_types_nothing_secret_is_named_and_it_is_said_so(
    as_: As, desk: Office, shelf: dict[str, Item], headers: dict[str, str]
) -> None:
    html = page(as_("custodian"), "/search?q=水泵", **headers)
    assert "抢险" not in html
    assert "按回车" in html
    assert desk.audit("search.secret") == []


def test_entering_it_shows_the_secret_with_band_and_record(
    as_: As, desk: Office, shelf: dict[str, Item]
) -> None:
    html = page(as_("custodian"), "/search?q=水泵")
    assert "抢险预案" in html
    assert "band-secret" in html
    assert len(desk.audit("search.secret")) == 1


def test_withdrawn_is_gone_from_every_region_at_once(as_: As, desk: Office, shelf: dict[str, Item]) -> None:
    reader = as_("cook")
    desk.step(shelf["rule"], "officer", "withdraw", reason="停用")
    for headers in (LIVE, TYPED, {}):
        assert "操作规程" not in page(reader, "/search?q=水泵", **headers)
    assert "共 1 条" in page(reader, "/search?q=水泵")


def test_a_fragment_is_no_page_and_says_on_what_it_depends(as_: As, shelf: dict[str, Item]) -> None:
    answer = as_("cook").get("/search?q=水泵", headers=LIVE)
    assert "<html" not in answer.get_data(as_text=True)
    assert {"HX-Request", "HX-Target"} <= set(answer.vary)
    assert answer.headers["Cache-Control"] == "no-store"


def test_live_groups_by_ledger_and_leads_on(as_: As, shelf: dict[str, Item]) -> None:
    html = page(as_("dispatcher"), "/search?q=水泵", **LIVE)
    assert html.index("信息资源") < html.index("操作规程")
    assert "维修工单" in html
    assert len(titles(html)) <= 9
    assert 'href="/search?q=%E6%B0%B4%E6%B3%B5"' in html


def test_found_words_are_marked_and_nothing_typed_becomes_markup(as_: As, shelf: dict[str, Item]) -> None:
    html = page(as_("cook"), "/search?q=油位")
    assert "&lt;<mark>油位</mark>&gt;" in html
    html = page(as_("cook"), "/search?q=<script>alert(1)</script>")
    assert "<script>alert" not in html


def test_typing_a_number_opens_the_record_and_a_hidden_one_does_not(as_: As, shelf: dict[str, Item]) -> None:
    answer = as_("cook").get(f"/search?q={shelf['rule'].number.lower()}")
    assert (answer.status_code, answer.location) == (303, f"/i/{shelf['rule'].number}")
    hidden, none = shelf["secret"].number, "BG-J-2026-9999"
    pages = [page(as_("cook"), f"/search?q={n}") for n in (hidden, none)]
    assert titles(pages[0]) == titles(pages[1])
    assert "抢险" not in pages[0]
    assert page(as_("cook"), f"/search?q={shelf['rule'].number}", **LIVE).count("操作规程") == 1


def test_facets_are_in_the_address_and_several_of_one_are_alternatives(
    as_: As, shelf: dict[str, Item]
) -> None:
    reader = as_("dispatcher")
    one = page(reader, "/search?q=水泵&level=public")
    assert titles(one) == ["水泵操作规程"]
    assert "密级：公开" in one
    both = page(reader, "/search?q=水泵&level=public&level=internal&kind=resource")
    assert len(titles(both)) == 2
    assert 'href="/search?q=%E6%B0%B4%E6%B3%B5&amp;kind=resource&amp;level=public"' in both


@pytest.mark.parametrize(
    "address",
    [
        "/search?q=%22%22%22-(((kind:&page=abc", "/search?page=-3&q=水", "/search?q=水泵&page=99999", "/search?q=" + "水" * 900,
        "/search?level=nosuch&q=水", "/search?kind=&unit=wx", "/search?q=%00%ff", "/search?sort=drop&q=水泵",
    ],
)  # fmt: skip
def test_whatever_is_typed_gives_an_answer(as_: As, shelf: dict[str, Item], address: str) -> None:
    page(as_("cook"), address)


def test_nothing_asked_shows_how_to_ask(as_: As, shelf: dict[str, Item]) -> None:
    html = page(as_("cook"), "/search")
    assert "可以这样查" in html
    assert "共" not in re.sub(r"公共|共同|共享", "", html.split('id="results"')[1])
    assert "投诉处理" not in html


def test_browsing_by_filters_alone_is_newest_first(as_: As, shelf: dict[str, Item]) -> None:
    assert titles(page(as_("cook"), "/search?kind=resource")) == ["水泵检修计划", "水泵操作规程"]


def test_finding_nothing_says_what_else_to_try(as_: As, shelf: dict[str, Item]) -> None:
    html = page(as_("cook"), "/search?q=鹭鸶&kind=notice")
    assert "没有找到“鹭鸶”" in html
    assert "取消全部筛选条件" in html
    assert "信息员" in html
    assert "<mark>水泵</mark>操作规程" in page(as_("cook"), "/search?q=shuibeng")


def test_paging_and_sorting_stay_in_the_address(as_: As, desk: Office, house: House) -> None:
    for n in range(25):
        desk.add("resource", "officer", title=f"阀门记录 {n}")
    drain(house, worker.QUICK)
    first, second = (page(as_("cook"), f"/search?q=阀门&sort=updated&page={n}") for n in (1, 2))
    assert (len(titles(first)), len(titles(second))) == (20, 5)
    assert not set(titles(first)) & set(titles(second))
    assert "sort=updated&amp;page=2" in first


def test_strangers_are_sent_to_sign_in(client: FlaskClient) -> None:
    assert client.get("/search?q=x").status_code == 303
    assert client.get("/search?q=x", headers=LIVE).status_code == 401


def test_a_search_costs_few_statements_however_much_is_found(
    as_: As, desk: Office, house: House, shelf: dict[str, Item], statements: Statements
) -> None:
    reader = as_("cook")
    counts = []
    for _round in range(2):
        for headers in ({}, LIVE):
            with statements() as seen:
                page(reader, "/search?q=水泵", **headers)
            counts.append(len([s for s in seen if s.lstrip().upper().startswith("SELECT")]))
        for n in range(15):
            desk.add("resource", "officer", title=f"水泵记录 {n}")
        drain(house, worker.QUICK)
    assert counts[:2] == counts[2:]
    assert counts[0] <= 8
    assert counts[1] <= 6


# ------------------------------------------------------------------------------------------------------------- dates


def test_days_narrow_and_stand_in_the_address_as_chips(
    as_: As, desk: Office, house: House, shelf: dict[str, Item], clock: Clock
) -> None:
    clock.forward(days=10)
    desk.add("resource", "officer", title="水泵保养记录")
    drain(house, worker.QUICK)
    reader = as_("cook")
    assert titles(page(reader, "/search?q=水泵&since=today")) == ["水泵保养记录"]
    html = page(reader, "/search?q=水泵&since=2026-11-20&until=2026-11-24")
    assert set(titles(html)) == {"水泵操作规程", "水泵检修计划"}
    assert "更新：11月20日 起" in html
    assert "更新：至 11月24日" in html
    assert 'href="/search?q=%E6%B0%B4%E6%B3%B5&amp;until=2026-11-24"' in html
    assert 'name="since" value="2026-11-20"' in html
    assert "更新：近 7 天" in page(reader, "/search?q=水泵&since=7d")


def test_facets_count_within_the_days(as_: As, shelf: dict[str, Item], clock: Clock) -> None:
    clock.forward(days=10)
    html = page(as_("cook"), "/search?q=水泵&since=today")
    assert "没有找到" in html
    assert "取消全部筛选条件再查" in html
    assert "有 2 条" in html


def test_the_whole_question_goes_with_every_link_and_form(as_: As, shelf: dict[str, Item]) -> None:
    html = page(as_("cook"), "/search?q=水泵&since=30d&sort=updated")
    assert 'href="/search?q=%E6%B0%B4%E6%B3%B5&amp;level=public&amp;since=30d&amp;sort=updated"' in html
    box = html[html.index('class="search-box"') :].partition("</form>")[0]
    assert '<input type="hidden" name="since" value="30d">' in box
    assert '<input type="hidden" name="sort" value="updated">' in box


@pytest.mark.parametrize(
    ("dates", "said"),
    [
        ("since=2026-13-45", "“2026-13-45”不是日期"), ("until=%E6%98%A8%E5%A4%A9", "“昨天”不是日期"),
        ("since=2026-11-20&until=2026-11-01", "截止日期早于起始日期"),
    ],
)  # fmt: skip
def test_what_is_no_date_is_told_and_narrows_nothing(
    as_: As, shelf: dict[str, Item], dates: str, said: str
) -> None:
    html = page(as_("cook"), f"/search?q=水泵&{dates}")
    assert said in html
    assert "共 2 条" in html
    assert 'action="/searches/"' not in html, "a question that was not understood is not kept"
    assert said in page(as_("cook"), f"/search?{dates}")


# ---------------------------------------------------------------------------------------------- what was read, and said


def test_it_is_said_how_many_have_all_the_words(as_: As, desk: Office, house: House) -> None:
    desk.add("resource", "officer", title="阀门压力记录")
    for n in range(4):
        desk.add("resource", "officer", title=f"阀门台账 {n}")
    drain(house, worker.QUICK)
    html = page(as_("cook"), "/search?q=阀门 压力")
    assert "前 1 条含有全部词语，其余含有一部分" in html
    assert titles(html)[0] == "阀门压力记录"
    assert "其中 1 条含有全部词语" in page(as_("cook"), "/search?q=阀门 压力&sort=updated")
    tight = page(as_("cook"), "/search?q=阀门 压力&all=1")
    assert "共 1 条" in tight and "其余含有一部分" not in tight
    assert "只看这 1 条" in html and "all=1" in html
    assert "没有同时含有全部词语" in page(as_("cook"), "/search?q=阀门 鹭鸶飞")


def test_a_word_that_sounds_alike_is_offered_and_led_to(as_: As, desk: Office, house: House) -> None:
    desk.add("resource", "officer", title="后勤工作要点")
    drain(house, worker.QUICK)
    html = page(as_("cook"), "/search?q=后情 要点")
    assert "也按" in html
    assert 'href="/search?q=%E5%90%8E%E5%8B%A4+%E8%A6%81%E7%82%B9">后勤</a>' in html
    assert "后勤工作要点" in titles(html)


def test_what_is_offered_is_only_of_what_one_may_know(as_: As, desk: Office, house: House) -> None:
    desk.add("document", "custodian", title="后勤部署", level=Level.SECRET)
    drain(house, worker.QUICK)
    for address in ("/search?q=后情", "/search?q=后情&kind=document"):
        html = page(as_("cook"), address)
        assert ">后勤</a>" not in html
        assert "部署" not in html


def test_a_filter_that_leaves_nothing_still_says_what_was_meant(as_: As, desk: Office, house: House) -> None:
    desk.add("resource", "officer", title="后勤工作要点")
    drain(house, worker.QUICK)
    html = page(as_("cook"), "/search?q=后情&kind=notice")
    assert "您要找的也许是" in html
    assert ">后勤</a>" in html


def test_a_phrase_that_is_nowhere_is_loosened_on_request(as_: As, shelf: dict[str, Item]) -> None:
    html = page(as_("cook"), "/search?q=“水泵规程”")
    assert "不要求一字不差" in html
    html = page(as_("cook"), "/search?q=水泵 -水泵")
    assert "不要求一字不差，也不排除词语" in html
    assert "有 2 条" in html


def test_a_long_query_says_that_it_was_cut(as_: As, shelf: dict[str, Item]) -> None:
    long = "水泵 " + " ".join(f"词{n}" for n in range(60))
    assert "只用了前面的部分" in page(as_("cook"), f"/search?q={long}")


def test_a_page_beyond_the_end_leads_back(as_: As, shelf: dict[str, Item]) -> None:
    html = page(as_("cook"), "/search?q=水泵&page=9")
    assert "这一页没有条目" in html
    assert titles(html) == []


@pytest.mark.parametrize("headers", [{}, LIVE, TYPED])
def test_an_index_that_is_away_is_said_in_place_and_not_taken_for_nothing(
    as_: As, house: House, shelf: dict[str, Item], monkeypatch: pytest.MonkeyPatch, headers: dict[str, str]
) -> None:
    def broken(*_args: object, **_more: object) -> None:
        raise Damaged("index")

    monkeypatch.setattr(house.engine, "search", broken)
    monkeypatch.setattr(house.engine, "suggest", broken)
    answer = as_("cook").get("/search?q=水泵", headers=headers)
    assert answer.status_code == 503
    assert "搜索索引暂时无法读取" in answer.text
    assert "没有找到" not in answer.text
    if not headers:
        assert 'value="水泵"' in answer.text


def test_what_this_browser_remembers_is_not_for_whoever_may_see_secrets(
    as_: As, shelf: dict[str, Item]
) -> None:
    assert 'data-recent="cook"' in page(as_("cook"), "/search")
    assert "data-recent" not in page(as_("custodian"), "/search")
