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
from tests.office import Office, Statements
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
    assert counts[0] <= 10
    assert counts[1] <= 7
