"""文件去向: every copy with where it is, filtered, paged, exported; for the custodian only, within units and clearance (row 79)."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient

from intranet.models import Item
from intranet.verbs import holders, items, loans
from tests.office import Clock, Office, Statements
from vault.levels import Level

As = Callable[..., FlaskClient]


@pytest.fixture
def document(desk: Office) -> Item:
    """A 秘密 file in three copies of which the finance head has the second."""
    item = desk.add("document", "custodian", title="成本核算明细", level=Level.CONFIDENTIAL, copies="3")
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_cw").id)
    with desk.w("lead_cw") as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=3), number=2).id
    with desk.w("custodian") as w:
        loans.lend(w, loan)
    return item


def rows(client: FlaskClient, query: str = "") -> list[list[str]]:
    """The list as its export gives it, without the head."""
    answer = client.get(f"/desk/holders/export?as=csv&{query}")
    return list(csv.reader(io.StringIO(answer.data.decode("utf-8-sig"))))[1:]


def test_each_copy_stands_with_its_place_or_its_holder(as_: As, document: Item) -> None:
    page = as_("custodian").get("/desk/holders").text
    assert page.count("办公室文件柜 1 号") >= 3  # two copies, and the chooser
    assert "钱以宁" in page and "还剩" in page
    shown = rows(as_("custodian"))
    assert [(r[1], r[6]) for r in shown] == [
        ("1", "办公室文件柜 1 号"),
        ("2", "钱以宁"),
        ("3", "办公室文件柜 1 号"),
    ]
    assert shown[1][5] == "借出中" and shown[1][8] == "2026-11-26" and shown[1][9].startswith("借阅")


@pytest.mark.parametrize(
    ("query", "copies"),
    [
        ("out=1", ["2"]), ("late=1", []), ("q=钱以宁", ["2"]), ("q=成本", ["1", "2", "3"]), ("q=%25", []), ("level=confidential", ["1", "2", "3"]),
        ("level=secret", []), ("level=nonsense", ["1", "2", "3"]), ("place=999999", []), ("unit=abc", ["1", "2", "3"]),
    ],
)  # fmt: skip
def test_the_list_is_narrowed(as_: As, document: Item, query: str, copies: list[str]) -> None:
    assert [r[1] for r in rows(as_("custodian"), query)] == copies


def test_a_place_counts_with_the_places_in_it(as_: As, desk: Office, document: Item) -> None:
    place = desk.place("GZ-1")
    assert len(rows(as_("custodian"), f"place={place}")) == 3
    assert rows(as_("custodian"), f"place={desk.place('SG-1')}") == []


def test_overdue_is_found(as_: As, document: Item, clock: Clock) -> None:
    clock.forward(days=5)
    assert [r[1] for r in rows(as_("custodian"), "late=1")] == ["2"]
    assert "逾期" in as_("custodian").get("/desk/holders?late=1").text


def test_paging_goes_through_all_of_them_once(as_: As, desk: Office, document: Item, monkeypatch) -> None:
    monkeypatch.setattr(holders, "PAGE", 2)
    monkeypatch.setattr(holders.page, "__defaults__", (2,))
    desk.add("document", "custodian", level=Level.INTERNAL, copies="4")
    client, seen, after = as_("custodian"), 0, "/desk/holders"
    while after:
        page = client.get(after).text
        seen += page.count('class="at-copy"')
        after = (
            page.partition('rel="next"')[0].rpartition('href="')[2].partition('"')[0].replace("&amp;", "&")
        )
        after = after if "after=" in after and 'rel="next"' in page else ""
    assert seen == 7


@pytest.mark.parametrize("path", ["", "/export", "/print"])
def test_only_a_custodian_sees_it_and_only_as_far_as_cleared(
    as_: As, desk: Office, document: Item, path: str
) -> None:
    hidden = desk.add("document", "registrar", title="绝密件", level=Level.TOPSECRET)
    for login in ("lead_cw", "admin", "auditor"):
        assert as_(login).get(f"/desk/holders{path}").status_code == 403
    form = "?as=csv" if path == "/export" else ""
    assert hidden.number not in as_("custodian").get(f"/desk/holders{path}{form}").data.decode(
        "utf-8", "replace"
    )
    assert hidden.number in as_("registrar").get(f"/desk/holders{path}{form}").data.decode("utf-8", "replace")


def test_taking_the_list_out_of_the_house_is_recorded(as_: As, desk: Office, document: Item) -> None:
    as_("custodian").get("/desk/holders/export?as=xlsx&out=1")
    as_("custodian").get("/desk/holders/print")
    assert '"count": 1' in desk.audit("holders.export")[0].detail
    assert '"count": 3' in desk.audit("holders.print")[0].detail


def test_the_list_costs_the_same_however_long(
    as_: As, desk: Office, document: Item, statements: Statements
) -> None:
    client = as_("custodian")
    client.get("/desk/holders")
    with statements() as few:
        client.get("/desk/holders")
    for _n in range(4):
        desk.add("document", "custodian", level=Level.INTERNAL, copies="5")
    with statements() as many:
        assert client.get("/desk/holders").status_code == 200
    assert len(many) == len(few) <= 10, many
    assert sum("JOIN copy" in s or "FROM copy" in s for s in many) == 1
