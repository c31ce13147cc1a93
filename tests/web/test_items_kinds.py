"""Every ledger there is, and one that only this test declares, through every page: no code of its own is needed."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.kinds import KINDS
from intranet.kinds.base import (
    Checks,
    Choice,
    Clock,
    Date,
    DateTime,
    Files,
    Flag,
    Integer,
    Kind,
    LongText,
    Money,
    Move,
    Person,
    State,
    Text,
    UnitRef,
    options,
)  # fmt: skip
from intranet.models import Item
from tests.office import Office

As = Callable[..., FlaskClient]
ADDS = {"document": "custodian", "folder": "custodian", "incident": "custodian", "complaint": "handler"}
KEY = Kind(
    "keyring",
    "钥匙台账",
    number="YS-{year}-{seq:03}",
    group="business",
    comments="staff",
    fields=[
        Text("room", "房间", required=True, column=True, sort=True),
        Choice("lock", "锁具", options(("a", "弹子锁"), ("b", "密码锁")), facet=True, column=True, group="锁"),
        Checks("copies", "备份", options(("safe", "保险柜"), ("desk", "值班室")), group="锁"),
        Integer("count", "把数", min=1, max=9, unit="把", column=True),
        Money("price", "价格"),
        Flag("spare", "有备用"),
        Date("made", "配制日期", sort=True, past=True),
        DateTime("due", "归还时限", sort=True),
        Person("holder", "持有人", column=True, facet=True),
        UnitRef("section", "使用单位", facet=True),
        LongText("note", "备注"),
        Files("photos", "照片", image=True),
        Files("papers", "凭据"),
    ],
    states=[State("held", "在册", view="staff", edit="owner", tone="good"), State("gone", "注销", view="staff", final=True)],
    moves=[Move("retire", "held", "gone", title="注销钥匙", by="owner", asks=["note"], reason=True, tone="danger", confirm="注销后不能恢复。")],
    clocks=[Clock("due", state="held", after="due")],
)  # fmt: skip


@pytest.mark.parametrize("kind", KINDS, ids=lambda k: k.name)
def test_every_page_of_every_ledger_opens(as_: As, desk: Office, kind: Kind) -> None:
    login = ADDS.get(kind.name, "officer")
    item = desk.add(kind.name, login)
    client = as_(login)
    pages = [
        f"/items/{kind.name}/",
        f"/items/{kind.name}/export?as=csv",
        f"/i/{item.number}",
        f"/i/{item.number}/print",
    ]
    pages += [f"/i/{item.number}?tab={t}" for t in ("history", "links", "log")]
    if kind.add:
        pages.append(f"/items/{kind.name}/new")
    for address in pages:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert str(item.number) in answer.text or address.endswith("/new")
    if kind.add:
        for field in kind.form_fields:
            assert f'name="{field.name}"' in client.get(f"/items/{kind.name}/new").text


@pytest.fixture
def keys(make: Callable[..., Flask]) -> Office:
    app = make(kinds=(KEY,))
    return Office(app, app.extensions["house"])


def test_a_ledger_is_a_declaration(keys: Office) -> None:
    client = keys.client("warden")
    data = {
        "title": "北苑 4 号楼总钥匙", "unit": str(keys.person("warden").unit_id), "level": "internal", "room": "值班室", "lock": "b",
        "copies": ["safe", "desk"], "count": "3", "price": "12.50", "spare": "1", "made": "2026-11-01", "due": "2026-11-24T08:30",
        "holder": str(keys.person("cook").id), "section": str(keys.unit("BYQ")), "note": "一行\n二行",
    }  # fmt: skip
    saved = client.post("/items/keyring/new", data=data)
    assert saved.status_code == 303, saved.text
    number = saved.headers["Location"].rpartition("/")[2]
    assert number == "YS-2026-001"
    page = client.get(f"/i/{number}").text
    for words in ("密码锁", "保险柜、值班室", "3 把", "¥ 12.50", "姜小禾", "北苑宿舍区", "11月24日 08:30"):
        assert words in page
    form = client.get(f"/i/{number}/edit").text
    assert 'value="12.50"' in form, "money comes back as it was typed"
    assert form.count("checked") == 3
    again = client.post(f"/i/{number}/edit", data=data | {"version": "1"})
    assert again.status_code == 303
    assert "第 2 版" not in client.get(f"/i/{number}?tab=history").text, (
        "saving the same again changes nothing"
    )
    for query in (
        "lock=b",
        "holder=" + data["holder"],
        "section=" + data["section"],
        "order=due",
        "order=-room",
    ):
        assert number in client.get(f"/items/keyring/?{query}").text, query
    assert number not in client.get("/items/keyring/?lock=a").text
    assert client.post(f"/i/{number}/move/retire", data={"reason": "换锁"}).status_code == 303
    assert client.get(f"/i/{number}/edit").status_code == 403


def test_every_field_says_what_is_wrong_with_it(keys: Office) -> None:
    data = {"title": "x", "unit": str(keys.unit("BYQ")), "level": "internal", "count": "99", "price": "一", "made": "2027-01-01",
            "due": "morgen", "holder": "9999", "section": "a", "lock": "z"}  # fmt: skip
    refused = keys.client("warden").post("/items/keyring/new", data=data)
    assert refused.status_code == 422
    for name in ("room", "count", "price", "made", "due", "holder", "section", "lock"):
        assert f'id="f-{name}-error"' in refused.text, name


def test_rows_of_the_whole_demo_open(demo_app: Flask) -> None:
    office = Office(demo_app, demo_app.extensions["house"])
    from intranet.extensions import db

    session: Session = db.session()
    client = office.client("lead")
    found = session.execute(select(Item.number).where(Item.kind.in_(("notice", "document")))).scalars().all()
    assert {client.get(f"/i/{n}").status_code for n in found} == {200, 404}
