"""Borrowing through its pages: the way of a loan, who may do which step, where every file is, at a fixed price."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.jobs import digest
from intranet.models import Item, Loan
from intranet.verbs import holdings, items, loans
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
    assert "待审批" in borrower.get("/desk/").text
    assert f"/desk/loans/{number}/lend" in custodian.get("/desk/").text
    assert custodian.post(f"/desk/loans/{number}/lend").status_code == 303
    assert "钱以宁" in custodian.get("/desk/holders").text
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


@pytest.mark.parametrize("step", ["lend", "approve", "refuse", "check"])
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


def test_approval_and_hand_over_are_two_steps_with_a_choice_of_copy(
    as_: As, desk: Office, db: Session
) -> None:
    item = desk.add("document", "custodian", level=Level.CONFIDENTIAL, copies="3")
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_cw").id)
    form = as_("lead_cw").get(f"/desk/{item.number}/checkout?copy=2").text
    assert '<option value="2" selected>' in form
    assert apply(as_("lead_cw"), item, copy="7").status_code == 422
    assert apply(as_("lead_cw"), item, copy="2").status_code == 303
    loan, custodian = loan_of(db).id, as_("custodian")
    assert custodian.post(f"/desk/loans/{loan}/approve").status_code == 303
    assert "请于" in as_("lead_cw").get(f"/i/{item.number}").text
    page = custodian.get("/desk/").text
    assert "待交付" in page and '<option value="2" selected>' in page and "允许下载正文" in page
    wrong = custodian.post(f"/desk/loans/{loan}/hand", data={"copy": "x"})
    assert wrong.status_code == 422 and "请从列表中选择" in wrong.text
    given = custodian.post(f"/desk/loans/{loan}/hand", data={"copy": "3", "download": "1"})
    assert given.status_code == 303
    assert loan_of(db).download and loan_of(db).state == "lent"
    assert "第 3 份" in as_("lead_cw").get("/desk/").text
    panel = custodian.get(f"/i/{item.number}").text
    assert "第 3 份" in panel and "钱以宁" in panel


def test_the_form_says_why_a_body_may_not_be_saved(as_: As, desk: Office, db: Session) -> None:
    item = desk.add("document", "custodian", level=Level.SECRET)
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_cw").id)
    apply(as_("lead_cw"), item)
    page = as_("custodian").get("/desk/").text
    assert "只能在页面内阅读，不能允许下载" in page and 'name="download"' not in page
    forced = as_("custodian").post(f"/desk/loans/{loan_of(db).id}/lend", data={"download": "1"})
    assert forced.status_code == 422 and loan_of(db).state == "applied"


def test_a_later_day_is_asked_for_and_granted(as_: As, db: Session, document: Item) -> None:
    borrower, custodian = as_("lead_cw"), as_("custodian")
    apply(borrower, document, until="2026-11-25")
    loan = loan_of(db).id
    custodian.post(f"/desk/loans/{loan}/lend")
    here = f"/desk/loans/{loan}"
    refused = borrower.post(f"{here}/extend", data={"until": "2027-11-30", "why": "未用完", "next": here})
    assert refused.status_code == 422 and "续借日期应晚于" in refused.text
    assert borrower.post(f"{here}/extend", data={"until": "2026-12-02", "why": "未用完"}).status_code == 303
    assert "申请续借" in custodian.get("/desk/").text and "办理续借" in custodian.get("/").text
    assert custodian.post(f"{here}/longer").status_code == 303
    assert loan_of(db).until.isoformat() == "2026-12-02"
    assert loan_of(db).asked_until.isoformat() == "2026-11-25"


def test_the_page_of_a_loan_is_for_its_borrower_and_the_custodian(
    as_: As, desk: Office, db: Session, document: Item
) -> None:
    apply(as_("lead_cw"), document)
    here = f"/desk/loans/{loan_of(db).id}"
    for login in ("lead_cw", "custodian"):
        assert "核对补贴" in as_(login).get(here).text
        paper = as_(login).get(f"{here}/print").text
        assert "文件借阅单" in paper and "<svg" in paper
    assert len(desk.audit("loan.print")) == 2
    missing = as_("lead").get("/desk/loans/999")
    for login in ("lead", "cook", "admin"):  # the head knows of the file, not of who reads it
        assert as_(login).get(here).status_code == as_(login).get(f"{here}/print").status_code == 404
    another = as_("lead").get(here).text.replace(here, "…")
    assert len(missing.text.replace("/desk/loans/999", "…")) == len(
        another
    )  # but for the nonce the same page


def test_past_loans_are_paged(as_: As, desk: Office, document: Item, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holdings, "PAST", 2)
    for n in range(5):
        with desk.w("lead_cw") as w:
            loan = loans.apply(w, document.id, purpose=f"第{n}次", until=w.today).id
            loans.withdraw(w, loan)
    browser, seen, path = as_("lead_cw"), [], "/desk/"
    while path:
        page = browser.get(path).text
        seen += re.findall("第[0-9]次", page)
        more = re.search(r'rel="next" href="([^"#]+)', page)
        path = more[1] if more else ""
    assert seen == [f"第{n}次" for n in (4, 3, 2, 1, 0)]


def test_the_daily_reminder_is_one_line_that_leads_to_the_loans(
    as_: As, desk: Office, clock: Clock, document: Item, db: Session
) -> None:
    apply(as_("lead_cw"), document, until="2026-11-25")
    as_("custodian").post(f"/desk/loans/{loan_of(db).id}/lend")
    clock.forward(days=1)
    digest.daily(desk.house)
    assert "1 份借阅将到期" in as_("lead_cw").get("/").text
    clock.forward(days=3)
    digest.daily(desk.house)
    page = as_("lead_cw").get("/").text
    assert "1 份借阅逾期" in page and "将到期" not in page
    assert "保管的文件 1 份逾期未还" in as_("custodian").get("/").text


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
