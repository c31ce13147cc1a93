"""Borrowing through its pages: the way of a loan, who may do which step, where every file is, at a fixed price."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.models import Item, Loan
from intranet.verbs import items, loans
from tests.office import Clock, Office, Statements
from vault.levels import Level

As = Callable[..., FlaskClient]


@pytest.fixture
def document(desk: Office) -> Item:
    """A 秘密 file that the finance lead may know of."""
    item = desk.add("document", "custodian", title="成本核算明细", level=Level.CONFIDENTIAL)
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_cw").id)
    return item


def apply(client: FlaskClient, item: Item, **data: str):
    return client.post(
        f"/desk/{item.number}/checkout", data={"purpose": "核对补贴", "until": "2026-11-30"} | data
    )


def loan_of(db: Session) -> Loan:
    db.rollback()
    return db.scalars(select(Loan).order_by(Loan.id.desc())).first()


def test_the_whole_way_of_a_loan(as_: As, db: Session, document: Item) -> None:
    borrower, custodian = as_("lead_cw"), as_("custodian")
    assert borrower.get(f"/desk/{document.number}/checkout").status_code == 200
    assert apply(borrower, document).status_code == 303
    number = loan_of(db).id
    assert "申请中" in borrower.get("/desk/").text
    assert f"/desk/loans/{number}/lend" in custodian.get("/desk/").text
    assert custodian.post(f"/desk/loans/{number}/lend").status_code == 303
    assert "钱以宁" in custodian.get("/desk/").text.partition("现在何处")[2]
    assert "由我借阅" in borrower.get(f"/i/{document.number}").text
    assert (
        borrower.post(f"/desk/loans/{number}/return", data={"next": f"/i/{document.number}"}).headers[
            "Location"
        ]
        == f"/i/{document.number}"
    )
    missing = custodian.post(f"/desk/loans/{number}/check", data={"condition": " "})
    assert missing.status_code == 422
    assert "请填写核验结果" in missing.text
    assert custodian.post(f"/desk/loans/{number}/check", data={"condition": "完好"}).status_code == 303
    assert loan_of(db).state == "checked"
    assert "已核验" in borrower.get("/desk/").text
    tab = custodian.get(f"/i/{document.number}?tab=loans").text
    assert "核对补贴" in tab
    assert "完好" in tab


@pytest.mark.parametrize("step", ["lend", "refuse", "check"])
@pytest.mark.parametrize(("login", "status"), [("lead_cw", 403), ("cook", 404), ("admin", 404)])
def test_only_the_custodian_decides(
    as_: As, db: Session, document: Item, step: str, login: str, status: int
) -> None:
    apply(as_("lead_cw"), document)
    answer = as_(login).post(f"/desk/loans/{loan_of(db).id}/{step}", data={"reason": "x", "condition": "x"})
    assert answer.status_code == (409 if step == "check" and status == 403 else status)
    assert loan_of(db).state == "applied"


def test_nobody_decides_on_their_own(as_: As, db: Session, document: Item) -> None:
    apply(as_("custodian"), document)
    assert as_("custodian").post(f"/desk/loans/{loan_of(db).id}/lend").status_code == 403
    assert "须由另一位保管员办理" in as_("custodian").get("/desk/").text


def test_a_missing_loan_and_one_of_a_hidden_file_are_the_same(as_: As, db: Session, document: Item) -> None:
    apply(as_("lead_cw"), document)
    for number in (loan_of(db).id, 9):
        assert as_("cook").post(f"/desk/loans/{number}/return").status_code == 404
    assert as_("custodian").post(f"/desk/loans/{loan_of(db).id}/burn").status_code == 404


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"purpose": " "}, "请说明借阅目的"),
        ({"until": "morgen"}, "请填写日期"),
        ({"until": "2027-01-01"}, "归还日期应在今天与"),
    ],
)
def test_a_wrong_application_comes_back_with_what_was_typed(
    as_: As, document: Item, data: dict[str, str], words: str
) -> None:
    refused = apply(as_("lead_cw"), document, **data)
    assert refused.status_code == 422
    assert words in refused.text
    assert ("核对补贴" in refused.text) is ("purpose" not in data)


def test_a_second_application_keeps_its_words(as_: As, document: Item) -> None:
    apply(as_("lead_cw"), document)
    again = apply(as_("lead_cw"), document, purpose="再借一次")
    assert again.status_code == 409
    assert "再借一次" in again.text


def test_what_is_overdue_stands_first_and_by_how_much(
    as_: As, desk: Office, db: Session, clock: Clock, document: Item
) -> None:
    apply(as_("lead_cw"), document)
    as_("custodian").post(f"/desk/loans/{loan_of(db).id}/lend")
    clock.forward(days=10)
    page = as_("custodian").get("/desk/").text
    assert "已逾期" in page
    assert "逾期 2 天" in page or "逾期 57 小时" in page or "left-late" in page
    other = desk.add("document", "custodian", level=Level.INTERNAL)
    refused = as_("lead_cw").post(
        f"/desk/{other.number}/checkout", data={"purpose": "x", "until": "2026-12-05"}
    )
    assert refused.status_code == 403
    assert "逾期未还" in refused.text


def test_no_application_on_what_is_not_lent_out(as_: As, desk: Office) -> None:
    item = desk.add("resource", "officer")
    assert as_("cook").get(f"/desk/{item.number}/checkout").status_code == 403


def test_where_everything_is_is_the_custodians_to_know(as_: As, desk: Office, document: Item) -> None:
    hidden = desk.add("document", "registrar", title="绝密件", level=Level.TOPSECRET)
    assert "每份文件现在何处" not in as_("lead_cw").get("/desk/").text
    page = as_("custodian").get("/desk/?q=成本").text
    assert document.number in page
    assert "办公室文件柜 1 号" in page
    assert hidden.number not in as_("custodian").get("/desk/").text
    assert hidden.number in as_("registrar").get("/desk/").text
    assert document.number not in as_("custodian").get("/desk/?q=%25").text


def test_the_desk_costs_the_same_however_much_is_out(
    as_: As, desk: Office, statements: Statements, document: Item
) -> None:
    client = as_("custodian")

    def lent(login: str) -> None:
        item = desk.add("document", "custodian", level=Level.INTERNAL)
        with desk.w(login) as w:
            loan = loans.apply(w, item.id, purpose="x", until=w.today + timedelta(days=3))
        with desk.w("custodian") as w:
            loans.lend(w, loan.id)

    lent("lead_cw")
    with statements() as few:
        client.get("/desk/")
    for login in ("lead", "officer", "lead_wx", "lead_st", "cook"):
        lent(login)
    with statements() as many:
        assert client.get("/desk/").status_code == 200
    assert len(many) == len(few)
    assert len(many) <= 18, many
