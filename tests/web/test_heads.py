"""Heads of the log on paper: printed, signed by a second person, entered again; and kept in every backup (row 96)."""

from __future__ import annotations

import io
import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from intranet.errors import Locked
from intranet.jobs import head_due
from intranet.models import Audit, Item, Message
from intranet.verbs import auditing, backups, chain_heads
from tests.office import Clock, Office, Statements, unguarded
from vault import chain
from vault.levels import Level

As = Callable[..., FlaskClient]


@pytest.fixture
def sheet(desk: Office, db: Session) -> chain_heads.Sheet:
    desk.add("notice", "officer")
    with desk.w("auditor") as w:
        chain_heads.put_on_paper(w)
    return chain_heads.sheets(db, 1)[0]


def rewrite(db: Session, seq: int) -> None:
    """Somebody who may write the whole database changes a row and fits every row after it, and the head."""
    unguarded()
    rows: list[dict[str, Any]] = list(auditing.rows(db))
    head = rows[seq - 2]
    for row in rows[seq - 1 :]:
        plain = {k: v for k, v in row.items() if k not in ("seq", "prev", "hash")}
        head = chain.append(head, plain | ({"actor": "nobody"} if row["seq"] == seq else {}))
        db.execute(
            text("UPDATE audit SET actor = :actor, prev = :prev, hash = :hash WHERE seq = :seq"),
            {n: head[n] for n in ("actor", "prev", "hash", "seq")},
        )
    db.execute(text("UPDATE chain_head SET hash = :hash"), {"hash": head["hash"]})
    db.commit()
    assert chain.verify(auditing.rows(db)).ok  # whole in itself


def cut(db: Session, seq: int) -> None:
    unguarded()
    last = db.get_one(Audit, seq - 1)
    head = {"seq": last.seq, "hash": last.hash}
    db.execute(text("DELETE FROM audit WHERE seq >= :seq"), {"seq": seq})
    db.execute(text("UPDATE chain_head SET seq = :seq, hash = :hash"), head)
    db.commit()


# -- print, sign -----------------------------------------------------------------------------------------------------
def test_the_sheet_holds_the_head_and_nothing_of_any_item(as_: As, desk: Office, db: Session) -> None:
    item = desk.add("document", "custodian", level=Level.SECRET, title="泵房方案")
    auditor = as_("auditor")
    head = auditing.head(db)
    answer = auditor.post("/heads/")
    assert answer.status_code == 303
    page = auditor.get(answer.headers["Location"]).text
    db.rollback()
    found = chain_heads.sheets(db, 1)[0]
    assert (found.seq, found.hash, found.by) == (head["seq"], head["hash"], "auditor")
    assert all(g in page for g in found.groups) and len(found.groups) == 8
    assert "第二人" in page and "<svg" in page and "乔鉴明" in page
    assert item.number not in page and "泵房方案" not in page
    assert found.code == f"audit-head:{found.seq}:{found.hash}:2026-11-23T01:00:00Z"


def test_a_second_person_signs_with_what_stands_on_the_paper(
    as_: As, sheet: chain_heads.Sheet, db: Session
) -> None:
    lead = as_("lead")
    wrong = lead.post(f"/heads/{sheet.row}/sign", data={"typed": "12345678"})
    assert wrong.status_code == 422 and "与打印件不符" in wrong.text and 'value="12345678"' in wrong.text
    typed = " ".join(sheet.hash[-8:].upper())
    assert lead.post(f"/heads/{sheet.row}/sign", data={"typed": typed}).status_code == 303
    db.rollback()
    found = chain_heads.sheet(db, sheet.row)
    assert (found.by, found.signed_by) == ("auditor", "lead")
    page = as_("auditor").get(f"/heads/{sheet.row}").text
    assert "lead" in page
    assert as_("custodian").post(f"/heads/{sheet.row}/sign", data={"typed": typed}).status_code == 409


def test_who_printed_does_not_sign(as_: As, sheet: chain_heads.Sheet) -> None:
    auditor = as_("auditor")
    assert f"/heads/{sheet.row}/sign" not in auditor.get("/heads/").text
    assert auditor.post(f"/heads/{sheet.row}/sign", data={"typed": sheet.hash[-8:]}).status_code == 403


@pytest.mark.parametrize("login", ["admin", "backup", "cook", "officer", "temp"])
def test_only_witnesses_come_here(as_: As, sheet: chain_heads.Sheet, login: str) -> None:
    browser = as_(login)
    assert browser.get("/heads/").status_code == 403
    assert browser.post("/heads/").status_code == 403
    assert browser.get(f"/heads/{sheet.row}").status_code == 403
    for row in (sheet.row, 1, 99_999):
        assert browser.post(f"/heads/{row}/sign", data={"typed": "x"}).status_code == 403
    assert browser.post("/heads/check", data={"head": sheet.code}).status_code == 403


def test_a_row_that_is_no_printing_is_none(as_: As, sheet: chain_heads.Sheet) -> None:
    assert [as_("auditor").get(f"/heads/{row}").status_code for row in (1, 99_999)] == [404, 404]


# -- an old head -----------------------------------------------------------------------------------------------------
def entered(browser: FlaskClient, **form: str) -> str:
    return browser.post("/heads/check", data=form).text


def test_an_old_head_matches_however_it_is_typed(as_: As, desk: Office, sheet: chain_heads.Sheet) -> None:
    desk.add("notice", "officer")  # the log goes on
    browser = as_("security")
    grouped = "　".join(sheet.groups).upper()
    for form in (
        {"head": sheet.code},
        {"head": f"{sheet.seq}:{sheet.hash}"},
        {"seq": str(sheet.seq), "hash": grouped},
        {"seq": f" {sheet.seq} ", "hash": sheet.hash.replace("0", "o").replace("1", "l")},
        {"head": f"{sheet.seq} " + "-".join(sheet.groups)},
    ):
        assert "相符：第 1 至" in entered(browser, **form), form
    assert [r.outcome for r in desk.audit("audit.head_checked")] == ["ok"] * 5


def test_a_rewritten_history_contradicts_the_paper(
    as_: As, desk: Office, db: Session, sheet: chain_heads.Sheet
) -> None:
    rewrite(db, sheet.seq - 1)
    page = entered(as_("lead"), head=sheet.code)
    assert "不符：日志中第" in page and "立即报告处领导与安全保密员" in page
    assert desk.audit("audit.head_checked")[-1].outcome == "alarm"


def test_a_row_before_it_that_was_changed_alone_is_found_too(
    as_: As, db: Session, sheet: chain_heads.Sheet
) -> None:
    """The row of the head still has its hash; the log up to it has not."""
    unguarded()
    db.execute(text("UPDATE audit SET actor = 'nobody' WHERE seq = 2"))
    db.commit()
    assert "有一行被改动过" in entered(as_("lead"), head=sheet.code)


def test_a_log_that_ends_before_the_paper_was_cut(as_: As, db: Session, sheet: chain_heads.Sheet) -> None:
    cut(db, sheet.seq)
    page = entered(as_("lead"), head=sheet.code)
    assert "日志末尾被截去" in page


@pytest.mark.parametrize(
    "typed", ["", "12", "abc", "0 " + "a" * 64, "5 " + "a" * 63, "-1:" + "a" * 64, "9" * 30, "\x00", "５"]
)
def test_what_is_no_head_is_said_so_and_stays_in_its_box(
    as_: As, sheet: chain_heads.Sheet, typed: str
) -> None:
    answer = as_("lead").post("/heads/check", data={"head": typed})
    assert answer.status_code == 422 and "请输入链头" in answer.text


def test_few_checks_in_a_quarter_of_an_hour(
    as_: As, desk: Office, sheet: chain_heads.Sheet, clock: Clock
) -> None:
    actor = desk.actor("lead")
    for _n in range(chain_heads.CHECKS):
        chain_heads.check(desk.house, actor, sheet.code)
    with pytest.raises(Locked):
        chain_heads.check(desk.house, actor, sheet.code)
    assert as_("lead").post("/heads/check", data={"head": sheet.code}).status_code == 423
    clock.forward(minutes=16)
    assert chain_heads.check(desk.house, desk.actor("lead"), sheet.code).verdict == chain_heads.MATCHES


def test_the_page_costs_the_same_for_many_sheets(
    as_: As, desk: Office, sheet: chain_heads.Sheet, statements: Statements
) -> None:
    browser = as_("auditor")
    browser.get("/heads/")
    with statements() as few:
        browser.get("/heads/")
    for _n in range(5):
        with desk.w("auditor") as w:
            chain_heads.put_on_paper(w)
    with statements() as many:
        browser.get("/heads/")
    assert len(many) == len(few) <= 16


# -- once a week -----------------------------------------------------------------------------------------------------
def test_auditors_are_reminded_once_a_week_until_it_is_signed(
    as_: As, desk: Office, db: Session, clock: Clock
) -> None:
    desk.add("notice", "officer")

    def told() -> int:
        head_due.remind(desk.house)
        db.rollback()
        return len(db.scalars(select(Message).where(Message.code == head_due.CODE)).all())

    clock.forward(days=8)
    assert (told(), told()) == (1, 1)
    page = as_("auditor").get("/").text
    assert "审计日志链头已超过 7 天未打印签认" in page and 'href="/heads/"' in page
    clock.forward(days=7)
    assert told() == 2
    with desk.w("auditor") as w:
        chain_heads.put_on_paper(w)
    found = chain_heads.sheets(db, 1)[0]
    clock.forward(days=7)
    assert told() == 3, "printed, but nobody signed it"
    with desk.w("custodian") as w:
        chain_heads.sign(w, found.row, found.hash[-8:])
    clock.forward(days=6)
    assert told() == 3


# -- in every backup -------------------------------------------------------------------------------------------------
def test_the_head_in_a_restored_backup_contradicts_a_rewritten_log(
    desk: Office, db: Session, tmp_path: Path
) -> None:
    desk.add("notice", "officer")
    taken = backups.snapshot(db, desk.house)
    kept = taken.extra["audit"]
    desk.add("notice", "officer")
    assert chain.verify(auditing.rows(db), [kept]).ok
    backups.restore(desk.house, taken.id, tmp_path / "back", keys=None)
    with sqlite3.connect(tmp_path / "back" / "data.db") as old:
        seq, digest = old.execute("select seq, hash from chain_head").fetchone()
        rows = old.execute(f"select {', '.join(auditing.COLUMNS)} from audit order by seq").fetchall()
    assert {"seq": seq, "hash": digest} == kept
    restored = [dict(zip(auditing.COLUMNS, r, strict=True)) for r in rows]
    assert chain.verify(restored, [kept]).ok
    rewrite(db, 3)
    report = chain.verify(auditing.rows(db), [{"seq": seq, "hash": digest}])
    assert (report.ok, report.why) == (False, chain.REWRITTEN)
    answer = chain_heads.compare(db, seq, digest)
    assert answer.verdict == chain_heads.CONTRADICTS


# -- the export of a reader ------------------------------------------------------------------------------------------
def test_the_export_of_a_reader_holds_what_the_page_shows_and_is_checked_alike(
    as_: As, desk: Office, db: Session
) -> None:
    secret = desk.add("document", "custodian", level=Level.SECRET, title="泵房方案")
    complaint = desk.add("complaint", "")
    shown = desk.add("notice", "officer")
    data = as_("auditor").post("/audit/export").data
    report = chain.verify_export(io.BytesIO(data))
    assert report.ok and report.closed > 0
    assert secret.number.encode() not in data and complaint.number.encode() not in data
    assert shown.number.encode() in data
    lines = [json.loads(x) for x in data.splitlines()[1:]]
    rows, _next = auditing.page(db, desk.house, desk.actor("auditor"), auditing.Filter(before=len(lines) + 1))
    closed = {r["seq"] for r in rows if r["closed"]}
    assert closed == {x["seq"] for x in lines if x.keys() == chain.SHUT} and closed
    db.rollback()
    whole = b"".join(auditing.export(db, desk.house))
    full = chain.verify_export(io.BytesIO(whole))
    assert full.ok and full.closed == 0 and secret.number.encode() in whole
    assert full.head["seq"] >= report.head["seq"]


def test_no_dictionary_tells_what_a_closed_row_says(desk: Office, db: Session) -> None:
    """All words of a row may be guessed; the half of `request` that is its own may not, and it is shown nowhere."""
    item: Item = desk.add("document", "custodian", level=Level.SECRET)
    rows, _next = auditing.page(db, desk.house, desk.actor("auditor"), auditing.Filter())
    mine = [r for r in rows if r["closed"]]
    assert mine and all(r["request"] == "" for r in mine)
    of_item = db.scalars(select(Audit).where(Audit.item == item.id)).all()
    others = db.scalars(select(Audit).where(Audit.request.startswith(of_item[0].request[:16]))).all()
    assert len({r.request for r in others}) == len(others) and all(len(r.request) == 32 for r in others)
    open_rows = [r for r in rows if not r["closed"]]
    assert all(re.fullmatch("[0-9a-f]{16}", r["request"]) for r in open_rows)
