"""The page of an item: what it shows to whom, what it offers, what it costs; hidden and missing are one answer."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from intranet.models import Item
from intranet.verbs import items, relations
from intranet.web.items_read import boxes
from tests.office import Clock, Office, Statements
from vault.levels import Level

As = Callable[..., FlaskClient]
TABS = ("comments", "history", "loans", "links", "access", "log")
NONCE = re.compile(
    rb'nonce-[\w-]+|nonce="[^"]*"|csrf[^>]*content="[^"]*"|name="csrf_token" value="[^"]*"|"X-CSRFToken": "[^"]*"'
)


def bare(answer) -> tuple[int, list[tuple[str, str]], bytes]:
    """An answer without what differs anyway: the tokens against forgery, and the address that was asked for."""
    headers = [(k, v) for k, v in answer.headers if k not in ("Set-Cookie", "Content-Security-Policy")]
    return answer.status_code, headers, NONCE.sub(b"", answer.data).replace(answer.request.path.encode(), b"")


PATHS = (
    "", "?tab=log", "/edit", "/print", "/certificate", "/level", "/move/propose_destroy",
)  # fmt: skip
POSTS = (
    "/edit",
    "/move/propose_destroy",
    "/comment",
    "/grant",
    "/grant/1/revoke",
    "/level",
    "/link",
    "/restore/1",
)


def test_hidden_and_missing_answer_byte_for_byte_alike(as_: As, desk: Office) -> None:
    hidden = desk.add("document", "custodian", level=Level.SECRET).number
    missing = f"{hidden[:-4]}9999"
    client = as_("cook")
    for path in PATHS:
        there, nowhere = client.get(f"/i/{hidden}{path}"), client.get(f"/i/{missing}{path}")
        assert there.status_code == 404, path
        assert bare(there) == bare(nowhere), path
    for path in POSTS:
        data = {"title": "x", "version": "1", "reason": "x", "body": "x", "level": "internal"}
        there, nowhere = (
            client.post(f"/i/{hidden}{path}", data=data),
            client.post(f"/i/{missing}{path}", data=data),
        )
        assert there.status_code == 404, path
        assert bare(there) == bare(nowhere), path
    assert bare(client.get(f"/desk/{hidden}/checkout")) == bare(client.get(f"/desk/{missing}/checkout"))


def test_an_id_leads_to_the_number_and_a_hidden_one_nowhere(as_: As, desk: Office) -> None:
    item = desk.add("resource", "officer")
    hidden = desk.add("document", "custodian", level=Level.SECRET)
    assert as_("cook").get(f"/i/{item.id}").headers["Location"] == f"/i/{item.number}"
    assert bare(as_("cook").get(f"/i/{hidden.id}")) == bare(as_("cook").get("/i/9"))


def test_the_step_at_hand_is_a_button_for_those_who_may(as_: As, desk: Office) -> None:
    item = desk.add("workorder", "warden")
    assert f"/i/{item.number}/move/assign" in as_("dispatcher").get(f"/i/{item.number}").text
    own = as_("warden").get(f"/i/{item.number}").text
    assert "/move/assign" not in own
    assert "/move/cancel" in own


def test_tabs_show_what_the_role_may_see(as_: As, desk: Office) -> None:
    item = desk.add("resource", "officer")
    reader, owner = as_("cook").get(f"/i/{item.number}").text, as_("officer").get(f"/i/{item.number}").text
    for tab in ("access", "log"):
        assert f"tab={tab}" not in reader
        assert f"tab={tab}" in owner
    asked = as_("cook").get(f"/i/{item.number}?tab=log")
    assert asked.status_code == 200
    assert "完整日志由安全审计员查阅" not in asked.text


def test_htmx_gets_the_tabs_alone(as_: As, desk: Office) -> None:
    item = desk.add("resource", "officer")
    fragment = as_("officer").get(f"/i/{item.number}?tab=history", headers={"HX-Request": "true"}).text
    assert fragment.lstrip().startswith('<section id="more"')
    assert "第 1 版" in fragment


def test_refusals_stand_in_the_log_of_the_item(as_: As, desk: Office) -> None:
    item = desk.add("resource", "officer")
    assert as_("cook").get(f"/i/{item.number}/edit").status_code == 403
    log = as_("officer").get(f"/i/{item.number}?tab=log").text
    row = re.search(r"<tr>(?:(?!</tr>).)*cook.*?</tr>", log, re.DOTALL)
    assert row is not None
    assert "已拒绝" in row[0]


def test_a_field_for_some_is_not_shown_to_others(as_: As, desk: Office, db: Session) -> None:
    item = desk.add("complaint", "handler", name="张某某", contact="13800000000")
    with desk.w("handler") as w:
        w.session.get_one(Item, item.id).owner_id = desk.person("cook").id
    page = as_("cook").get(f"/i/{item.number}")
    assert page.status_code == 200
    for text in (
        page.text,
        as_("cook").get(f"/i/{item.number}?tab=history").text,
        as_("cook").get(f"/i/{item.number}/print").text,
    ):
        assert "张某某" not in text
        assert "13800000000" not in text
    assert "张某某" in as_("handler2").get(f"/i/{item.number}").text


def test_versions_are_linked_both_ways_and_hidden_ones_are_not_named(as_: As, desk: Office) -> None:
    old, new = desk.add("resource", "officer", title="旧规"), desk.add("resource", "officer", title="新规")
    hidden = desk.add("resource", "officer", title="名册", level=Level.CONFIDENTIAL)
    client = as_("officer")
    for other in (old, hidden):
        data = {"number": other.number, "relation": "version"}
        assert client.post(f"/i/{new.number}/link", data=data).status_code == 303
    shown = as_("cook").get(f"/i/{new.number}?tab=links").text
    assert "旧规" in shown
    assert "名册" not in shown
    assert "较新的版本" in as_("cook").get(f"/i/{old.number}?tab=links").text
    secret = desk.add("document", "custodian", level=Level.SECRET)
    answers = [
        client.post(f"/i/{new.number}/link", data={"number": n, "relation": "see"})
        for n in (secret.number, "ZZ-1")
    ]
    assert [a.status_code for a in answers] == [422, 422]
    assert all("没有这个编号，或您无权知悉" in a.text for a in answers)
    assert (
        as_("cook").post(f"/i/{new.number}/link", data={"number": old.number, "relation": "see"}).status_code
        == 403
    )


@pytest.mark.parametrize("tab", TABS)
def test_a_page_costs_the_same_whatever_hangs_on_it(
    as_: As, desk: Office, statements: Statements, clock: Clock, tab: str
) -> None:
    item = desk.add("document", "custodian")
    client = as_("custodian")
    with statements() as few:
        client.get(f"/i/{item.number}?tab={tab}")
    blobs = tuple(desk.deposit("custodian", b"x", f"{n}.txt") for n in range(3))
    raw = dict(item.data) | {"place": desk.place("GQ-1")}
    with desk.w("custodian") as w:
        items.edit(w, item.id, raw, title="改", version=None, blobs=blobs, declared="none")
    for login in ("lead", "officer", "cook", "warden"):
        with desk.w("custodian") as w:
            items.grant(w, item.id, person_id=desk.person(login).id)
    for n in range(4):
        other = desk.add("document", "custodian")
        with desk.w("custodian") as w:
            relations.link(w, w.session.get_one(Item, item.id), w.session.get_one(Item, other.id), "see")
            items.edit(w, item.id, raw, title=f"改 {n}", version=None)
    with statements() as many:
        assert client.get(f"/i/{item.number}?tab={tab}").status_code == 200
    assert len(many) <= len(few) + 1, "at most one more: the names of people who were not there before"
    assert len(many) <= 28, many  # the tab of who may know asks five of them


def test_printing_is_recorded_and_carries_mark_number_and_reader(as_: As, desk: Office) -> None:
    item = desk.add("document", "custodian", level=Level.CONFIDENTIAL)
    sheet = as_("custodian").get(f"/i/{item.number}/print").text
    assert "本单位内部标识：秘密" in sheet
    assert "★" not in sheet
    assert "<svg" in sheet.partition('class="a4-code"')[2]
    assert "陆静文（custodian）打印于 2026年11月23日 09:00" in sheet
    assert [r.number for r in desk.audit("item.print")] == [item.number]


def test_the_boxes_on_paper_are_the_steps_of_the_main_line(desk: Office) -> None:
    kind = desk.house.kinds["workorder"]
    assert [str(title) for title, _step in boxes(kind, [])] == ["派工", "接单", "完工", "验收办结"]


def test_an_older_version_says_so_and_leads_to_the_newer(as_: As, desk: Office) -> None:
    old = desk.add("resource", "officer", title="消防法", issued="2019-04-23")
    new = desk.add("resource", "officer", title="消防法", issued="2021-04-29")
    with desk.w("officer") as w:
        relations.link(w, w.session.get_one(Item, new.id), w.session.get_one(Item, old.id), "version")
    assert f"/i/{new.number}" in as_("cook").get(f"/i/{old.number}").text
    assert "较旧的版本" in as_("cook").get(f"/i/{old.number}").text
    assert "较旧的版本" not in as_("cook").get(f"/i/{new.number}").text
