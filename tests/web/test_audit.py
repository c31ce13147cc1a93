"""The auditor's page: what happened is seen, what is not the auditor's to know is not; reading is recorded too."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from intranet import work
from intranet.actor import ANONYMOUS
from intranet.jobs import heads
from intranet.models import Audit, Item
from intranet.verbs import auditing, complaints
from intranet.web import log_words
from tests.office import Clock, Office, unguarded
from vault import chain
from vault.levels import Level

As = Callable[..., FlaskClient]


@pytest.fixture
def auditor(as_: As) -> FlaskClient:
    return as_("auditor")


@pytest.fixture
def complaint(desk: Office) -> Item:
    raw = {"topic": "canteen", "statement": "有油渍"}
    with work.begin(desk.house, ANONYMOUS) as w:
        return complaints.submit(w, raw, title="餐盘有油渍")[0]


@pytest.mark.parametrize("login", ["admin", "security", "backup", "leader", "custodian", "cook"])
@pytest.mark.parametrize("path", ["/audit/", "/audit/verify", "/audit/export"])
def test_for_the_auditor_only(as_: As, login: str, path: str) -> None:
    browser = as_(login)
    assert (browser.get(path) if path == "/audit/" else browser.post(path)).status_code == 403


def test_reading_is_recorded(auditor: FlaskClient, desk: Office) -> None:
    auditor.get("/audit/?outcome=refused")
    (row,) = desk.audit("audit.read")
    assert row.actor == "auditor" and json.loads(row.detail) == {"filter": {"outcome": "refused"}}


def test_what_was_done_stands_in_words(auditor: FlaskClient, desk: Office) -> None:
    item = desk.add("notice", "officer", title="停水通知")
    page = auditor.get("/audit/").text
    assert "登记" in page and item.number in page and "吴晓棠" in page
    assert "停水通知" not in page


def test_every_action_in_the_code_has_words() -> None:
    assert {log_words.action(c) for c in log_words.ACTIONS} & set(log_words.ACTIONS) == set()


def test_what_is_above_the_own_clearance_is_only_known_to_be(auditor: FlaskClient, desk: Office) -> None:
    item = desk.add("document", "custodian", level=Level.SECRET)
    page = auditor.get("/audit/").text
    assert item.number not in page and "内容不在您的知悉范围" in page


def test_a_complaint_is_not_named(auditor: FlaskClient, complaint: Item, desk: Office) -> None:
    desk.step(complaint, "handler", "decline", reason="不属于后勤范围")
    page = auditor.get("/audit/").text
    assert complaint.number not in page and "不属于后勤范围" not in page
    assert "内容不在您的知悉范围" in page


@pytest.mark.parametrize("what", ["complaint", "secret"])
def test_asking_for_a_hidden_number_tells_nothing(
    auditor: FlaskClient, complaint: Item, desk: Office, what: str
) -> None:
    hidden = complaint if what == "complaint" else desk.add("document", "custodian", level=Level.SECRET)
    asked, unknown = (
        auditor.get("/audit/", query_string={"number": n}).text for n in (hidden.number, "TS-2026-99999")
    )
    assert "没有符合条件的记录" in asked and "没有符合条件的记录" in unknown


def test_a_closed_row_holds_no_trace_of_its_item(complaint: Item, desk: Office, db: Session) -> None:
    rows, _next = auditing.page(db, desk.house, desk.actor("auditor"), auditing.Filter(action="item.create"))
    closed = [r for r in rows if r["closed"]]
    assert closed and all(
        (r["item"], r["number"], r["level"], r["unit"], r["detail"]) == (None, "", None, None, {})
        for r in closed
    )


def test_a_number_is_a_link_only_where_it_opens(auditor: FlaskClient, desk: Office) -> None:
    seen = desk.add("resource", "officer", level=Level.PUBLIC)
    draft = desk.add("notice", "officer")
    page = auditor.get("/audit/").text
    assert f'href="/i/{seen.number}"' in page
    assert f'href="/i/{draft.number}"' not in page and draft.number in page


def test_days_are_those_of_the_office(as_: As, desk: Office, clock: Clock) -> None:
    clock.forward(hours=15, minutes=30)  # half past midnight in Shanghai, still the 23rd in UTC
    item, auditor = desk.add("notice", "officer"), as_("auditor")
    found = {
        d: auditor.get(f"/audit/?action=item.create&since={d}&until={d}").text
        for d in ("2026-11-23", "2026-11-24")
    }
    assert item.number in found["2026-11-24"] and item.number not in found["2026-11-23"]


@pytest.mark.parametrize(
    "query", ["since=never", "until=9999-12-31", "before=x", "before=-1", "action=%00", "outcome=?"]
)
def test_nonsense_in_the_address_is_no_error(auditor: FlaskClient, query: str) -> None:
    assert auditor.get(f"/audit/?{query}").status_code == 200


def test_the_pages_hold_every_row_once(auditor: FlaskClient, desk: Office, db: Session) -> None:
    for _n in range(120):
        with desk.w("cook") as w:
            w.record("people.update", detail={"login": "x"})
    seen: list[int] = []
    actor, before = desk.actor("auditor"), 0
    while True:
        rows, before = auditing.page(
            db, desk.house, actor, auditing.Filter(action="people.update", before=before)
        )
        seen += [r["seq"] for r in rows]
        if not before:
            break
    assert len(seen) == len(set(seen)) >= 120 and seen == sorted(seen, reverse=True)
    page = auditor.get("/audit/?action=people.update").text
    assert 'rel="next"' in page and "action=people.update&amp;before=" in page


# -- proof -------------------------------------------------------------------------------------------------------
def verified(auditor: FlaskClient) -> str:
    return auditor.post("/audit/verify", follow_redirects=True).text


def test_a_whole_chain_is_said_to_be_whole(auditor: FlaskClient, desk: Office) -> None:
    assert "审计链完整" in verified(auditor)
    assert [r.outcome for r in desk.audit("audit.verify")] == ["ok"]


def test_a_changed_row_is_found_and_the_alarm_stays(auditor: FlaskClient, desk: Office, db: Session) -> None:
    unguarded()
    db.execute(text("UPDATE audit SET actor = 'nobody' WHERE seq = 3"))
    db.commit()
    page = verified(auditor)
    assert "审计链不完整" in page and "有一行被改动过" in page
    assert [r.outcome for r in desk.audit("audit.verify")] == ["alarm"]
    assert "核对时发现审计链不完整" in auditor.get("/audit/").text


def test_a_cut_tail_is_found_by_the_head_kept_outside(
    auditor: FlaskClient, desk: Office, db: Session
) -> None:
    desk.add("notice", "officer")
    assert heads.keep(desk.house)
    last = db.scalars(text("SELECT max(seq) FROM audit")).one()
    prior: Any = db.get_one(Audit, last - 1)
    unguarded()
    db.execute(text("DELETE FROM audit WHERE seq = :last"), {"last": last})
    db.execute(text("UPDATE chain_head SET seq = :seq, hash = :hash"), {"seq": prior.seq, "hash": prior.hash})
    db.commit()
    assert "审计链不完整" in verified(auditor)


def test_the_export_is_checked_with_one_file_and_recorded(auditor: FlaskClient, desk: Office) -> None:
    desk.add("notice", "officer")
    answer = auditor.post("/audit/export")
    assert answer.headers["Content-Disposition"] == "attachment; filename=audit-20261123.jsonl"
    report = chain.verify_export(io.BytesIO(answer.data))
    assert report.ok and report.count == len(answer.data.splitlines()) - 1
    assert len(desk.audit("audit.export")) == 1
