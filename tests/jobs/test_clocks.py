"""Times that have come: reminders once, notices down, grants out, heads kept, jobs by their clock."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.jobs import expire, heads, lease, remind, tick, worker
from intranet.jobs.outbox import drain
from intranet.models import Item, Lease, Message, Outbox
from intranet.verbs import auditing, finding, items
from tests.office import Clock, Office
from vault.levels import Level


def told(db: Session, desk: Office, code: str) -> list[str]:
    db.rollback()
    names = {
        desk.person(login).id: login
        for login in ("officer", "cook", "custodian", "registrar", "plumber", "dispatcher", "lead")
    }
    return sorted(
        names.get(p, "?") for p in db.scalars(select(Message.person_id).where(Message.code == code))
    )


def test_a_clock_that_has_passed_is_told_once(house: House, desk: Office, db: Session, clock: Clock) -> None:
    desk.add("resource", "officer", review="2026-11-30")
    assert remind.clocks(house) == 0
    clock.forward(days=7, hours=15)  # 2026-12-01 00:00 in Shanghai: the day is over
    assert remind.clocks(house) == 1
    clock.forward(days=3)
    assert remind.clocks(house) == 0
    assert told(db, desk, "clock.review") == ["officer"]


def test_a_new_date_is_a_new_clock(house: House, desk: Office, db: Session, clock: Clock) -> None:
    item = desk.add("resource", "officer", review="2026-11-24")
    clock.forward(days=2)
    assert remind.clocks(house) == 1
    raw = {
        "business": "other",
        "management": "administration",
        "medium": "electronic",
        "review": "2026-12-24",
    }
    with desk.w("officer") as w:
        items.edit(w, item.id, raw, title=item.title, version=None)
    assert remind.clocks(house) == 0
    clock.forward(days=40)
    assert remind.clocks(house) == 1


def test_item_roles_and_unit_roles_are_told(house: House, desk: Office, db: Session, clock: Clock) -> None:
    order = desk.add("workorder", "cook")
    plumber = desk.person("plumber").id
    desk.step(order, "dispatcher", "assign", worker=plumber, due="2026-11-24T12:00")
    clock.forward(days=2)
    remind.clocks(house)
    assert told(db, desk, "clock.due") == ["dispatcher", "plumber"]


def test_nobody_is_told_of_what_they_may_not_know(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    desk.add("document", "registrar", level=Level.TOPSECRET, review="2026-11-24")
    clock.forward(days=2)
    remind.clocks(house)
    assert told(db, desk, "clock.review") == ["registrar"]  # the other custodian is cleared to 机密 only


# ---------------------------------------------------------------------------------------------------- notices and grants


def published(desk: Office, **raw: object) -> Item:
    item = desk.add("notice", "officer_wx", title="停水通知", **raw)
    desk.step(item, "officer_wx", "submit")
    desk.step(item, "lead_wx", "pass_unit")
    ticks = ["format", "figures", "wording", "typing", "punctuation"]
    return desk.step(item, "reviewer", "publish", ticks=ticks)


def test_a_notice_goes_from_lists_and_search_with_its_day(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    item = published(desk, expires="2026-11-25")
    worker.quick(house)
    reader = desk.actor("cook")
    clock.now = clock.now.replace(hour=15, minute=59) + timedelta(days=2)  # 2026-11-25 23:59 in Shanghai
    assert expire.notices(house) == 0
    clock.forward(minutes=1)
    assert expire.notices(house) == 1
    db.rollback()
    assert db.get_one(Item, item.id).state == "expired"
    assert finding.find(db, house, reader, "停水").total == 0  # the worker has not indexed it yet
    [row] = desk.audit("item.expire")
    assert row.actor == "worker"


def test_the_office_may_set_an_age_at_which_notices_go(make: object, clock: Clock, db: Session) -> None:
    app = make(notice_expiry_days=30)  # type: ignore[operator]
    house: House = app.extensions["house"]
    with app.app_context():
        desk = Office(app, house)
        published(desk)
        dated = published(desk, expires="2027-06-30")
        clock.forward(days=30)
        assert expire.notices(house) == 0
        clock.forward(days=1)
        assert expire.notices(house) == 1
        assert desk.audit("item.expire")[0].item != dated.id


def test_a_grant_that_ran_out_is_indexed_even_without_its_promise(
    house: House, desk: Office, db: Session, clock: Clock
) -> None:
    item = desk.add("document", "custodian", level=Level.CONFIDENTIAL)
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_st").id, until=clock.now + timedelta(hours=1))
    drain(house, worker.QUICK)
    tick.run(house, tick.QUICK)
    with desk.w("cli:test") as w:
        w.session.execute(delete(Outbox))
    clock.forward(hours=2)
    assert tick.run(house, tick.QUICK)["grants"] == 1


# ---------------------------------------------------------------------------------------------------------- heads, jobs


def test_every_head_of_the_log_is_kept_and_the_log_agrees(house: House, desk: Office, db: Session) -> None:
    heads.keep(house)
    desk.add("resource", "officer")
    assert heads.keep(house)
    assert not heads.keep(house)
    desk.add("resource", "officer")
    assert heads.keep(house)
    kept = auditing.kept_heads(house)
    assert len(kept) >= 2
    db.rollback()
    assert auditing.verify(db, house).ok
    assert heads.path(house).stat().st_mode & 0o077 == 0


def test_a_line_cut_by_a_crash_spoils_no_later_head(house: House, desk: Office, db: Session) -> None:
    desk.add("resource", "officer")
    heads.keep(house)
    with open(heads.path(house), "a") as file:
        file.write('{"seq": 12, "ha')
    desk.add("resource", "officer")
    assert heads.keep(house)
    lines = heads.path(house).read_text().splitlines()
    assert json.loads(lines[-1])["seq"] == auditing.head(db)["seq"]


def test_a_job_runs_when_its_time_has_come_and_no_sooner(house: House, desk: Office, clock: Clock) -> None:
    ran: list[str] = []
    job = tick.Job("probe", lambda _house: ran.append("x"), 60)
    tick.run(house, [job])
    tick.run(house, [job])
    assert ran == ["x"]
    clock.forward(seconds=60)
    tick.run(house, [job])
    assert ran == ["x", "x"]


def test_a_job_that_fails_says_so_and_stops_no_other(
    house: House, db: Session, caplog: pytest.LogCaptureFixture
) -> None:
    ran: list[str] = []

    def fails(_house: House) -> None:
        raise OSError("disk full")

    jobs = [tick.Job("bad", fails, 60), tick.Job("good", lambda _house: ran.append("x"), 60)]
    assert tick.run(house, jobs) == {"bad!": 1}
    assert ran == ["x"]
    db.rollback()
    assert "disk full" in db.get_one(Lease, "bad").last_error
    assert db.get_one(Lease, "bad").last_ok is None


def test_a_job_that_another_worker_holds_is_left_to_it(house: House) -> None:
    ran: list[str] = []
    assert lease.take(house, "probe", 60, who="other-host/7/abcd")
    tick.run(house, [tick.Job("probe", lambda _house: ran.append("x"), 60)])
    assert ran == []
