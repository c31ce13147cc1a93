"""Export: exactly the rows of the list, recorded before the first, harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable

import openpyxl
import pytest
from flask.testing import FlaskClient

from intranet.models import Item
from intranet.web import xlsx
from intranet.web.export import guarded
from tests.office import Office
from vault.levels import Level

As = Callable[..., FlaskClient]


@pytest.fixture
def shelf(desk: Office) -> list[Item]:
    return [
        desk.add(
            "resource",
            "officer",
            title="=cmd|' /C calc'!A0",
            body="正文，含逗号\n与换行",
            issued="2026-03-04",
        ),
        desk.add("resource", "officer", title="采购合同范本", business="contract", level=Level.PUBLIC),
        desk.add("resource", "officer", title="人员名册", level=Level.CONFIDENTIAL),
    ]


def rows_of_csv(client: FlaskClient, address: str) -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.data.startswith(b"\xef\xbb\xbf")
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def rows_of_xlsx(client: FlaskClient, address: str) -> list[tuple[object, ...]]:
    answer = client.get(address)
    assert answer.status_code == 200
    sheet = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    return [tuple(row) for row in sheet.iter_rows(values_only=True)]


def test_the_rows_are_those_of_the_list(as_: As, shelf: list[Item]) -> None:
    reader = as_("cook")
    assert [r["编号"] for r in rows_of_csv(reader, "/items/resource/export?as=csv")] == [
        shelf[0].number,
        shelf[1].number,
    ]
    assert [r["编号"] for r in rows_of_csv(reader, "/items/resource/export?as=csv&business=contract")] == [
        shelf[1].number
    ]
    assert len(rows_of_csv(as_("officer"), "/items/resource/export?as=csv")) == 3


def test_a_selection_never_widens_what_one_may_know_of(as_: As, shelf: list[Item]) -> None:
    chosen = "&".join(f"item={i.number}" for i in shelf[1:])
    assert [r["编号"] for r in rows_of_csv(as_("cook"), f"/items/resource/export?as=csv&{chosen}")] == [
        shelf[1].number
    ]


def test_csv_and_xlsx_say_the_same(as_: As, shelf: list[Item]) -> None:
    reader = as_("officer")
    table = rows_of_csv(reader, "/items/resource/export?as=csv")
    head, *rows = rows_of_xlsx(reader, "/items/resource/export?as=xlsx")
    assert list(head) == list(table[0])
    for row, line in zip(rows, table, strict=True):
        assert [str(v.date()) if hasattr(v, "date") else "" if v is None else str(v) for v in row] == [
            v.replace("\r\n", "\n") for v in line.values()
        ]


def test_what_a_spreadsheet_would_run_is_only_text(as_: As, shelf: list[Item]) -> None:
    assert rows_of_csv(as_("cook"), "/items/resource/export?as=csv")[0]["标题"].startswith("'=cmd")
    for formula in ("=1", "+1", "-1", "@a", "\t=1", "\r=1"):
        assert guarded(formula) == f"'{formula}"
    assert guarded("1-1") == "1-1"
    assert guarded(-5) == -5


def test_what_was_taken_out_is_on_record_before_it_goes(as_: As, desk: Office, shelf: list[Item]) -> None:
    as_("cook").get("/items/resource/export?as=xlsx&business=contract")
    (row,) = desk.audit("list.export")
    detail = json.loads(row.detail)
    assert (row.actor, detail["kind"], detail["count"], detail["form"]) == ("cook", "resource", 1, "xlsx")
    assert detail["filter"] == {"business": ["contract"]}


def test_the_name_of_the_file_is_chinese(as_: As, shelf: list[Item]) -> None:
    name = as_("cook").get("/items/resource/export?as=csv").headers["Content-Disposition"]
    assert "filename*=UTF-8''%E4%BF%A1%E6%81%AF%E8%B5%84%E6%BA%90-20261123-0900.csv" in name


def test_a_name_only_some_may_see_is_empty_for_others(as_: As, desk: Office) -> None:
    item = desk.add("complaint", "handler", name="张某", contact="138")
    assert rows_of_csv(as_("handler2"), "/items/complaint/export?as=csv")[0]["姓名"] == "张某"
    with desk.w("handler") as w:
        w.session.get_one(Item, item.id).owner_id = desk.person("cook").id
    mine = rows_of_csv(as_("cook"), "/items/complaint/export?as=csv")
    assert [r["编号"] for r in mine] == [item.number]
    assert mine[0]["姓名"] == ""


def test_a_workbook_is_whole_whatever_is_in_it() -> None:
    rows = [[f"第 {n} 行\x00\x0b<&>\ud800", n, None] for n in range(450)]
    data = b"".join(xlsx.write("表/一[二]*", ["甲", "乙", "丙"], rows, [10, 10, 10]))
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    sheet = openpyxl.load_workbook(io.BytesIO(data)).active
    assert sheet.max_row == 451
    assert sheet["A2"].value == "第 0 行<&>"
    assert sheet["B451"].value == 449


def test_the_columns_of_a_sheet_are_named_as_spreadsheets_do() -> None:
    assert [xlsx.column(n) for n in (0, 25, 26, 701, 702)] == ["A", "Z", "AA", "ZZ", "AAA"]
