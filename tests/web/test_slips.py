"""文件传递单 through its pages: the way of a slip, what is refused with the words kept, who learns of it, its paper, at a fixed price."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.jobs import digest
from intranet.models import Item, Message, Slip
from intranet.verbs import slip_hops, slips
from tests.office import Clock, Office, Statements
from tests.verbs.slip_office import do, document, give, hop, moving, pending

As = Callable[..., FlaskClient]


@pytest.fixture
def item(desk: Office) -> Item:
    return document(desk, copies=2)


def typed(desk: Office, item: Item, *logins: str, **data: Any) -> dict[str, Any]:
    form = {
        "number": item.number, "copy": "1", "purpose": "征求意见", "person": [str(desk.person(x).id) for x in logins],
        "starts": "2026-11-23", "ends": "2026-12-01", "then": "submit",
    }  # fmt: skip
    return form | data


def plain(page: str, number: str) -> str:
    """Without what differs at each answer: the token, and the number that was asked for."""
    return re.sub(r"I[jm][\w.-]{40,}", "", page).replace(number, "N")


def newest(db: Session) -> Slip:
    db.rollback()
    return db.scalars(select(Slip).order_by(Slip.id.desc())).first()


def test_the_whole_way_of_a_slip(as_: As, desk: Office, db: Session, item: Item) -> None:
    custodian, other, reader = as_("custodian"), as_("registrar"), as_("lead_cw")
    assert f"/slips/new?number={item.number}" in custodian.get(f"/i/{item.number}").text
    assert custodian.get(f"/slips/new?number={item.number}").status_code == 200
    kept = custodian.post("/slips/new", data=typed(desk, item, "lead_cw", then="keep"))
    number = newest(db).number
    at = f"/slips/{number}"
    assert kept.headers["Location"] == at
    assert custodian.post(f"{at}/edit", data=typed(desk, item, "lead_cw", "lead_wx")).status_code == 303
    assert newest(db).state == "pending" and "待我审批" in other.get("/slips/").text
    assert other.post(f"{at}/approve").status_code == 303
    assert "待首次交接" in custodian.get("/slips/").text
    gave = custodian.post(f"{at}/give", data={"taker": str(desk.person("lead_cw").id), "condition": "完好"})
    assert gave.status_code == 303
    assert "等钱以宁签收" in custodian.get(at).text and "<svg" in custodian.get(at).text
    assert "待我签收" in reader.get("/slips/").text and "等您签收" in reader.get(at).text
    assert number in reader.get("/").text
    assert reader.post(f"{at}/take", data={"condition": "完好"}).status_code == 303
    assert "在我手中" in reader.get("/slips/").text
    page = reader.get(at).text
    assert "不得横传" in page and "梁铁生" not in page.partition("交给")[2].partition("</select>")[0]
    reader.post(f"{at}/give", data={"taker": str(desk.person("custodian").id)})
    assert custodian.post(f"{at}/take", data={"back": "1"}).status_code == 303
    assert reader.get(at).status_code == 404  # the right to know went with the paper
    empty = other.post(f"{at}/check", data={"result": " "})
    assert empty.status_code == 422 and "请填写检查结果" in empty.text
    assert other.post(f"{at}/check", data={"result": "完好，页数相符"}).status_code == 303
    assert newest(db).state == "closed" and "已检查关闭" in other.get(at).text
    assert number in custodian.get(f"/i/{item.number}?tab=slips").text


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"purpose": " "}, "请填写传递目的"),
        ({"person": []}, "请选择传递范围"),
        ({"ends": "morgen"}, "请填写日期"),
        ({"ends": "2026-11-01"}, "结束日期不能早于开始日期"),
        ({"ends": "2027-11-01"}, "不得超过 90 天"),
        ({"person": ["9999"]}, "范围中有人不存在"),
        ({"person": ["x", "²"]}, "范围中有人不存在"),
    ],
)
def test_a_wrong_slip_comes_back_with_what_was_typed(
    as_: As, desk: Office, db: Session, item: Item, wrong: dict[str, Any], words: str
) -> None:
    refused = as_("custodian").post("/slips/new", data=typed(desk, item, "lead_cw", **wrong))
    assert refused.status_code == 422
    assert words in refused.text
    assert ("征求意见" in refused.text) is ("purpose" not in wrong)
    assert newest(db) is None


def test_whoever_was_first_is_said_and_the_words_stay(as_: As, desk: Office, item: Item) -> None:
    pending(desk, item, "lead_cw", copy=1)
    again = as_("registrar").post("/slips/new", data=typed(desk, item, "lead_wx"))
    assert again.status_code == 409 and "已有未办结的传递单" in again.text and "征求意见" in again.text


def test_what_is_refused_by_rule_is_told_with_the_rule(as_: As, desk: Office, item: Item) -> None:
    number = hop(desk, moving(desk, item, "lead_cw", "lead_wx"), "custodian", "lead_cw")
    lateral = as_("lead_cw").post(f"/slips/{number}/give", data={"taker": str(desk.person("lead_wx").id)})
    assert lateral.status_code == 403 and "不得横传" in lateral.text
    assert as_("lead_cw").post(f"/slips/{number}/give", data={"taker": ""}).status_code == 422
    assert as_("lead_cw").post(f"/slips/{number}/burn").status_code == 404
    assert as_("custodian").post(f"/slips/{number}/withdraw").status_code == 409


def test_a_slip_of_a_hidden_file_and_none_are_one_answer(
    as_: As, client: FlaskClient, desk: Office, item: Item
) -> None:
    """For the signed-in in body and status; for whoever scans the code without an account, the sign-in and nothing else."""
    number = moving(desk, item, "lead_cw")
    for login in ("cook", "officer"):  # the latter knows of the file, but has no part in the slip
        for path in ("", "/print", "/edit"):
            there = as_(login).get(f"/slips/{number}{path}")
            nowhere = as_(login).get(f"/slips/CD-BG-2026-0999{path}")
            assert there.status_code == nowhere.status_code == 404
            assert plain(there.text, number) == plain(nowhere.text, "CD-BG-2026-0999")
    assert as_("cook").get("/slips/new").status_code == 404
    assert as_("cook").get(f"/slips/new?number={item.number}").status_code == 404
    answers = [client.get(f"/slips/{n}") for n in (number, "CD-BG-2026-0999")]
    assert [a.status_code for a in answers] == [303, 303]
    assert all("/login?next=/slips/" in a.headers["Location"] for a in answers)
    assert as_("officer").get(f"/i/{item.number}?tab=slips").text.count(number) == 0


def test_the_paper_has_rows_to_sign_and_is_recorded(as_: As, desk: Office, item: Item) -> None:
    number = hop(desk, moving(desk, item, "lead_cw"), "custodian", "lead_cw")
    page = as_("custodian").get(f"/slips/{number}/print").text
    for words in (
        "文件传递单",
        number,
        item.number,
        "征求意见",
        "钱以宁",
        "电子签收",
        "检查人",
        "本单位内部标识",
    ):
        assert words in page
    assert page.count('class="blank"') == 8
    assert [row.number for row in desk.audit("slip.print")] == [item.number]


def test_reminders_before_on_and_after_the_cycle(desk: Office, db: Session, clock: Clock, item: Item) -> None:
    hop(desk, moving(desk, item, "lead_cw"), "custodian", "lead_cw")
    told: list[dict[str, dict[str, int]]] = []
    names = {desk.person(p).id: p for p in ("lead_cw", "custodian", "registrar")}
    for days in (7, 1, 1, 1, 1, 7):  # the cycle ends after ten days
        clock.forward(days=days)
        digest.daily(desk.house)
        digest.daily(desk.house)
        db.rollback()
        new = db.scalars(select(Message).where(Message.at == clock(), Message.code == digest.CODE))
        told.append({names[m.person_id]: m.counts for m in new if m.person_id in names})
    kept = {"kept.late": 1}
    late = {"lead_cw": {"slip.late": 1}, "custodian": kept, "registrar": kept}
    assert told == [
        {}, {"lead_cw": {"slip.soon": 1}}, {}, {"lead_cw": {"slip.due": 1}}, late, late,
    ]  # fmt: skip


def test_what_waits_is_counted_as_it_is_shown(
    app: Flask, as_: As, desk: Office, clock: Clock, item: Item
) -> None:
    from intranet.extensions import db as database
    from intranet.verbs import desk as questions

    def waits(login: str) -> int:
        database.session.rollback()
        actor, session = desk.actor(login), database.session()
        shown = questions.desk(session, desk.house, actor, clock())
        counted = questions.waiting_count(session, desk.house, actor, clock())
        assert counted == shown.waiting(clock().date())
        return len(shown.slips)

    number = pending(desk, item, "lead_cw")
    assert (waits("custodian"), waits("registrar"), waits("lead_cw")) == (0, 1, 0)
    do(desk, "registrar", slips.approve, number)
    assert (waits("custodian"), waits("lead_cw")) == (1, 0)
    give(desk, number, "custodian", "lead_cw")
    assert (waits("custodian"), waits("lead_cw")) == (0, 1)
    do(desk, "lead_cw", slip_hops.take, number)
    assert waits("lead_cw") == 0
    clock.forward(days=9)
    assert waits("lead_cw") == 1
    hop(desk, number, "lead_cw", "custodian", back=True)
    assert (waits("custodian"), waits("registrar"), waits("lead_cw")) == (1, 1, 0)


def test_the_pages_cost_the_same_however_much_is_out(as_: As, desk: Office, statements: Statements) -> None:
    client = as_("custodian")
    paths = ["/slips/", "/slips/CD-BG-2026-0001", "/slips/CD-BG-2026-0001/print"]

    def cost(path: str) -> int:
        with statements() as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    first = document(desk, copies=9)
    hop(desk, moving(desk, first, "lead_cw", "lead_wx", "officer_cw"), "custodian", "lead_cw")
    paths.append(f"/i/{first.number}?tab=slips")
    few = [cost(path) for path in paths]
    for n in range(3):
        hop(desk, "CD-BG-2026-0001", "lead_cw", "custodian")
        hop(desk, "CD-BG-2026-0001", "custodian", "lead_cw")
        moving(desk, first, "lead_wx", ends=desk.house.clock().date() + timedelta(days=20 + n))
    assert [cost(path) for path in paths] == few
    assert few[0] <= 10 and few[1] <= 20 and few[2] <= 24 and few[3] <= 28, few
