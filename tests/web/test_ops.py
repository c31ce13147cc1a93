"""`/ops/`: the operator asks and watches, the administrator looks, nobody reads anything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.jobs import backup, verify
from intranet.models import BackupRun, Outbox
from intranet.verbs import backups
from tests.office import Clock, Office, Statements
from vault.levels import Level

As = Callable[..., FlaskClient]
JOBS = ("run", "verify", "drill", "prune")


@pytest.fixture
def operator(as_: As) -> FlaskClient:
    return as_("backup")


@pytest.mark.parametrize("login", ["security", "auditor", "leader", "custodian", "cook"])
def test_for_operator_and_administrator_only(as_: As, login: str) -> None:
    assert as_(login).get("/ops/").status_code == 403


def test_the_administrator_sees_the_state_and_no_button(as_: As) -> None:
    page = as_("admin").get("/ops/").text
    assert "最近一次成功备份" in page and "磁盘余量" in page
    assert "/ops/backup/" not in page and "快照" not in page.partition("<main")[2]


@pytest.mark.parametrize("what", JOBS)
def test_the_administrator_starts_nothing(as_: As, db: Session, what: str) -> None:
    assert as_("admin").post(f"/ops/backup/{what}").status_code == 403
    assert as_("admin").get("/ops/retention").status_code == 403
    db.rollback()
    assert db.scalars(select(BackupRun)).all() == []


@pytest.mark.parametrize("what", JOBS)
def test_a_job_is_asked_for_and_stands_on_the_page(operator: FlaskClient, db: Session, what: str) -> None:
    assert operator.post(f"/ops/backup/{what}").status_code == 303
    page = operator.get("/ops/").text
    assert "排队中" in page and 'hx-trigger="every' in page
    again = operator.post(f"/ops/backup/{what}")
    assert again.status_code == 409 and "已在排队或进行中" in again.text
    db.rollback()
    assert len(db.scalars(select(BackupRun)).all()) == 1


def test_the_page_stops_asking_when_all_is_done(operator: FlaskClient, house: House) -> None:
    operator.post("/ops/backup/run")
    busy = operator.get("/ops/", headers={"HX-Request": "true"}).text
    assert 'hx-trigger="every' in busy and "<html" not in busy
    backup.due(house)
    done = operator.get("/ops/", headers={"HX-Request": "true"}).text
    assert "hx-trigger" not in done and "成功" in done and "新增" in done


def test_progress_and_failure_in_words(operator: FlaskClient, db: Session, house: House) -> None:
    now = house.clock()
    db.add(
        BackupRun(
            what="verify",
            started=now,
            outcome="running",
            actor="backup",
            report={"step": "read", "objects": 41, "bytes": 5 << 20},
        )
    )
    db.add(
        BackupRun(
            what="run",
            started=now,
            ended=now,
            outcome="failed",
            actor="schedule",
            report={"error": "interrupted"},
        )
    )
    db.add(
        BackupRun(
            what="drill",
            started=now,
            ended=now,
            outcome="problem",
            actor="backup",
            report={
                "objects": 9,
                "missing": ["a"],
                "damaged": [],
                "integrity": True,
                "audit_whole": False,
                "head_agrees": True,
            },
        )
    )
    db.commit()
    page = operator.get("/ops/").text
    for words in ("逐字节核对：41 件", "执行中断", "缺失或损坏 1 件", "未通过：审计链完整", "定时"):
        assert words in page


def test_being_late_is_said_until_it_is_done(operator: FlaskClient, house: House, clock: Clock) -> None:
    assert "没有成功备份" in operator.get("/ops/").text
    backup.due(house)
    assert "没有成功备份" not in operator.get("/ops/").text


def test_a_queue_that_nobody_works_on_is_an_alarm(operator: FlaskClient, db: Session, house: House) -> None:
    db.add(Outbox(topic="index", created=house.clock(), ready=house.clock() - timedelta(minutes=20)))
    db.commit()
    page = operator.get("/ops/").text
    assert "最早一项等了很久" in page and "没有运行" in page


def test_a_repository_that_cannot_be_reached_is_said(
    operator: FlaskClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_a: object) -> None:
        raise OSError("no route to the shelf")

    monkeypatch.setattr(backups, "repository", away)
    page = operator.get("/ops/")
    assert page.status_code == 200 and "备份库无法访问" in page.text
    assert "备份库无法访问" in operator.get("/ops/retention").text


def test_trying_a_retention_changes_nothing(as_: As, house: House, clock: Clock) -> None:
    for _n in range(4):
        backup.due(house)
        clock.forward(days=1, minutes=1)
    operator = as_("backup")
    assert "保留 4 份，删去 0 份" in operator.get("/ops/retention").text
    tried = operator.get("/ops/retention?last=1&daily=0&weekly=0&monthly=0").text
    assert "保留 1 份，删去 3 份" in tried
    assert operator.get("/ops/retention?last=0&daily=0&weekly=0&monthly=0").status_code == 200
    assert operator.get("/ops/retention?last=-1&daily=x&weekly=99999999").status_code == 200
    assert len(backups.repository(house.settings).list()) == 4


def test_letting_go_asks_first_and_says_how_many(make: Callable[..., Flask]) -> None:
    desk = Office(
        app := make(backup_keep_daily=1, backup_keep_weekly=0, backup_keep_monthly=0), app.extensions["house"]
    )
    for _n in range(5):
        desk.house.clock.forward(days=1, minutes=1)
        backup.due(desk.house)
    operator = desk.client("backup")
    assert "将删除 2 份快照" in operator.get("/ops/").text
    operator.post("/ops/backup/prune")
    backup.due(desk.house)
    assert "没有可清理的快照" in operator.get("/ops/").text


def test_titles_and_names_of_records_stay_out(operator: FlaskClient, desk: Office, house: House) -> None:
    item = desk.add("notice", "officer", title="停水通知")
    operator.post("/ops/backup/run")
    backup.due(house)
    page = operator.get("/ops/").text
    assert item.number not in page and "停水通知" not in page


def test_the_page_tells_how_much_was_read_and_names_no_document(
    as_: As, desk: Office, house: House, statements: Statements
) -> None:
    blob = desk.deposit("custodian", b"boiler", level=Level.CONFIDENTIAL)
    item = desk.add("document", "custodian", title="锅炉检验", level=Level.CONFIDENTIAL, blobs=(blob,))
    page = as_("admin")
    assert "0%" in page.get("/ops/").text
    verify.rolling(house)
    after = page.get("/ops/").text
    assert "100%" in after and "秘密" in after
    assert item.number not in after and "锅炉检验" not in after
    with statements() as seen:
        page.get("/ops/")
    few = len(seen)
    for _more in range(5):
        desk.deposit("custodian", b"more", level=Level.INTERNAL)
    with statements() as seen:
        page.get("/ops/")
    assert len(seen) == few
