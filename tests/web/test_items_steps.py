"""What is done to an item through its page: steps, comments, readers, levels; each refusal with its own status."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.models import Comment, Grant, Item
from intranet.verbs import items
from tests.office import Office
from vault.levels import Level

As = Callable[..., FlaskClient]
TICKS = ["format", "figures", "wording", "typing", "punctuation"]


def state(db: Session, item: Item) -> str:
    db.rollback()
    return db.get_one(Item, item.id).state


def test_a_notice_passes_two_reviews_by_two_others(as_: As, desk: Office, db: Session) -> None:
    item = desk.add("notice", "officer_st")
    address = f"/i/{item.number}/move"
    assert as_("officer_st").post(f"{address}/submit").status_code == 303
    assert as_("officer_st").post(f"{address}/pass_unit").status_code == 403
    assert as_("lead_st").post(f"{address}/pass_unit").status_code == 303
    missing = as_("reviewer").post(f"{address}/publish", data={"ticks": TICKS[:4]})
    assert missing.status_code == 422
    assert "尚未勾选：标点正确" in missing.text
    assert missing.text.count("checked") == 4, "what was ticked stays ticked"
    assert as_("reviewer").post(f"{address}/publish", data={"ticks": TICKS}).status_code == 303
    assert state(db, item) == "published"


def test_a_step_that_takes_the_item_out_of_sight_leads_to_the_list(as_: As, desk: Office) -> None:
    item = desk.add("notice", "officer_st")
    desk.step(item, "officer_st", "submit")
    answer = as_("lead_st").post(f"/i/{item.number}/move/return", data={"reason": "缺数据"})
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/items/notice/"


def test_a_step_without_its_reason_comes_back_as_a_page_of_its_own(as_: As, desk: Office) -> None:
    item = desk.add("workorder", "warden")
    refused = as_("warden").post(f"/i/{item.number}/move/cancel", data={"reason": " "})
    assert refused.status_code == 422
    assert "请说明理由" in refused.text
    asked = as_("warden").get(f"/i/{item.number}/move/cancel")
    assert asked.status_code == 200
    assert "取消后不再派工" in asked.text


def test_a_step_on_what_has_changed_keeps_the_words(as_: As, desk: Office) -> None:
    item = desk.add("workorder", "warden")
    desk.step(item, "dispatcher", "assign", worker=str(desk.person("plumber").id))
    late = as_("warden").post(f"/i/{item.number}/move/cancel", data={"reason": "自己修好了", "version": "1"})
    assert late.status_code == 409
    assert "自己修好了" in late.text
    assert as_("warden").get(f"/i/{item.number}/move/cancel").status_code == 409


@pytest.mark.parametrize("name", ["nothing", "lend", "expire"])
def test_a_step_that_is_none_or_belongs_to_other_verbs_is_not_there(as_: As, desk: Office, name: str) -> None:
    item = desk.add("document", "custodian")
    assert as_("custodian").get(f"/i/{item.number}/move/{name}").status_code == 404
    assert as_("custodian").post(f"/i/{item.number}/move/{name}", data={"reason": "x"}).status_code == 404


def test_comments_by_those_who_may(as_: As, desk: Office, db: Session) -> None:
    item = desk.add("workorder", "warden")
    assert as_("warden").post(f"/i/{item.number}/comment", data={"body": "三楼 <i>"}).status_code == 303
    assert "三楼 &lt;i&gt;" in as_("warden").get(f"/i/{item.number}").text
    assert as_("warden").post(f"/i/{item.number}/comment", data={"body": " "}).status_code == 422
    assert as_("lead_wx").post(f"/i/{item.number}/comment", data={"body": "x"}).status_code in (403, 404)
    db.rollback()
    assert len(db.scalars(select(Comment)).all()) == 1


def test_readers_are_let_in_and_out(as_: As, desk: Office, db: Session) -> None:
    item = desk.add("document", "custodian", level=Level.SECRET)
    deputy = as_("deputy")
    assert deputy.get(f"/i/{item.number}").status_code == 404
    grant = {"person": str(desk.person("deputy").id), "until": "2026-12-01", "reason": "会前阅看"}
    assert as_("custodian").post(f"/i/{item.number}/grant", data=grant).status_code == 303
    assert deputy.get(f"/i/{item.number}").status_code == 200
    assert deputy.post(f"/i/{item.number}/grant", data=grant).status_code == 403
    db.rollback()
    given = db.scalars(select(Grant)).one()
    assert given.until.astimezone(desk.house.zone).isoformat().startswith("2026-12-02T00:00")
    assert as_("custodian").post(f"/i/{item.number}/grant/{given.id}/revoke").status_code == 303
    assert deputy.get(f"/i/{item.number}").status_code == 404


@pytest.mark.parametrize(
    "data", [{}, {"person": "1", "unit": "1"}, {"person": "99999"}, {"person": "1", "until": "gestern"}]
)
def test_a_wrong_reader_brings_the_form_back(as_: As, desk: Office, data: dict[str, str]) -> None:
    item = desk.add("document", "custodian", level=Level.SECRET)
    refused = as_("custodian").post(f"/i/{item.number}/grant", data=data | {"reason": "会前阅看"})
    assert refused.status_code == 422
    assert 'value="会前阅看"' in refused.text


def test_a_level_is_raised_with_a_reason_and_not_lowered_alone(as_: As, desk: Office, db: Session) -> None:
    item = desk.add("resource", "officer")
    address = f"/i/{item.number}/level"
    assert as_("cook").get(address).status_code == 403
    assert as_("officer").post(address, data={"level": "confidential", "reason": ""}).status_code == 422
    assert as_("officer").post(address, data={"level": "nothing", "reason": "x"}).status_code == 422
    assert as_("officer").post(address, data={"level": "confidential", "reason": "含名单"}).status_code == 303
    assert as_("cook").get(f"/i/{item.number}").status_code == 404
    assert as_("officer").post(address, data={"level": "internal", "reason": "已公开"}).status_code == 403
    with desk.w("officer") as w:
        items.grant(w, item.id, person_id=desk.person("lead").id)
    assert as_("lead").post(address, data={"level": "internal", "reason": "已公开"}).status_code == 303
    assert as_("cook").get(f"/i/{item.number}").status_code == 200
