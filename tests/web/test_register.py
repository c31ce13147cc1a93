"""The register through its pages: proposals, folders, copies, declarations, recordings; at a fixed price, without a hint of the hidden."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intranet.models import Approval, Blob, Copy, Item
from intranet.settings import ROOT
from intranet.verbs import levels
from tests.office import DEFAULTS, Office, Statements
from tests.verbs.forbidden_register import RECORDING, document, folder, put
from vault.levels import Level

As = Callable[..., FlaskClient]
I, C, S = Level.INTERNAL, Level.CONFIDENTIAL, Level.SECRET  # noqa: E741


def sent(desk: Office, kind: str = "document", **more: Any) -> dict[str, Any]:
    place = str(desk.place("SG-1"))
    return {
        "title": "门禁方案",
        "unit": str(desk.unit("BG")),
        "level": "internal",
        "place": place,
        **DEFAULTS[kind],
        **more,
    }


def level_of(db: Session, item: Item) -> int:
    db.rollback()
    return db.get_one(Item, item.id, populate_existing=True).level


def test_a_level_is_proposed_on_its_page_and_approved_on_the_item(as_: As, desk: Office, db: Session) -> None:
    item = document(desk)
    custodian, lead = as_("custodian"), as_("lead")
    page = custodian.get(f"/i/{item.number}/level").text
    assert "提请审批" in page and "另一人审批" in page
    assert (
        custodian.post(
            f"/i/{item.number}/level", data={"level": "confidential", "reason": "隐私"}
        ).status_code
        == 303
    )
    assert level_of(db, item) == I
    again = custodian.post(f"/i/{item.number}/level", data={"level": "secret", "reason": "再提"})
    assert again.status_code == 409 and "等待审批" in again.text
    db.rollback()
    approval = db.scalars(select(Approval.id)).one()
    assert f"/approvals/{approval}/withdraw" in custodian.get(f"/i/{item.number}").text
    assert "密级由“内部”改为“秘密”" in lead.get("/").text
    assert f"/approvals/{approval}/approve" in lead.get(f"/i/{item.number}").text
    assert f"/approvals/{approval}" not in as_("officer").get(f"/i/{item.number}").text
    refused = lead.post(f"/approvals/{approval}/refuse", data={"said": ""})
    assert refused.status_code == 422 and "请说明不同意的理由" in refused.text
    assert custodian.post(f"/approvals/{approval}/approve").status_code == 403
    assert as_("admin").post(f"/approvals/{approval}/approve").status_code == 404
    assert lead.post(f"/approvals/{approval}/approve", data={"said": "同意"}).status_code == 303
    assert level_of(db, item) == C


def test_a_folder_shows_what_one_may_know_and_takes_more(as_: As, desk: Office, db: Session) -> None:
    case, plain = folder(desk, I, "SG-1"), document(desk)
    client = as_("custodian")
    for number in (
        "BG-N-1999-0001",
        desk.add("document", "registrar", level=Level.TOPSECRET, place=desk.place("BMS-1")).number,
    ):
        missing = client.post(f"/i/{case.number}/inside", data={"number": number})
        assert missing.status_code == 422 and "没有这个编号，或您无权知悉" in missing.text
    assert client.post(f"/i/{case.number}/inside", data={"number": plain.number}).status_code == 303
    assert plain.number in as_("officer").get(f"/i/{case.number}").text
    assert case.number in as_("officer").get(f"/i/{plain.number}").text
    form = client.get(f"/items/document/new?folder={case.number}").text
    assert f'value="{case.number}"' in form
    answer = client.post("/items/document/new", data=sent(desk, level="secret", folder=case.number))
    made = answer.headers["Location"].removeprefix("/i/")
    assert made in client.get(f"/i/{case.number}").text
    assert level_of(db, case) == S
    assert as_("officer").get(f"/i/{case.number}").status_code == 404  # not cleared for what is in it now
    assert case.number not in as_("officer").get(f"/i/{plain.number}").text
    assert client.post(f"/i/{plain.number}/take-out").status_code == 303
    assert plain.number not in client.get(f"/i/{case.number}").text


def test_registering_into_a_folder_that_is_hidden_saves_nothing(as_: As, desk: Office, db: Session) -> None:
    hidden = folder(desk, Level.TOPSECRET, "BMS-1")
    client = as_("custodian")
    plain = client.get("/items/document/new").text
    for number in (hidden.number, "BG-AJ-1999-001"):
        asked = client.get(f"/items/document/new?folder={number}").text.replace(
            f'value="{number}"', 'value=""'
        )
        assert re.sub(r'nonce-?="?[\w-]+', "", asked).count("checked") == plain.count("checked")
        answer = client.post("/items/document/new", data=sent(desk, folder=number))
        assert answer.status_code == 422 and "没有这个编号，或您无权知悉" in answer.text
    db.rollback()
    assert db.scalar(select(func.count()).select_from(Item).where(Item.kind == "document")) == 0


def test_copies_have_a_page_and_the_custodian_adds_to_it(as_: As, desk: Office, db: Session) -> None:
    item = document(desk, level=S)
    client = as_("custodian")
    assert "提请增印" in client.get(f"/i/{item.number}?tab=copies").text
    wrong = client.post(
        f"/i/{item.number}/copies", data={"made_from": "1", "count": "0", "reason": "评审会用"}
    )
    assert wrong.status_code == 422 and 'value="评审会用"' in wrong.text
    assert (
        client.post(
            f"/i/{item.number}/copies", data={"made_from": "1", "count": "1", "reason": "评审"}
        ).status_code
        == 303
    )
    assert db.scalar(select(func.count()).select_from(Copy).where(Copy.item_id == item.id)) == 1
    db.rollback()
    approval = db.scalars(select(Approval.id)).one()
    assert as_("lead").post(f"/approvals/{approval}/approve").status_code == 303
    assert "由第 1 份增印" in client.get(f"/i/{item.number}?tab=copies").text
    assert "增印份" not in as_("officer").get(f"/i/{document(desk).number}?tab=copies").text


def test_no_byte_is_sealed_before_it_is_declared(as_: As, desk: Office, db: Session) -> None:
    client = as_("custodian")
    for said, why in (("", "请先声明"), ("secret", "第三十一条")):
        data = sent(desk, declared=said, summary="要点", files=(io.BytesIO(b"x"), "方案.txt"))
        answer = client.post("/items/document/new", data=data)
        assert answer.status_code == 422 and why in answer.text and "要点" in answer.text
        assert "请重新选择" in answer.text
    db.rollback()
    assert db.scalars(select(Blob)).all() == []
    data = sent(desk, declared="none", files=(io.BytesIO(b"x"), "方案.txt"))
    assert client.post("/items/document/new", data=data).status_code == 303
    assert '"declared": "none"' in desk.audit("body.deposit")[0].detail


def test_the_form_says_first_which_level_keeps_no_bodies(as_: As) -> None:
    page = as_("registrar").get("/items/document/new").text
    assert "“绝密”级只登记编号与保管场所，不收存正文" in page
    assert page.index('name="declared"') < page.index('type="file"')
    assert "不是国家秘密的密级" in page


def test_a_recording_plays_in_its_page_by_parts(as_: As, desk: Office, db: Session) -> None:
    sound = b"RIFF\x24\x08\x00\x00WAVEfmt " + bytes(2000)
    blob = desk.deposit("custodian", sound, "例会.wav")
    made = desk.add("material", "custodian", blobs=(blob,), **RECORDING | {"event_level": "internal"})
    client = as_("custodian")
    source = re.search(r'<audio[^>]* src="([^"]+)"', client.get(f"/i/{made.number}").text)
    assert source is not None
    part = client.get(source[1], headers={"Range": "bytes=0-11"})
    assert (part.status_code, part.data, part.content_type) == (206, sound[:12], "audio/wav")
    assert "media-src 'self'" in part.headers["Content-Security-Policy"]
    assert part.headers["Content-Disposition"].startswith("inline")


def test_the_groups_of_a_class_are_marked_and_none_is_demanded_by_the_browser(as_: As) -> None:
    page = as_("custodian").get("/items/material/new").text
    for code in ("file", "book", "equipment", "recording"):
        assert f'data-when="class={code}"' in page
    group = re.search(r'<fieldset[^>]*data-when="class=recording".*?</fieldset>', page, re.DOTALL)
    assert group is not None and " required" not in group[0] and "必填：" in group[0]


@pytest.mark.parametrize("tab", ["inside", "copies"])
def test_the_tabs_of_custody_cost_the_same_whatever_is_in_them(
    as_: As, desk: Office, statements: Statements, tab: str
) -> None:
    client = as_("custodian")
    case, plain = folder(desk, I, "SG-1"), document(desk)
    put(desk, (case, plain))
    address = f"/i/{case.number}?tab=inside" if tab == "inside" else f"/i/{plain.number}?tab=copies"
    client.get(address)
    with statements() as few:
        assert client.get(address).status_code == 200
    for _n in range(5):
        more = document(desk)
        put(desk, (case, more))
        client.post(f"/i/{plain.number}/copies", data={"made_from": "1", "count": "2", "reason": "分发"})
    with statements() as many:
        client.get(address)
    assert len(many) <= len(few) <= 26


def test_the_desk_costs_the_same_whatever_is_asked(as_: As, desk: Office, statements: Statements) -> None:
    client = as_("registrar")

    def cost() -> int:
        with statements() as seen:
            assert client.get("/").status_code == 200
        return len(seen)

    def asked() -> None:
        with desk.w("custodian") as w:
            levels.propose(w, document(desk).id, C, reason="复核")

    asked()
    few = cost()
    for _n in range(6):
        asked()
    assert cost() == few <= 20


def test_no_printed_form_bears_the_mark_of_the_state(as_: As, desk: Office) -> None:
    for template in (Path(ROOT) / "templates" / "print").rglob("*.html"):
        assert "★" not in template.read_text("utf-8"), template.name
    for item in (
        document(desk, level=S),
        folder(desk, S, "SG-1"),
        desk.add("material", "custodian", level=C),
    ):
        sheet = as_("custodian").get(f"/i/{item.number}/print").text
        assert "★" not in sheet and "不是国家秘密的密级" in sheet and "本单位内部标识：" in sheet
        assert "不是国家秘密的密级" in as_("custodian").get(f"/items/{item.kind}/").text
