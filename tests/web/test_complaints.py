"""The public counter: open to everybody, nothing typed is lost, the code never stands in an address (A9)."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.models import Audit, Blob, Comment, Item
from intranet.verbs import deposits, items
from intranet.web import complaints as web
from tests.office import Clock, Office
from tests.verbs.test_pictures import photo

GOOD = {
    "topic": "dormitory", "title": "浴室没有热水", "statement": "连续三天晚上没有热水。", "where": "北苑 3 号楼", "agree": "1",
}  # fmt: skip
As = Callable[..., FlaskClient]


def send(browser: FlaskClient, *files: tuple[str, bytes], **changed: Any) -> Any:
    form = {k: v for k, v in (GOOD | changed).items() if v is not None}
    evidence = [(io.BytesIO(body), name) for name, body in files]
    return browser.post(
        "/complaints/new", data=form | {"evidence": evidence}, content_type="multipart/form-data"
    )


def told(browser: FlaskClient) -> tuple[str, str]:
    """Number and code as the receipt shows them."""
    text = browser.get("/complaints/receipt").text
    number = re.search(r"TS-\d{4}-\d{5}", text)
    code = "-".join(re.findall(r"<span>([2-9A-Z]{4})</span>", text))
    assert number is not None and len(code) == 19
    return number[0], code


@pytest.fixture
def code(client: FlaskClient) -> str:
    assert send(client).status_code == 303
    return told(client)[1]


# -- handing in --------------------------------------------------------------------------------------------------
def test_anybody_may_complain(client: FlaskClient) -> None:
    page = client.get("/complaints/new")
    assert page.status_code == 200
    assert "只有投诉处理人员能看到" in page.text and "/track" in page.text
    assert 'id="nav"' not in page.text


def test_number_and_code_are_told_once_to_this_browser(client: FlaskClient, desk: Office) -> None:
    sent = send(client)
    assert (sent.status_code, sent.location) == (303, "/complaints/receipt")
    number, code = told(client)
    assert number == "TS-2026-00001" and code not in sent.location
    assert desk.client().get("/complaints/receipt").status_code == 303


def test_the_receipt_is_forgotten_when_told_so_or_after_an_hour(client: FlaskClient, code: str) -> None:
    assert code
    assert client.post("/complaints/receipt").location == "/track"
    assert client.get("/complaints/receipt").status_code == 303


def test_the_picture_to_photograph_holds_the_address_only(
    client: FlaskClient, code: str, house: House
) -> None:
    drawn = str(web._qr(f"{house.settings.base_url}/track"))
    assert drawn in client.get("/complaints/receipt").text
    assert "<svg" in drawn and code not in drawn


def test_a_mistake_loses_nothing(client: FlaskClient, db: Session) -> None:
    page = send(client, ("截图.txt", b"proof"), title="", agree=None, name="郝女士")
    assert page.status_code == 422
    for kept in ("连续三天晚上没有热水。", "北苑 3 号楼", "郝女士", "截图.txt"):
        assert kept in page.text
    assert 'value="dormitory" checked' in page.text
    assert page.text.count("field-error") == 2
    token = re.search(r'name="kept" value="([^"]+)"', page.text)
    assert token is not None
    assert send(client, kept=token[1]).status_code == 303
    db.rollback()
    assert [b.filename for b in db.scalars(select(Blob).where(Blob.item_id.is_not(None)))] == ["截图.txt"]


def test_every_mistake_is_told_at_once(client: FlaskClient, db: Session) -> None:
    page = send(client, title="", statement="", topic=None, agree=None, when="2027-01-01T08:00")
    assert page.status_code == 422
    for name in ("topic", "title", "statement", "when", "agree"):
        assert f'href="#f-{name}"' in page.text
    assert db.scalar(select(func.count()).select_from(Item)) == 0


def test_nobody_adopts_a_file_that_is_not_his(client: FlaskClient, desk: Office, db: Session) -> None:
    stranger = desk.deposit("cook", b"other people's")
    assert send(client, kept=str(stranger)).status_code == 303
    db.rollback()
    assert db.get_one(Blob, stranger).item_id is None


def test_a_photo_forgets_where_it_was_taken(
    client: FlaskClient, db: Session, house: House, desk: Office
) -> None:
    send(client, ("现场.jpg", photo()), ("录音.mp3", b"ID3 recorded"))
    db.rollback()
    picture, sound = db.scalars(select(Blob).order_by(Blob.id)).all()
    bodies = [
        b"".join(deposits.open_body(house, desk.actor("handler"), b.id).read()) for b in (picture, sound)
    ]
    assert b"Spy Phone" not in bodies[0] and bodies[1] == b"ID3 recorded"


def test_more_files_than_are_taken(client: FlaskClient) -> None:
    page = send(client, *((f"{n}.txt", b"x") for n in range(web.FILES + 1)))
    assert page.status_code == 422
    assert page.text.count('name="kept"') == web.FILES and 'href="#f-evidence"' in page.text


def test_a_member_of_staff_complains_as_nobody(as_: As, db: Session) -> None:
    send(as_("cook"), ("a.txt", b"x"))
    db.rollback()
    assert db.scalars(select(Item)).one().owner_id is None
    assert db.scalars(select(Blob)).one().by_id is None
    rows = db.scalars(select(Audit).where(Audit.action.in_(("item.create", "body.deposit")))).all()
    assert {(r.actor, r.origin) for r in rows} == {("-", "")}


def test_only_a_handler_says_how_it_came_in(as_: As, client: FlaskClient, db: Session, desk: Office) -> None:
    assert "渠道" not in client.get("/complaints/new").text
    send(client, channel="phone")
    assert "渠道" in as_("handler").get("/complaints/new").text
    assert send(as_("handler")).status_code == 422
    send(as_("handler"), channel="letter")
    db.rollback()
    assert [i.data["channel"] for i in db.scalars(select(Item).order_by(Item.id))] == ["web", "letter"]
    assert [a.detail for a in desk.audit("complaint.typed_in")] == ['{"by": "handler", "channel": "letter"}']


# -- following ---------------------------------------------------------------------------------------------------
def test_the_code_opens_the_way_however_it_is_typed(client: FlaskClient, code: str) -> None:
    assert client.get("/track").status_code == 200
    page = client.post("/track", data={"code": code.lower().replace("-", " ")})
    assert page.status_code == 200
    assert "浴室没有热水" in page.text and "已登记" in page.text and "TS-2026-00001" in page.text


def test_an_address_opens_nothing(client: FlaskClient, code: str) -> None:
    assert "浴室没有热水" not in client.get(f"/track?code={code}").text


@pytest.mark.parametrize("typed", ["AAAA-AAAA-AAAA-AAAA", "TS-2026-00001", "' OR 1=1 --", "一二三四"])
def test_a_wrong_code_says_so(client: FlaskClient, code: str, typed: str) -> None:
    page = client.post("/track", data={"code": typed})
    assert page.status_code == 422 and "浴室没有热水" not in page.text
    assert ("没有找到这个查询码" in page.text) is (typed != "一二三四")


def test_guessing_is_stopped(client: FlaskClient, code: str) -> None:
    answers = [client.post("/track", data={"code": "AAAA-AAAA-AAAA-AAAA"}).status_code for _n in range(21)]
    assert answers == [422] * 20 + [423]
    assert client.post("/track", data={"code": code}).status_code == 423


def test_more_is_added_once_however_often_one_reloads(client: FlaskClient, code: str, db: Session) -> None:
    form = {"code": code, "add": "1", "body": "昨晚也没有", "evidence": [(io.BytesIO(photo()), "昨晚.jpg")]}
    sent = client.post("/track", data=form, content_type="multipart/form-data")
    assert (sent.status_code, sent.location) == (303, "/track")
    shown = client.get("/track")
    assert "昨晚也没有" in shown.text and "昨晚.jpg" in shown.text
    assert "昨晚也没有" not in client.get("/track").text
    db.rollback()
    assert db.scalar(select(func.count()).select_from(Comment)) == 1


def test_the_handlers_desk_says_that_more_was_added(client: FlaskClient, code: str, as_: As) -> None:
    assert "投诉人补充" not in as_("handler").get("/").text
    client.post("/track", data={"code": code, "add": "1", "body": "昨晚也没有"})
    assert "投诉人补充" in as_("handler").get("/").text
    assert "投诉人补充" not in as_("cook").get("/").text


def test_a_file_is_not_lost_when_what_is_added_is_refused(client: FlaskClient, code: str) -> None:
    form = {"code": code, "add": "1", "body": "长" * 5001, "evidence": [(io.BytesIO(b"x"), "a.txt")]}
    page = client.post("/track", data=form, content_type="multipart/form-data")
    assert page.status_code == 422
    assert 'name="kept"' in page.text and "长" * 5001 in page.text


def test_with_a_wrong_code_nothing_is_kept(client: FlaskClient, db: Session) -> None:
    form = {"code": "AAAA-AAAA-AAAA-AAAA", "add": "1", "body": "x", "evidence": [(io.BytesIO(b"x"), "a.txt")]}
    assert client.post("/track", data=form, content_type="multipart/form-data").status_code == 422
    assert db.scalar(select(func.count()).select_from(Blob)) == 0


def test_being_late_is_said(client: FlaskClient, code: str, clock: Clock) -> None:
    assert "最迟 11月26日" in client.post("/track", data={"code": code}).text
    clock.forward(days=4)
    assert "已超过承诺的时限" in client.post("/track", data={"code": code}).text


def test_who_handles_it_and_inner_words_stay_inside(
    client: FlaskClient, code: str, desk: Office, db: Session
) -> None:
    item = db.scalars(select(Item)).one()
    desk.step(item, "handler2", "accept", handler=str(desk.person("handler").id), due="2026-11-27T18:00")
    with desk.w("handler") as w:
        items.comment(w, item.id, "内部：已约谈")
        items.comment(w, item.id, "已受理，正在核实", outward=True)
    page = client.post("/track", data={"code": code}).text
    assert "已受理，正在核实" in page
    assert not any(word in page for word in ("内部：已约谈", "崔正平", "白若兰", "handler2"))


def test_the_counter_speaks_english_too(client: FlaskClient, app: Flask) -> None:
    client.set_cookie("language", "en")
    assert client.get("/complaints/new").status_code == client.get("/track").status_code == 200
    assert send(client).status_code == 303
