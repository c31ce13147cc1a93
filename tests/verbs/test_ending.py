"""The end of a file: the ways it goes, who takes part, what stays; on hold; and killed in the middle."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, func, select
from sqlalchemy.orm import Session

from intranet.errors import Conflict, Denied, Missing
from intranet.extensions import db as database
from intranet.house import utc_now
from intranet.jobs import worker
from intranet.jobs.outbox import drain
from intranet.models import Blob, BlobHeader, Copy, DisposalList, DisposalRow, Hold, Inspection, Item
from intranet.policy import Permission
from intranet.verbs import (
    copies,
    destruction,
    disposal,
    disposals,
    handover,
    history,
    holds,
    item_log,
    items,
    loans,
    reading,
    retention,
)
from tests import databases, killed
from tests.canary import office_on_disk
from tests.office import Clock, Office
from vault.keyring import Keyring
from vault.levels import Level


def sealed(desk: Office, level: Level = Level.CONFIDENTIAL, **raw: Any) -> Item:
    blob = desk.deposit("custodian", "正文".encode(), level=level)
    return desk.add("document", "custodian", level=level, blobs=(blob,), **raw)


def state(db: Session, item: Item) -> str:
    db.rollback()
    return db.get_one(Item, item.id).state


# -- destroyed -----------------------------------------------------------------------------------------------------
def test_two_signatures_destroy_and_number_and_log_stay(desk: Office, db: Session) -> None:
    first, second = sealed(desk, copies="2"), sealed(desk)
    with desk.w("registrar") as w:
        found = disposal.propose(w, "destroy", [first.id, second.id], "期满").id
    with desk.w("lead") as w:
        disposal.approve(w, found, "同意")
    with desk.w(
        "registrar"
    ) as w:  # who proposed may sign; then the other one is neither proposer nor approver
        destruction.sign(w, found)
    assert state(db, first) == "disposal"
    assert db.scalar(select(func.count()).select_from(BlobHeader)) == 2
    with desk.w("leader") as w:
        destruction.sign(w, found)
    assert {state(db, first), state(db, second)} == {"destroyed"}
    assert db.scalar(select(func.count()).select_from(BlobHeader)) == 0
    assert set(db.scalars(select(Copy.state))) == {"destroyed"}
    made = db.get_one(DisposalList, found)
    signers = [desk.person(p).id for p in ("registrar", "leader")]
    assert [made.first_by, made.second_by] == signers
    assert made.number == "CZ-BG-2026-0001"
    told = [row.item for row in desk.audit("item.destroyed")]
    assert told == [first.id, second.id]
    # number, register row, life and log stay readable to the custodian, and nobody gets the number again
    keeper = desk.actor("custodian")
    kept = reading.by_number(db, desk.house, keeper, first.number, desk.house.clock())
    assert kept.item.title == first.title
    assert [s.action for s in history.life(db, first.id)] == ["create", "propose_destroy", "destroy"]
    assert len(list(item_log.every(db, first.id, item_log.Filter()))) >= 7
    assert desk.may("custodian", Permission.ITEM_LOG, first)
    assert desk.add("document", "custodian", level=Level.CONFIDENTIAL).number not in (
        first.number,
        second.number,
    )


def test_a_file_taken_off_stays_and_the_signature_falls(desk: Office, db: Session) -> None:
    one, other = sealed(desk), sealed(desk)
    with desk.w("registrar") as w:
        found = disposal.propose(w, "destroy", [one.id, other.id], "期满").id
    with desk.w("lead") as w:
        disposal.approve(w, found)
    with desk.w("custodian") as w:
        seen = disposals.seal(w.session.get_one(DisposalList, found), [one, other])
        destruction.sign(w, found)
    with desk.w("leader") as w:
        disposal.keep(w, found, one.id, "还要用")
    assert state(db, one) == "held"
    assert db.get_one(DisposalList, found).first_by is None
    with pytest.raises(Conflict), desk.w("custodian") as w:  # under what was on the page before
        destruction.sign(w, found, seen=seen)
    for login in ("custodian", "registrar"):
        with desk.w(login) as w:
            destruction.sign(w, found)
    assert (state(db, one), state(db, other)) == ("held", "destroyed")
    assert desk.end(one, to="proposed")  # free for another list


def test_a_list_taken_back_or_turned_down_leaves_everything_in_its_place(desk: Office, db: Session) -> None:
    item = sealed(desk)
    found = desk.end(item, to="proposed")
    with pytest.raises(Denied), desk.w("custodian") as w:
        disposal.withdraw(w, found, "不是我提的")
    with desk.w("registrar") as w:
        disposal.withdraw(w, found, "提错了")
    assert state(db, item) == "held"
    found = desk.end(item, to="approved")
    with desk.w("leader") as w:
        disposal.reject(w, found, "仍有价值")
    assert state(db, item) == "held"
    assert db.get_one(DisposalList, found).state == "rejected"
    assert db.scalar(select(func.count()).where(DisposalRow.dropped.is_(None))) == 0


def test_a_lost_copy_hinders_until_its_incident_is_closed(desk: Office, db: Session) -> None:
    item = desk.add("document", "custodian", copies="2")
    incident = desk.add("workorder", "cook")  # any ledger's item with a final state will do
    with desk.w("custodian") as w:
        items.lock(w, item.id)
        copy = copies.of_item(w.session, item.id)[0]
        copies.turn(w, copy, "missing")
        facts = {"found": "missing", "place_id": copy.place_id, "incident_id": incident.id}
        w.session.add(Inspection(copy_id=copy.id, at=w.now, by_id=w.actor.id, **facts))
    with pytest.raises(Conflict):
        desk.end(item, to="proposed")
    desk.step(incident, "cook", "cancel", reason="办结")
    desk.end(item)
    assert [c.state for c in copies.of_item(db, item.id)] == ["missing", "destroyed"]  # nobody saw it go


# -- handed over -----------------------------------------------------------------------------------------------------
def test_the_archives_receive_and_our_bodies_die(desk: Office, db: Session) -> None:
    item = sealed(desk)
    found = desk.end(item, way="transfer", to="approved")
    package = handover.package(desk.house, desk.actor("registrar"), found)
    assert [b"".join(o.read()) for f in package.files for o in f.bodies] == ["正文".encode()]
    assert [row.actor for row in desk.audit("body.transfer")] == ["registrar"]
    with desk.w("registrar") as w:
        handover.packaged(w, found, "ab" * 32)
    with desk.w("registrar") as w:
        given = {"receiver": "档案馆 秦守真", "number": "DA-7", "check": "ABABABAB"}
        handover.receipt(w, found, received=w.today, **given)
    with desk.w("custodian") as w:
        handover.confirm(w, found)
    assert state(db, item) == "transferred"
    assert db.scalars(select(Blob.state)).one() == "destroyed"
    assert db.scalar(select(func.count()).select_from(BlobHeader)) == 0
    assert set(db.scalars(select(Copy.state))) == {"transferred"}
    assert "DA-7" in history.life(db, item.id)[-1].reason
    with pytest.raises(Conflict):
        handover.package(desk.house, desk.actor("registrar"), found)


# -- on hold -----------------------------------------------------------------------------------------------------------
def test_on_hold_reading_and_lending_go_on_and_the_history_stays(
    desk: Office, db: Session, clock: Clock
) -> None:
    item = sealed(desk)
    with desk.w("lead") as w:
        holds.set_(w, item.id, "审计保全")
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("lead_cw").id)
    with desk.w("lead_cw") as w:
        loan = loans.apply(w, item.id, purpose="核对", until=w.today).id
    with desk.w("custodian") as w:
        loans.lend(w, loan)
    assert desk.may("lead_cw", Permission.BODY_OPEN, item)
    held = holds.live(db, item.id)
    assert (held.by, held.row.reason) == ("何静姝", "审计保全")
    clock.forward(days=1)
    with desk.w("custodian") as w:
        holds.release(w, item.id, "审计结束")
    with desk.w("lead") as w:
        holds.set_(w, item.id, "再次保全")
    assert [h.reason for h in holds.past(db, item.id)] == ["再次保全", "审计保全"]
    assert db.scalar(select(func.count()).select_from(Hold).where(Hold.released.is_(None))) == 1


def test_a_file_on_hold_may_be_taken_off_a_list(desk: Office, db: Session) -> None:
    item = sealed(desk)
    found = desk.end(item, to="approved")
    with desk.w("leader") as w:
        holds.set_(w, item.id, "诉讼保全")
    with desk.w("lead") as w:
        disposal.reject(w, found, "已冻结")
    assert state(db, item) == "held"


# -- due ---------------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("dated", "kept", "ends"),
    [
        ("2016-11-23", "y10", date(2026, 11, 23)),
        ("2016-02-29", "y10", date(2026, 3, 1)),  # not cut short
        ("1996-11-24", "y30", date(2026, 11, 24)),
        ("1980-01-01", "forever", None),
    ],
)
def test_retention_counts_from_the_day_of_the_file(
    desk: Office, db: Session, clock: Clock, dated: str, kept: str, ends: date | None
) -> None:
    item = desk.add("document", "custodian", dated=dated, retention=kept)
    assert retention.ends(item) == ends
    listed = retention.due(db, desk.house, desk.actor("custodian"), clock()).rows
    assert [r.item.id for r in listed] == ([item.id] if ends and ends <= date(2026, 11, 23) else [])
    if ends:
        clock.now += timedelta(days=(ends - date(2026, 11, 23)).days)
        assert retention.due(db, desk.house, desk.actor("custodian"), clock()).total == 1


def test_the_due_list_is_of_ones_own_custody_and_goes_on_page_by_page(
    desk: Office, db: Session, clock: Clock
) -> None:
    old = {"dated": "2010-01-01", "level": Level.INTERNAL}
    made = [desk.add("document", "custodian", **old).number for _ in range(3)]
    secret = desk.add("document", "registrar", dated="2009-01-01", level=Level.TOPSECRET)

    def due(login: str, after: str = "") -> retention.Page:
        return retention.due(db, desk.house, desk.actor(login), clock(), after)

    assert [r.item.number for r in due("custodian").rows] == made
    assert due("registrar").rows[0].item.number == secret.number
    assert due("lead").total == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(retention, "PAGE", 2)
        one = due("custodian")
        two = due("custodian", one.next)
    assert [r.item.number for r in (*one.rows, *two.rows)] == made
    assert (one.total, two.total, two.next) == (3, 3, "")


# -- who knows of a list -------------------------------------------------------------------------------------------------
def test_a_list_is_known_to_whom_each_of_its_files_is(desk: Office, db: Session) -> None:
    low, high = sealed(desk, Level.INTERNAL), desk.add("document", "registrar", level=Level.TOPSECRET)
    with desk.w("registrar") as w:
        found = disposal.propose(w, "destroy", [low.id, high.id], "期满")
        number, list_id = found.number, found.id
    now = desk.house.clock()

    def known(login: str) -> bool:
        listed = disposals.page(db, desk.house, desk.actor(login), now).lines
        try:
            disposals.by_number(db, desk.house, desk.actor(login), number, now)
        except Missing:
            assert listed == []
            return False
        return [line.list.id for line in listed] == [list_id]

    assert [
        p for p in ("registrar", "leader", "lead", "custodian", "cook", "admin", "auditor") if known(p)
    ] == [
        "registrar",
        "leader",
    ]
    waits = {
        p: disposals.waiting(db, desk.house, desk.actor(p), now).total
        for p in ("leader", "lead", "registrar")
    }
    assert waits == {"leader": 1, "lead": 0, "registrar": 0}
    with desk.w("leader") as w:
        disposal.reject(w, list_id, "不同意")
    assert known("registrar")
    assert not known("lead")


# -- killed in the middle --------------------------------------------------------------------------------------------------
@pytest.fixture
def disk_desk(tmp_path: Path, settled: str, keyring: Keyring) -> Iterator[tuple[Flask, Office]]:
    with office_on_disk(tmp_path, settled, keyring) as app:
        yield app, Office(app, app.extensions["house"])


def _dies_at(desk: Office, found: int, login: str, statement: int) -> bool:
    """Sign in a child that is killed before its n-th statement (or its commit). Whether it came to its end."""
    database.session.remove()
    database.engine.dispose()
    child = os.fork()
    if child == 0:
        left = statement

        def one(*_args: Any) -> None:
            nonlocal left
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

        try:
            event.listen(database.engine, "before_cursor_execute", one)
            event.listen(database.engine, "commit", one)
            with desk.w(login) as w:
                destruction.sign(w, found)
        except BaseException:  # noqa: BLE001  the parent must not go on in the child
            os._exit(1)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False
    assert os.waitstatus_to_exitcode(status) == 0
    return True


@pytest.mark.skipif(bool(databases.SERVER), reason="counts the statements of one file")
def test_killed_at_any_moment_it_is_nothing_or_everything(disk_desk: tuple[Flask, Office]) -> None:
    _app, desk = disk_desk
    made = [sealed(desk).id for _ in range(2)]
    blobs = list(database.session.scalars(select(Blob.name)))
    with desk.w("registrar") as w:
        found = disposal.propose(w, "destroy", made, "期满").id
    with desk.w("lead") as w:
        disposal.approve(w, found)

    def now() -> tuple[Any, ...]:
        session = database.session()
        session.rollback()
        one = session.get_one(DisposalList, found, populate_existing=True)
        return (
            one.state, one.first_by is not None, one.second_by is not None,
            sorted(session.scalars(select(Item.state).where(Item.id.in_(made)))),
            session.scalar(select(func.count()).select_from(BlobHeader)),
            sorted(session.scalars(select(Copy.state))), len(desk.outbox("shred")), len(desk.audit("item.destroyed")),
        )  # fmt: skip

    for login in ("custodian", "leader"):
        before, step = now(), 1
        while not _dies_at(desk, found, login, step):
            assert now() == before, f"{login} killed at {step}"
            step += 1 if step < 8 else 7
        assert step > 8
    assert now() == ("done", True, True, ["destroyed"] * 2, 0, ["destroyed"] * 2, 2, 2)

    folder = desk.house.settings.data / "blobs"
    topics = {"shred": worker.QUICK["shred"]}

    def there() -> set[str]:
        return {p.name for p in folder.rglob("*") if p.is_file()} & set(blobs)

    assert there() == set(blobs)
    database.session.remove()
    database.engine.dispose()
    assert not killed.run(lambda: drain(desk.house, topics) and None, folder, 1)
    assert there()
    desk.house.clock = lambda: utc_now() + timedelta(minutes=5)  # the dead one's lease has run out
    worker.once(desk.house)
    assert there() == set()
    assert desk.outbox("shred") == []
