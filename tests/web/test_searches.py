"""Saved searches in the browser: kept by a form, listed with what is new, one's own and nobody else's."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.jobs import watch, worker
from intranet.jobs.outbox import drain
from intranet.models import Item, Message, SavedSearch
from intranet.verbs import searches
from search.engine import Damaged
from tests.office import Clock, Office, Statements
from vault.levels import Level

As = Callable[..., FlaskClient]


@pytest.fixture
def shelf(desk: Office, house: House) -> list[Item]:
    made = [desk.add("resource", "officer", title="水泵操作规程", level=Level.PUBLIC)]
    made += [desk.add("document", "custodian", title="水泵抢险预案", level=Level.SECRET)]
    drain(house, worker.QUICK)
    return made


def keep(client: FlaskClient, name: str = "水泵", **form: str) -> int:
    """Save as the form of the results page does; the id."""
    answer = client.post("/searches/", data={"q": "水泵", "name": name, "alerts": "1"} | form)
    assert answer.status_code == 303
    html = client.get("/searches/").text
    return max(int(n) for n in re.findall(r'id="search-(\d+)"', html))


def add(desk: Office, house: House, title: str) -> Item:
    item = desk.add("resource", "officer", title=title)
    drain(house, worker.QUICK)
    return item


def test_the_results_page_offers_to_keep_what_was_asked_in_full(as_: As, shelf: list[Item]) -> None:
    html = as_("cook").get("/search?q=水泵&level=public&since=7d&sort=updated").text
    form = html[html.index('action="/searches/"') :].partition("</form>")[0]
    for name, value in (("q", "水泵"), ("level", "public"), ("since", "7d"), ("sort", "updated")):
        assert f'<input type="hidden" name="{name}" value="{value}">' in form
    assert 'value="水泵 · 密级：公开 · 更新：近 7 天"' in form
    assert "检索词会存入系统" in form


def test_kept_it_is_one_step_away(as_: As, shelf: list[Item]) -> None:
    reader = as_("cook")
    answer = reader.post("/searches/", data={"q": "水泵", "level": "public", "name": "泵"})
    assert answer.location == "/search?q=%E6%B0%B4%E6%B3%B5&level=public"
    assert "已保存为“泵”" in reader.get(answer.location).text
    html = reader.get("/searches/").text
    assert 'href="/search?q=%E6%B0%B4%E6%B3%B5&amp;level=public"' in html
    assert "水泵 · 密级：公开" in html
    assert "泵" in reader.get("/search").text
    reader.post("/searches/", data={"q": "水泵", "level": "public", "name": "又一个"})
    assert "早已保存为“泵”" in reader.get("/search").text


def test_what_is_new_is_counted_shown_and_put_away(
    as_: As, desk: Office, house: House, shelf: list[Item]
) -> None:
    reader = as_("cook")
    mine = keep(reader)
    assert "没有新结果" in reader.get("/searches/").text
    fresh = add(desk, house, "水泵检修计划")
    assert "1 条新结果" in reader.get("/searches/").text
    html = reader.get(f"/searches/{mine}").text
    assert "<mark>水泵</mark>检修计划" in html
    assert shelf[0].number not in html
    assert "1 条新结果" in reader.get("/searches/").text, "looking at the list is no word"
    assert reader.post(f"/searches/{mine}/seen", data={"id": str(fresh.id)}).status_code == 303
    assert "没有新结果" in reader.get("/searches/").text


def test_the_desk_tells_and_leads_there(
    as_: As, desk: Office, house: House, clock: Clock, shelf: list[Item]
) -> None:
    reader = as_("cook")
    mine = keep(reader, "泵的一切")
    add(desk, house, "水泵检修计划")
    watch.alerts(house)
    html = reader.get("/").text
    assert "保存的检索有 1 条新结果" in html
    assert f'href="/searches/{mine}"' in html
    assert "泵的一切" not in as_("lead").get("/").text
    reader.post("/messages/seen")
    assert "保存的检索有" not in reader.get("/").text


def test_a_name_is_changed_alerts_are_switched_and_it_is_deleted(
    as_: As, db: Session, shelf: list[Item]
) -> None:
    reader = as_("cook")
    mine = keep(reader)
    assert reader.post(f"/searches/{mine}/name", data={"name": "泵"}).status_code == 303
    refused = reader.post(f"/searches/{mine}/name", data={"name": " "})
    assert (refused.status_code, "请给这个检索起个名字" in refused.text) == (422, True)
    reader.post(f"/searches/{mine}/alerts", data={"on": "0"})
    db.rollback()
    kept = db.get_one(SavedSearch, mine)
    assert (kept.name, kept.alerts) == ("泵", False)
    assert "已删除“泵”" in reader.post(f"/searches/{mine}/delete", follow_redirects=True).text
    db.rollback()
    assert db.scalars(select(SavedSearch)).all() == []


@pytest.mark.parametrize("path", ["", "/name", "/alerts", "/seen", "/delete"])
def test_another_s_and_none_are_the_same_answer(as_: As, db: Session, shelf: list[Item], path: str) -> None:
    mine = keep(as_("cook"))
    other = as_("lead")
    answers = [
        other.get(f"/searches/{n}") if not path else other.post(f"/searches/{n}{path}", data={"name": "x"})
        for n in (mine, mine + 999)
    ]
    assert [a.status_code for a in answers] == [404, 404]
    texts = [re.sub(r"nonce=\"[^\"]*\"|content=\"[^\"]{60,}\"|X-CSRF.*|csrf_token.*|next.*", "", a.text) for a in answers]  # fmt: skip
    assert texts[0] == texts[1]
    db.rollback()
    assert db.get_one(SavedSearch, mine).name == "水泵"


def test_nothing_is_kept_without_the_token_of_the_form(
    app: object, as_: As, db: Session, shelf: list[Item]
) -> None:
    reader = as_("cook")
    app.config["WTF_CSRF_ENABLED"] = True  # type: ignore[attr-defined]
    assert reader.post("/searches/", data={"q": "水泵", "name": "水泵"}).status_code == 422
    db.rollback()
    assert db.scalars(select(SavedSearch)).all() == []


def test_nothing_secret_is_new_and_opening_the_search_records_it(
    as_: As, desk: Office, house: House, shelf: list[Item]
) -> None:
    keeper = as_("custodian")
    mine = keep(keeper)
    desk.add("document", "custodian", title="水泵值守部署", level=Level.SECRET)
    drain(house, worker.QUICK)
    assert "值守" not in keeper.get(f"/searches/{mine}").text
    assert "没有新结果" in keeper.get("/searches/").text
    assert desk.audit("search.secret") == []
    assert "值守" in keeper.get("/search?q=水泵").text
    assert len(desk.audit("search.secret")) == 1


def test_without_an_index_the_list_still_stands(
    as_: As, house: House, shelf: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader = as_("cook")
    keep(reader)

    def broken(*_args: object, **_more: object) -> None:
        raise Damaged("index")

    monkeypatch.setattr(house.engine, "search", broken)
    html = reader.get("/searches/").text
    assert "搜索索引暂时无法读取" in html
    assert "删除" in html


def test_what_may_be_kept_is_limited_and_said(
    as_: As, shelf: list[Item], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searches, "MOST", 1)
    reader = as_("cook")
    keep(reader)
    refused = reader.post("/searches/", data={"q": "阀门", "name": "阀门"})
    assert (refused.status_code, "最多保存 1 个检索" in refused.text) == (422, True)
    assert reader.post("/searches/", data={"name": "空"}).status_code == 422


def test_the_list_costs_the_same_however_many_there_are(
    as_: As, shelf: list[Item], statements: Statements
) -> None:
    reader = as_("cook")
    counts = []
    for n in range(2):
        for word in ("泵", "阀", "管", "灯"):
            keep(reader, q=f"{word}{n}")
        with statements() as seen:
            reader.get("/searches/")
        counts.append(len([s for s in seen if s.lstrip().upper().startswith("SELECT")]))
    assert counts[0] == counts[1] <= 9


def test_messages_never_hold_words(
    as_: As, desk: Office, house: House, db: Session, shelf: list[Item]
) -> None:
    keep(as_("cook"))
    add(desk, house, "水泵检修计划")
    watch.alerts(house)
    db.rollback()
    (row,) = db.scalars(select(Message)).all()
    assert "水泵" not in "".join(str(v) for v in vars(row).values())
