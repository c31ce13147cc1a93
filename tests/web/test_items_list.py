"""A ledger's list: only what one may know of, filters in the address, paging both ways, at a fixed price."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from intranet.models import Item
from intranet.verbs import reading
from tests.office import Clock, Office, Statements
from vault.levels import Level

As = Callable[..., FlaskClient]


def page(client: FlaskClient, address: str, **headers: str) -> str:
    answer = client.get(address, headers=headers)
    assert answer.status_code == 200, answer.status
    return answer.text


def numbers(html: str) -> list[str]:
    """The numbers of the rows, in their order."""
    return re.findall(r'name="item" value="([^"]+)"', html)


@pytest.fixture
def shelf(desk: Office, clock: Clock) -> list[Item]:
    made = []
    for title, business, level in (
        ("锅炉房操作规程", "equipment", Level.INTERNAL),
        ("采购合同范本", "contract", Level.PUBLIC),
        ("食材采购台账", "purchase", Level.INTERNAL),
        ("人员名册", "personnel", Level.CONFIDENTIAL),
    ):
        clock.forward(minutes=1)
        made.append(desk.add("resource", "officer", title=title, business=business, level=level))
    return made


def test_newest_change_first_and_only_what_one_may_know_of(as_: As, shelf: list[Item]) -> None:
    assert numbers(page(as_("cook"), "/items/resource/")) == [
        shelf[2].number,
        shelf[1].number,
        shelf[0].number,
    ]
    assert "人员名册" not in page(as_("cook"), "/items/resource/?q=名册")
    assert numbers(page(as_("officer"), "/items/resource/"))[0] == shelf[3].number


def test_several_values_of_one_filter_widen_two_filters_narrow(as_: As, shelf: list[Item]) -> None:
    two = page(as_("cook"), "/items/resource/?business=equipment&business=contract")
    assert numbers(two) == [shelf[1].number, shelf[0].number]
    assert numbers(page(as_("cook"), "/items/resource/?business=equipment&level=public")) == []
    assert "没有符合条件的记录" in page(as_("cook"), "/items/resource/?q=无此词")


def test_a_chip_takes_off_its_own_value_only(as_: As, shelf: list[Item]) -> None:
    html = page(as_("cook"), "/items/resource/?business=equipment&business=contract&q=规程")
    chips = [u.replace("&amp;", "&") for u in re.findall(r'class="chip" href="([^"]+)"', html)]
    assert "/items/resource/?business=contract&q=%E8%A7%84%E7%A8%8B" in chips
    assert "/items/resource/?business=equipment&business=contract" in chips


@pytest.mark.parametrize(
    "query",
    [
        "unit=x",
        "level=nothing",
        "order=data",
        "after=a|b",
        "after=2026|1",
        "before=|",
        "state=gone",
        "page=9",
        "unit=9" * 9,
    ],
)
def test_nonsense_in_the_address_is_ignored(as_: As, shelf: list[Item], query: str) -> None:
    assert as_("cook").get(f"/items/resource/?{query}").status_code == 200


def test_there_is_no_such_ledger(as_: As) -> None:
    for rest in ("", "new", "export"):
        assert as_("lead").get(f"/items/nothing/{rest}").status_code == 404


def test_paging_goes_on_and_back_over_every_row_once(
    as_: As, desk: Office, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = 4
    monkeypatch.setattr(reading, "PAGE", small)
    real = reading.page
    monkeypatch.setattr(reading, "page", lambda *a, **k: real(*a, **{"size": small} | k))
    for n in range(10):
        clock.forward(seconds=n % 3)
        desk.add("workorder", "warden", title=f"报修 {n}")
    client, address = as_("warden"), "/items/workorder/"
    pages, backs = [], []
    for _page in range(9):
        html = page(client, address)
        pages.append(numbers(html))
        onward = re.search(r'href="([^"]+)" rel="next"', html)
        back = re.search(r'href="([^"]+)" rel="prev"', html)
        backs.append(back[1].replace("&amp;", "&") if back else "")
        if onward is None:
            break
        address = onward[1].replace("&amp;", "&")
    assert [len(p) for p in pages] == [4, 4, 2]
    assert len({n for p in pages for n in p}) == 10
    assert backs[0] == ""
    assert numbers(page(client, backs[2])) == pages[1]
    assert numbers(page(client, backs[1])) == pages[0]


@pytest.mark.parametrize(
    "order", ["number", "-number", "updated", "due", "-due", "issued", "-issued", "review"]
)
def test_every_column_sorts(as_: As, desk: Office, order: str) -> None:
    desk.add("resource", "officer", title="甲", issued="2026-01-02", review="2026-12-01")
    desk.add("resource", "officer", title="乙", issued="2026-03-02")
    desk.add("resource", "officer", title="丙", review="2026-11-30")
    html = page(as_("cook"), f"/items/resource/?order={order}")
    assert len(numbers(html)) == 3
    if order == "due":
        assert html.index(">丙<") < html.index(">甲<") < html.index(">乙<")


def test_htmx_gets_the_list_alone(as_: As, shelf: list[Item]) -> None:
    fragment = page(as_("cook"), "/items/resource/", **{"HX-Request": "true"})
    assert "<html" not in fragment
    assert 'id="list"' in fragment
    assert numbers(fragment) == numbers(page(as_("cook"), "/items/resource/"))


def test_who_may_not_add_is_not_offered_to(as_: As) -> None:
    assert "/items/document/new" not in page(as_("cook"), "/items/document/").partition('id="main"')[2]
    assert "/items/document/new" in page(as_("custodian"), "/items/document/").partition('id="main"')[2]


@pytest.mark.parametrize("kind", ["resource", "document", "workorder", "notice", "complaint"])
def test_a_list_costs_the_same_however_long_it_is(
    app: Flask, as_: As, desk: Office, statements: Statements, kind: str
) -> None:
    adds = {"document": "custodian", "complaint": "handler", "workorder": "warden"}.get(kind, "officer")
    client = as_(adds)
    desk.add(kind, adds)
    with statements() as one:
        page(client, f"/items/{kind}/")
    for _n in range(12):
        desk.add(kind, adds)
    with statements() as many:
        page(client, f"/items/{kind}/")
    assert len(many) == len(one)
    assert len(many) <= 18, many


def test_the_level_band_is_that_of_the_highest_row(as_: As, shelf: list[Item], db: Session) -> None:
    assert "band-confidential" in page(as_("officer"), "/items/resource/")
    assert "band-internal" in page(as_("cook"), "/items/resource/")
