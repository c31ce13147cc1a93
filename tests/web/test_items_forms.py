"""Adding and editing: who may, what is refused, and that nothing typed or sent is ever lost."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intranet.models import Blob, Item, Revision
from tests.office import DEFAULTS, Office
from vault.levels import Level

As = Callable[..., FlaskClient]


def form(desk: Office, login: str, kind: str = "resource", **more: Any) -> dict[str, Any]:
    unit = desk.person(login).unit_id
    return {"title": "水泵操作规程", "unit": str(unit), "level": "internal", **DEFAULTS[kind], **more}


def newest(db: Session) -> Item:
    db.rollback()
    return db.scalars(select(Item).order_by(Item.id.desc()).limit(1)).one()


@pytest.mark.parametrize(
    ("login", "kind", "status"),
    [
        ("cook", "resource", 200),
        ("cook", "document", 403),
        ("custodian", "document", 200),
        ("cook", "complaint", 403),
        ("handler", "complaint", 403),
        ("admin", "workorder", 403),
        ("lead_wx", "document", 200),
    ],
)
def test_who_gets_the_form(as_: As, login: str, kind: str, status: int) -> None:
    assert as_(login).get(f"/items/{kind}/new").status_code == status


def test_saving_leads_to_the_number(as_: As, desk: Office, db: Session) -> None:
    answer = as_("officer").post("/items/resource/new", data=form(desk, "officer"))
    item = newest(db)
    assert answer.status_code == 303
    assert answer.headers["Location"] == f"/i/{item.number}"
    assert item.data["body"] == "正文"
    assert as_("officer").get(f"/i/{item.number}").status_code == 200


def test_only_units_where_one_may_add_are_offered_and_taken(as_: As, desk: Office, db: Session) -> None:
    offered = as_("lead_wx").get("/items/document/new").text
    units = re.search(r'name="unit".*?</select>', offered, re.DOTALL)
    assert units is not None
    assert "维修科" in units[0]
    assert "财务科" not in units[0]
    data = form(desk, "lead_wx", "document", unit=str(desk.unit("CW")), place=str(desk.place("GZ-2")))
    assert as_("lead_wx").post("/items/document/new", data=data).status_code == 403
    assert db.scalar(select(func.count()).select_from(Item)) == 0


def test_no_level_above_the_own_is_offered_or_taken(as_: As, desk: Office) -> None:
    client = as_("custodian")
    page = client.get("/items/document/new").text
    assert 'value="secret"' in page
    assert 'value="topsecret"' not in page
    data = form(desk, "custodian", "document", level="topsecret", place=str(desk.place("BMS-1")))
    refused = client.post("/items/document/new", data=data)
    assert refused.status_code == 422
    assert "不能高于您本人的可接触密级" in refused.text


def test_a_refused_form_keeps_what_was_typed(as_: As, desk: Office, db: Session) -> None:
    data = form(desk, "officer", business="", body="第一行\n第二行 <b>", issued="明天")
    refused = as_("officer").post("/items/resource/new", data=data)
    assert refused.status_code == 422
    assert 'value="水泵操作规程"' in refused.text
    assert "第一行\n第二行 &lt;b&gt;" in refused.text
    assert "请填写日期" in refused.text
    assert "请填写此项" in refused.text
    assert db.scalar(select(func.count()).select_from(Item)) == 0


def test_a_file_sent_with_a_refused_form_is_not_sent_again(as_: As, desk: Office, db: Session) -> None:
    client = as_("officer")
    sent = form(desk, "officer", title="", files=(io.BytesIO("油位".encode()), "检查 表（一）.txt"))
    refused = client.post("/items/resource/new", data=sent)
    assert refused.status_code == 422
    assert "检查 表（一）.txt" in refused.text
    token = re.search(r'name="kept" value="([^"]+)"', refused.text)
    assert token is not None
    again = form(desk, "officer", kept=token[1])
    assert client.post("/items/resource/new", data=again).status_code == 303
    item = newest(db)
    assert db.scalars(select(Blob)).one().item_id == item.id


def test_the_kept_file_of_another_is_not_taken(as_: As, desk: Office, db: Session) -> None:
    sent = form(desk, "officer", title="", files=(io.BytesIO(b"mine"), "mine.txt"))
    token = re.search(
        r'name="kept" value="([^"]+)"', as_("officer").post("/items/resource/new", data=sent).text
    )
    assert token is not None
    thief = as_("cook").post("/items/resource/new", data=form(desk, "cook", kept=token[1]))
    assert thief.status_code == 303
    db.rollback()
    assert db.scalars(select(Blob.item_id)).one() is None


def test_where_one_may_not_add_no_byte_is_sealed(as_: As, desk: Office, db: Session) -> None:
    sent = form(desk, "cook", "document", files=(io.BytesIO(b"x"), "x.txt"))
    assert as_("cook").post("/items/document/new", data=sent).status_code == 403
    db.rollback()
    assert db.scalars(select(Blob)).all() == []


def test_a_file_that_cannot_be_kept_brings_the_form_back_and_saves_nothing(
    as_: As, desk: Office, db: Session
) -> None:
    sent = form(
        desk,
        "registrar",
        "document",
        level="topsecret",
        place=str(desk.place("BMS-1")),
        declared="none",
        files=(io.BytesIO(b"x"), "x.txt"),
    )
    refused = as_("registrar").post("/items/document/new", data=sent)
    assert refused.status_code == 422
    assert "只登记编号与保管场所，不收存正文" in refused.text
    db.rollback()
    assert db.scalar(select(func.count()).select_from(Item)) == 0


def test_a_door_code_fills_the_form(as_: As) -> None:
    page = as_("warden").get("/items/workorder/new?title=灯不亮&place=明德楼 203").text
    assert 'value="灯不亮"' in page
    assert 'value="明德楼 203"' in page


# -- editing -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("login", "status"), [("officer", 200), ("lead", 200), ("cook", 403), ("admin", 404)]
)
def test_who_may_edit(as_: As, desk: Office, login: str, status: int) -> None:
    item = desk.add("resource", "officer")
    assert as_(login).get(f"/i/{item.number}/edit").status_code == status


def test_editing_changes_adds_and_removes(as_: As, desk: Office, db: Session) -> None:
    blob = desk.deposit("officer", b"old", "旧.txt")
    item = desk.add("resource", "officer", blobs=(blob,))
    data = form(
        desk,
        "officer",
        title="新标题",
        version="1",
        drop=str(blob),
        files=(io.BytesIO(b"new"), "新.txt"),
        reason="勘误",
    )
    assert as_("officer").post(f"/i/{item.number}/edit", data=data).status_code == 303
    db.rollback()
    assert db.get_one(Item, item.id).title == "新标题"
    assert {b.filename: b.state for b in db.scalars(select(Blob))} == {
        "旧.txt": "dropped",
        "新.txt": "stored",
    }
    assert db.scalars(select(Revision.reason).where(Revision.version == 2)).one() == "勘误"


def test_two_people_save_at_once_and_neither_loses_a_word(as_: As, desk: Office, db: Session) -> None:
    item = desk.add("resource", "officer", title="规程", body="甲", keywords="泵")
    theirs = form(desk, "officer", title="规程", body="乙", keywords="泵 阀", version="1")
    assert as_("officer").post(f"/i/{item.number}/edit", data=theirs).status_code == 303
    mine = form(desk, "officer", title="规程（修订）", body="丙", keywords="泵", version="1")
    clash = as_("lead").post(f"/i/{item.number}/edit", data=mine)
    assert clash.status_code == 409
    for seen in ("乙", "丙", "规程（修订）", "双方都改了", "只有您改了", "只有对方改了"):
        assert seen in clash.text
    assert 'name="version" value="2"' in clash.text
    assert 'value="泵 阀"' in clash.text, "what only they changed is taken over"
    assert "\n丙</textarea>" in clash.text, "what I typed stays in the form"
    merged = mine | {"version": "2", "keywords": "泵 阀"}
    assert as_("lead").post(f"/i/{item.number}/edit", data=merged).status_code == 303
    db.rollback()
    now = db.get_one(Item, item.id)
    assert (now.title, now.data["body"], now.data["keywords"]) == ("规程（修订）", "丙", "泵 阀")


def test_what_was_typed_survives_even_when_one_may_no_longer_save(as_: As, desk: Office) -> None:
    item = desk.add("notice", "officer", title="草稿")
    client = as_("officer")
    desk.step(item, "officer", "submit")
    data = form(desk, "officer", "notice", title="改过的标题", version="1")
    refused = client.post(f"/i/{item.number}/edit", data=data)
    assert refused.status_code == 403
    assert 'value="改过的标题"' in refused.text


def test_an_older_version_comes_back_as_a_new_one(as_: As, desk: Office, db: Session) -> None:
    item = desk.add("workorder", "warden", title="灯")
    data = form(desk, "warden", "workorder", title="灯坏了", phone="8001", version="1")
    as_("warden").post(f"/i/{item.number}/edit", data=data)
    history = as_("warden").get(f"/i/{item.number}?tab=history").text
    assert "<del>灯</del>" in history
    assert "<ins>灯坏了</ins>" in history
    assert as_("warden").post(f"/i/{item.number}/restore/1", data={"version": "2"}).status_code == 303
    db.rollback()
    now = db.get_one(Item, item.id)
    assert (now.title, now.data.get("phone"), now.version) == ("灯", None, 3)


def test_a_resource_marked_higher_may_not_stand_in_a_weak_place(as_: As, desk: Office) -> None:
    data = form(desk, "custodian", "document", level="secret", place=str(desk.place("GQ-1")))
    refused = as_("custodian").post("/items/document/new", data=data)
    assert refused.status_code == 422
    assert "保管强度低于密级要求" in refused.text
    assert Level.SECRET.label == "机密"
