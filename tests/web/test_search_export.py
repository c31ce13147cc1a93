"""The result of a search as a file: exactly the entries that the page counts, on record before they go."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import replace

import openpyxl
import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from intranet import demo
from intranet.actor import ANONYMOUS
from intranet.errors import Denied
from intranet.house import House
from intranet.jobs import worker
from intranet.jobs.outbox import drain
from intranet.models import Item
from intranet.verbs import exporting, finding
from intranet.verbs.asking import Question
from tests.office import Office, Statements
from tests.verbs.test_searches import shelf  # noqa: F401  items of every level
from vault.levels import Level

As = Callable[..., FlaskClient]
LOGINS = [p.login for p in demo.PEOPLE]


def rows_of(client: FlaskClient, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    text = answer.data.decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    login=st.sampled_from(LOGINS),
    clearance=st.sampled_from([None, *Level]),
    question=st.sampled_from(
        [
            Question("锅炉"), Question("检修"), Question("锅炉 漏水"), Question("", {"kind": ("document",)}), Question("没有这个词"),
            Question("锅炉", {"level": ("secret", "internal")}), Question("锅炉", since="2026-11-24"), Question("guolu"),
            Question("锅炉", order="updated"),
        ]
    ),
)  # fmt: skip
def test_equal_to_what_the_page_shows(
    db: Session, house: House, desk: Office, shelf: list[Item], login: str, clearance: Level | None, question: Question  # noqa: F811
) -> None:  # fmt: skip
    actor = desk.actor(login)
    actor = actor if clearance is None else replace(actor, clearance=clearance)
    harvest = exporting.begin(db, house, actor, question, "csv")
    rows = list(exporting.rows(db, house, actor, harvest))
    within = question.within(house.clock(), house.zone)
    found = finding.find(
        db, house, actor, question.text, question.filters, limit=100, order=question.order, within=within
    )
    assert [r.id for r in rows] == [h.item.id for h in found.hits]
    assert found.total == harvest.total == len(rows)
    seen = {i.id for i in db.query(Item).where(house.policy.visible(actor, house.clock()))}
    assert {r.id for r in rows} <= seen


def test_csv_and_xlsx_say_the_same_as_the_page(as_: As, shelf: list[Item]) -> None:  # noqa: F811
    reader = as_("cook")
    table = rows_of(reader, "/search?q=锅炉&as=csv")
    assert f"共 {len(table)} 条" in reader.get("/search?q=锅炉").text
    answer = reader.get("/search?q=锅炉&as=xlsx")
    assert (
        "filename*=UTF-8''%E6%A3%80%E7%B4%A2%E7%BB%93%E6%9E%9C-20261123-1700.xlsx"
        in (answer.headers["Content-Disposition"])
    )
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    head, *lines = list(sheet.iter_rows(values_only=True))
    assert list(head) == list(table[0])
    assert [line[0] for line in lines] == [row["编号"] for row in table]
    assert table[0]["网址"].endswith(f"/i/{table[0]['编号']}")


def test_filters_dates_and_order_hold_for_the_file(as_: As, shelf: list[Item]) -> None:  # noqa: F811
    reader = as_("officer")
    assert {r["密级"] for r in rows_of(reader, "/search?q=锅炉&level=public&as=csv")} == {"公开"}
    assert rows_of(reader, "/search?q=锅炉&until=2026-11-22&as=csv") == []
    newest = rows_of(reader, "/search?q=锅炉&sort=updated&as=csv")
    assert newest[0]["标题"] == "锅炉检修通知" or newest[0]["更新日期"] >= newest[-1]["更新日期"]


def test_what_a_spreadsheet_would_run_is_only_text(as_: As, desk: Office, house: House) -> None:
    desk.add("resource", "officer", title="=cmd|' /C calc'!A0 锅炉")
    drain(house, worker.QUICK)
    assert rows_of(as_("cook"), "/search?q=锅炉&as=csv")[0]["标题"].startswith("'=cmd")


def test_it_is_on_record_and_words_only_where_they_concern_secrets(
    as_: As, desk: Office, shelf: list[Item]  # noqa: F811
) -> None:  # fmt: skip
    rows = rows_of(as_("cook"), "/search?q=锅炉&as=csv")
    (row,) = desk.audit("search.export")
    assert json.loads(row.detail) == {"count": len(rows), "total": len(rows), "form": "csv"}
    assert row.level is None
    keeper = rows_of(as_("custodian"), "/search?q=锅炉&kind=document&as=csv")
    row = desk.audit("search.export")[-1]
    detail = json.loads(row.detail)
    assert (detail["query"], detail["filters"]) == ("锅炉", {"kind": ["document"]})
    assert set(detail["shown"]) == {r["编号"] for r in keeper if r["密级"] not in ("公开", "内部")}
    assert row.level == Level.CONFIDENTIAL
    assert desk.audit("search.secret") == []


def test_however_many_secrets_go_out_each_is_named(
    as_: As, desk: Office, shelf: list[Item], monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    monkeypatch.setattr(exporting, "NAMED", 1)
    rows = rows_of(as_("registrar"), "/search?q=锅炉&as=csv")
    secret = {r["编号"] for r in rows if r["密级"] not in ("公开", "内部")}
    named = [n for row in desk.audit("search.export") for n in json.loads(row.detail)["shown"]]
    assert sorted(named) == sorted(secret)
    assert len(secret) > 1


def test_asking_for_a_secret_level_is_on_record_even_when_nothing_comes(
    as_: As, desk: Office, shelf: list[Item]  # noqa: F811
) -> None:  # fmt: skip
    assert rows_of(as_("cook"), "/search?q=锅炉&level=secret&as=csv") == []
    (row,) = desk.audit("search.export")
    assert (json.loads(row.detail)["query"], row.level) == ("锅炉", Level.SECRET)


def test_strangers_get_nothing(client: FlaskClient, db: Session, house: House, desk: Office) -> None:
    assert client.get("/search?q=锅炉&as=csv").status_code == 303
    with pytest.raises(Denied):
        exporting.begin(db, house, ANONYMOUS, Question("锅炉"), "csv")
    assert desk.audit("search.export") == []


def test_the_administrator_gets_an_empty_table(as_: As, shelf: list[Item]) -> None:  # noqa: F811
    assert rows_of(as_("admin"), "/search?q=锅炉&as=csv") == []


def test_withdrawn_while_it_is_written_is_left_out(
    db: Session, house: House, desk: Office, shelf: list[Item]  # noqa: F811
) -> None:  # fmt: skip
    actor = desk.actor("cook")
    harvest = exporting.begin(db, house, actor, Question("锅炉"), "csv")
    desk.step(shelf[0], "officer", "withdraw", reason="停用")
    db.rollback()
    assert shelf[0].id in harvest.ids
    assert shelf[0].id not in {row.id for row in exporting.rows(db, house, actor, harvest)}


def test_there_is_a_limit_and_the_page_says_so(
    as_: As, shelf: list[Item], monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    reader = as_("cook")
    total = len(rows_of(reader, "/search?q=锅炉&as=csv"))
    assert f"导出全部 {total} 条" in reader.get("/search?q=锅炉").text
    monkeypatch.setattr(exporting, "MOST", 2)
    monkeypatch.setattr("intranet.web.search_export.MOST", 2)
    assert len(rows_of(reader, "/search?q=锅炉&as=csv")) == 2
    assert "导出前 2 条" in reader.get("/search?q=锅炉").text


def test_a_fragment_is_never_a_file(as_: As, shelf: list[Item]) -> None:  # noqa: F811
    answer = as_("cook").get("/search?q=锅炉&as=csv", headers={"HX-Request": "true", "HX-Target": "div#live"})
    assert answer.content_type.startswith("text/html")
    assert as_("cook").get("/search?q=锅炉&as=doc").content_type.startswith("text/html")


def test_statements_do_not_grow_with_the_rows(
    as_: As, desk: Office, house: House, statements: Statements
) -> None:
    reader, counts = as_("cook"), []
    for _round in range(2):
        for n in range(20):
            desk.add("resource", "officer", title=f"锅炉记录 {n}")
        drain(house, worker.QUICK)
        with statements() as seen:
            rows = rows_of(reader, "/search?q=锅炉&as=csv")
        counts.append((len(rows), len([s for s in seen if s.lstrip().upper().startswith("SELECT")])))
    assert counts[0][0] == 20
    assert counts[1][0] == 40
    assert counts[0][1] == counts[1][1] <= 12
