"""Places, shelf checks, inspections and labels through their pages: what each person sees of them, and at what price."""

from __future__ import annotations

import re
from collections.abc import Callable
from io import BytesIO

import pypdfium2
import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.models import Copy, Item, Place
from intranet.verbs import inspecting, loans, shelf_checks
from tests.office import Clock, Office, Statements
from vault.levels import Level

As = Callable[..., FlaskClient]


@pytest.fixture
def document(desk: Office) -> Item:
    """A 秘密 file in two copies."""
    return desk.add("document", "custodian", title="成本核算明细", level=Level.CONFIDENTIAL, copies="2")


@pytest.fixture
def check(desk: Office, document: Item) -> int:
    """The custodian's round through the cabinet, open."""
    with desk.w("custodian") as w:
        return shelf_checks.start(w, "GZ-1").id


# -- the code on a folder or a door says nothing --------------------------------------------------------------------
TOKEN = re.compile(r"[\w-]{20,}\.[\w-]{6}\.[\w-]{20,}")  # of the form: new in each page, of nobody


def steady(text: str, *names: str) -> str:
    """A page without its token and without the words of its address."""
    for name in names:
        text = text.replace(name, "#")
    return TOKEN.sub("#", text)


@pytest.mark.parametrize("path", ["/i/{}?copy=1", "/p/{}", "/places/{}", "/places/{}/check"])
def test_without_signing_in_a_code_leads_to_the_same_plain_sign_in(
    client: FlaskClient, document: Item, path: str
) -> None:
    """Byte by byte, apart from where one goes on to."""
    there, nowhere = (document.number, "BG-M-1999-9999") if path.startswith("/i/") else ("GZ-1", "XX-9")
    told = []
    for name in (there, nowhere):
        led = client.get(path.format(name))
        assert led.status_code == 303
        page = client.get(led.headers["Location"])
        heads = [
            sorted(
                (k, steady(v, name))
                for k, v in a.headers
                if k not in ("Set-Cookie", "Content-Security-Policy")
            )
            for a in (led, page)
        ]
        told.append((page.status_code, heads, steady(led.text, name), steady(page.text, name)))
    assert told[0] == told[1]
    assert "/login?next=" in str(told[0])


# -- who sees what --------------------------------------------------------------------------------------------------
def test_the_administrator_sees_places_and_nothing_of_what_is_in_them(as_: As, document: Item) -> None:
    page = as_("admin").get("/places/").text
    assert "办公室文件柜 1 号" in page and "在册份数" not in page
    place = as_("admin").get("/places/GZ-1").text
    assert document.number not in place and "在册的份" not in place and "开始清点" not in place
    assert as_("admin").get("/inspections/").status_code == 403
    assert document.number in as_("custodian").get("/places/GZ-1").text
    for login in ("cook", "lead", "auditor"):
        assert [as_(login).get(path).status_code for path in ("/places/", "/p/GZ-1", "/p/XX", "/places/XX")] == [403] * 4  # fmt: skip


def test_a_count_and_a_list_hold_only_what_may_be_known(as_: As, desk: Office) -> None:
    hidden = desk.add("document", "registrar", level=Level.TOPSECRET)
    row = '<td class="num">%s</td>'
    assert row % 1 not in as_("custodian").get("/places/").text
    assert row % 1 in as_("registrar").get("/places/").text
    assert hidden.number not in as_("custodian").get("/places/BMS-1").text
    assert hidden.number in as_("registrar").get("/places/BMS-1").text


def test_a_place_is_added_set_and_refused_beside_its_field(as_: As, db: Session, document: Item) -> None:
    admin = as_("admin")
    form = {"title": "档案间", "code": "R-1", "form": "room", "strength": "2", "unit": "1", "parent": ""}
    assert admin.post("/places/", data=form).headers["Location"] == "/places/R-1"
    again = admin.post("/places/", data=form)
    assert again.status_code == 409 and 'value="档案间"' in again.text
    wrong = admin.post("/places/", data=form | {"code": "柜 1", "strength": "7"})
    assert wrong.status_code == 422 and "代码由字母" in wrong.text
    assert admin.post("/places/GZ-1/move", data={"parent": "R-1"}).status_code == 303
    refused = admin.post("/places/GZ-1/strength", data={"strength": "1"})
    # in a room of strength 2 the cabinet stays 2: nothing becomes weaker
    assert refused.status_code == 303
    refused = admin.post("/places/GZ-1/move", data={"parent": ""})
    assert refused.status_code == 409 and "按保管规定" in refused.text and document.number not in refused.text
    assert admin.post("/places/GZ-1/retire").status_code == 409
    assert admin.post("/places/R-1/rename", data={"title": " "}).status_code == 422
    assert admin.post("/places/XX/rename", data={"title": "x"}).status_code == 404
    assert as_("cook").post("/places/XX/rename", data={"title": "x"}).status_code == 403


# -- a round --------------------------------------------------------------------------------------------------------
def test_a_round_through_its_pages(as_: As, db: Session, document: Item) -> None:
    custodian = as_("custodian")
    led = custodian.post("/places/GZ-1/check")
    sheet = led.headers["Location"]
    assert custodian.get("/places/GZ-1/check").headers["Location"] == sheet
    page = custodian.get(sheet)
    assert "camera=(self)" in page.headers["Permissions-Policy"]
    assert "camera=()" in custodian.get("/places/GZ-1").headers["Permissions-Policy"]
    assert document.number in page.text

    def scan(code: str) -> str:
        answer = custodian.post(f"{sheet}/scan", data={"code": code})
        assert answer.status_code == 303
        return custodian.get(sheet).text

    assert "已见：" in scan(f"http://x/i/{document.number}?copy=1")
    assert "已经扫过" in scan(f"{document.number} 1")
    assert "不认识的编码：NO-SUCH" in scan("NO-SUCH")
    kept = custodian.post(f"{sheet}/scan", data={"code": document.number})
    assert (
        kept.status_code == 422 and f'value="{document.number}"' in kept.text and "此文件有多份" in kept.text
    )
    assert custodian.post(f"{sheet}/scan", data={"code": "http://x/p/GZ-1"}).status_code == 422
    ending = custodian.get(f"{sheet}/close").text
    assert 'name="missing" value="1"' in ending
    assert custodian.post(f"{sheet}/close", data={"missing": "0"}).status_code == 409
    assert custodian.post(f"{sheet}/close", data={"missing": "1"}).status_code == 303
    report = custodian.get(sheet)
    assert "清点报告" in report.text and "camera=()" in report.headers["Permissions-Policy"]
    assert "下落不明" in custodian.get("/items/incident/").text
    tab = custodian.get(f"/i/{document.number}?tab=inspections").text
    assert "AQ-2026-0001" in tab and "清点" in tab
    assert "未见 1 份" in custodian.get("/places/GZ-1").text


def test_an_open_round_is_its_checker_s_own(as_: As, check: int) -> None:
    other = as_("registrar")
    nowhere = steady(other.get("/checks/999").text, "/checks/999")
    for path in (f"/checks/{check}", f"/checks/{check}/close"):
        answer = other.get(path)
        assert (answer.status_code, steady(answer.text, path)) == (404, nowhere)
    assert other.post(f"/checks/{check}/scan", data={"code": "x"}).status_code == 404
    assert as_("admin").get(f"/checks/{check}").status_code == 403


def test_a_code_on_a_folder_offers_the_steps_for_that_copy(
    as_: As, desk: Office, db: Session, document: Item
) -> None:
    custodian, path = as_("custodian"), f"/i/{document.number}?copy=2"
    page = custodian.get(path).text
    assert "完好在位" in page and "记入清点" not in page
    done = custodian.post(
        f"/i/{document.number}/inspect", data={"copy": "2", "found": "present", "next": path}
    )
    assert done.headers["Location"] == path
    with desk.w("custodian") as w:
        shelf_checks.start(w, "GZ-1")
    assert "记入清点：办公室文件柜 1 号" in custodian.get(path).text
    with desk.w("registrar") as w:
        loan = loans.apply(w, document.id, purpose="x", until=w.today).id
    with desk.w("custodian") as w:
        loans.lend(w, loan, number=2)
    assert f"/desk/loans/{loan}/return" in custodian.get(path).text
    assert custodian.post(f"/desk/loans/{loan}/return", data={"next": path}).headers["Location"] == path
    assert f"/desk/loans/{loan}/check" in custodian.get(path).text
    assert f"/desk/loans/{loan}/check" not in as_("registrar").get(path).text  # nobody checks their own
    assert "扫到的这一份" not in custodian.get(f"/i/{document.number}?copy=9").text
    internal = desk.add("document", "custodian", level=Level.INTERNAL)
    assert "扫到的这一份" not in as_("cook").get(f"/i/{internal.number}?copy=1").text


# -- inspections ----------------------------------------------------------------------------------------------------
def test_the_inspection_sheet_keeps_what_was_typed(as_: As, db: Session, document: Item) -> None:
    custodian, path = as_("custodian"), f"/i/{document.number}/inspect"
    assert custodian.get(f"{path}?copy=2").status_code == 200
    assert custodian.get(f"{path}?copy=7").status_code == 404
    kept = custodian.post(path, data={"copy": "2", "found": "damaged", "note": "", "action": "送修复"})
    assert kept.status_code == 422 and 'value="送修复"' in kept.text and "请说明损坏情况" in kept.text
    assert custodian.post(path, data={"copy": "2", "found": "missing"}).status_code == 303
    assert custodian.post(path, data={"copy": "2", "found": "present"}).status_code == 409
    assert custodian.post(f"/i/{document.number}/find", data={"copy": "2", "note": " "}).status_code == 422
    assert custodian.post(f"/i/{document.number}/find", data={"copy": "2", "note": "找到", "place": "SG-1"}).status_code == 303  # fmt: skip
    weak = custodian.post(f"/i/{document.number}/place", data={"copies": "1", "place": "GQ-1"})
    assert weak.status_code == 422 and "保管强度低于" in weak.text
    assert custodian.post(f"/i/{document.number}/place", data={"place": "SG-1"}).status_code == 422
    assert (
        custodian.post(f"/i/{document.number}/place", data={"copies": "1", "place": "SG-1"}).status_code
        == 303
    )
    db.rollback()
    places = {db.get_one(Place, c.place_id).code for c in db.scalars(select(Copy).where(Copy.item_id == document.id))}  # fmt: skip
    assert places == {"SG-1"}


def test_what_is_due_is_listed_printed_and_on_the_desk(as_: As, clock: Clock, desk: Office, document: Item) -> None:  # fmt: skip
    hidden = desk.add("document", "registrar", level=Level.TOPSECRET)
    clock.forward(days=200)
    page = as_("custodian").get("/inspections/").text
    assert document.number in page and "其中逾期 2 份" in page and hidden.number not in page
    assert document.number not in as_("custodian").get("/inspections/?level=3").text
    assert document.number not in as_("custodian").get("/inspections/?place=SG-1").text
    assert document.number in as_("custodian").get("/inspections/?place=GZ-1&late=1&after=broken|key").text
    assert "□ 完好" in as_("custodian").get("/inspections/walk?place=GZ-1").text
    assert len(desk.audit("inspection.print")) == 1
    assert "逾期未检查" in as_("custodian").get("/").text
    assert "逾期未检查" not in as_("lead").get("/").text


# -- labels ---------------------------------------------------------------------------------------------------------
def test_labels_are_printed_for_the_custodian_and_recorded(as_: As, desk: Office, document: Item) -> None:
    custodian = as_("custodian")
    page = custodian.get(f"/i/{document.number}/labels?start=24")
    assert "共 2 枚标签，2 张" in page.text and "★" not in page.text
    file = custodian.get(f"/i/{document.number}/labels?as=pdf&start=24")
    assert file.headers["Content-Type"] == "application/pdf"
    pdf = pypdfium2.PdfDocument(BytesIO(file.data))
    words = "".join(sheet.get_textpage().get_text_bounded() for sheet in pdf)
    assert len(pdf) == 2 and document.number in words and "秘密" in words and "第 2 份" in words
    assert "成本" not in words  # a label names no title
    svg = custodian.get(f"/i/{document.number}/labels?as=svg&copy=2")
    assert svg.headers["Content-Type"] == "image/svg+xml" and svg.text.count("<g ") == 1
    assert len(desk.audit("item.label")) == 3
    assert custodian.get(f"/i/{document.number}/labels?start=25").status_code == 422
    assert as_("cook").get(f"/i/{document.number}/labels").status_code == 404
    assert document.number in custodian.get("/places/GZ-1/labels?what=copies").text
    assert as_("admin").get("/places/GZ-1/labels?what=copies").status_code == 403
    assert "GZ-1" in as_("admin").get("/places/GZ-1/labels").text


# -- the price ------------------------------------------------------------------------------------------------------
def test_each_page_costs_the_same_however_much_is_kept(
    as_: As, desk: Office, clock: Clock, statements: Statements, document: Item, check: int
) -> None:
    with desk.w("custodian") as w:
        shelf_checks.scan(w, check, f"{document.number} 1")
    clock.forward(days=180)
    custodian = as_("custodian")
    paths = {
        "/places/": 16, "/places/GZ-1": 18, f"/checks/{check}": 16, f"/checks/{check}/close": 16, "/inspections/": 14,
        f"/i/{document.number}?copy=1&tab=inspections": 28, "/places/GZ-1/labels?what=copies": 22,
    }  # fmt: skip

    def cost() -> dict[str, int]:
        found = {}
        for path in paths:
            with statements() as seen:
                assert custodian.get(path).status_code == 200
            found[path] = len(seen)
        return found

    few = cost()
    for n in range(6):
        item = desk.add("document", "custodian", level=Level.CONFIDENTIAL, copies="2", title=f"第 {n} 件")
        with desk.w("custodian") as w:
            inspecting.inspect(w, item.id, 1, "missing")
            shelf_checks.scan(w, check, f"{item.number} 2")
    many = cost()
    # one audit row for each file whose labels are printed is the record of it, and no more
    few.pop("/places/GZ-1/labels?what=copies"), many.pop("/places/GZ-1/labels?what=copies")
    assert many == few
    assert all(many[path] <= paths[path] for path in many), many
