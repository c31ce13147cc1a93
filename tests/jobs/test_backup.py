"""Backups from end to end: what the operator asks for is done, proved, found damaged when it is, and never readable to them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet import work
from intranet.actor import system
from intranet.errors import Conflict, Denied
from intranet.house import House
from intranet.jobs import backup, lease
from intranet.models import Audit, BackupRun, Blob, Item, Lease
from intranet.verbs import backups, deposits, reading
from intranet.work import Work
from tests.office import Clock, Office
from vault.errors import VaultError
from vault.keyring import BACKUP, Keyring, NoIdentity
from vault.levels import Level
from vault.store_fs import FileStore
from vault.vault import Vault

BODY = "机密正文：泵房钥匙在二号柜。".encode() * 4000
Run = Callable[..., tuple[int, Any]]


@pytest.fixture
def papers(desk: Office) -> list[Item]:
    """A sealed document and a plain resource, each with a body."""
    secret = desk.deposit("custodian", BODY, level=Level.SECRET)
    plain = desk.deposit("officer", b"open to the house")
    return [
        desk.add("document", "custodian", title="泵房应急预案", level=Level.SECRET, blobs=(secret,)),
        desk.add("resource", "officer", title="泵房说明书", blobs=(plain,)),
    ]


@pytest.fixture
def command(app: Flask) -> Run:
    def run(*words: str) -> tuple[int, Any]:
        result = app.test_cli_runner().invoke(args=["backup", *words, "--json"])
        return result.exit_code, json.loads(result.stdout)

    return run


def ask(desk: Office, what: str, login: str = "backup") -> int:
    with desk.w(login) as w:
        return backups.request(w, what).id


def outcome(db: Session, run_id: int) -> BackupRun:
    db.rollback()
    return db.get_one(BackupRun, run_id)


def repository_files(house: House, folder: str) -> list[Path]:
    return sorted(p for p in (house.settings.data / house.settings.backup / folder).rglob("*") if p.is_file())


def flip(path: Path) -> None:
    """One bit, in the middle."""
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.chmod(0o600)
    path.write_bytes(bytes(data))


# -- the whole way -----------------------------------------------------------------------------------------------
def test_run_verify_damage_restore(
    house: House, papers: list[Item], command: Run, db: Session, tmp_path: Path
) -> None:
    code, taken = command("run")
    assert (code, taken["outcome"], taken["objects"], taken["problems"]) == (0, "ok", 2, 0)
    assert [s["id"] for s in command("list")[1]] == [taken["snapshot"]]
    assert command("verify", "--read-data")[0] == 0

    target = tmp_path / "restored"
    code, report = command("restore", "latest", "--to", str(target))
    assert (code, report["ok"], report["opened"]) == (0, True, True)
    same_office(house, db, target)

    flip(max(repository_files(house, "objects"), key=lambda p: p.stat().st_size))
    assert command("verify")[0] == 0, "sizes are as they were"
    code, found = command("verify", "--read-data")
    assert (code, len(found["damaged"]), len(found["missing"])) == (1, 1, 0)


def same_office(house: House, db: Session, target: Path) -> None:
    """The restored folder holds the same rows and the same sealed objects, and opens with the same keys."""
    if house.settings.sqlite is None:
        pytest.skip("the database is a server: its dump is restored with pg_restore")
    restored = sqlite3.connect(target / "data.db")
    try:
        for model in (Item, Blob, Audit):
            query = f"SELECT * FROM {model.__tablename__} ORDER BY 1"  # our own names
            with sqlite3.connect(house.settings.sqlite) as live:
                expected = live.execute(query).fetchall()
            live.close()
            found = restored.execute(query).fetchall()
            told_since = 2 if model is Audit else 0  # that the backup ended well, and this restore
            assert found and found == expected[: len(expected) - told_since]
    finally:
        restored.close()
    vault = Vault(FileStore(target / "blobs"), house.vault.keyring)
    blob = db.scalars(select(Blob).where(Blob.level == Level.SECRET)).one()
    assert b"".join(vault.open(blob.name, blob.header, deposits.bind(blob), blob.size)) == BODY


def test_a_folder_that_holds_something_is_not_touched(
    papers: list[Item], command: Run, tmp_path: Path
) -> None:
    command("run")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    assert command("restore", "latest", "--to", str(tmp_path / "full"))[0] == 1
    assert [p.name for p in (tmp_path / "full").iterdir()] == ["mine"]


@pytest.mark.parametrize("what", ["objects", "dumps", "snapshots"])
def test_a_flipped_bit_anywhere_fails_the_check(
    house: House, desk: Office, db: Session, papers: list[Item], what: str
) -> None:
    ask(desk, "run")
    assert backup.due(house) == 1
    flip(repository_files(house, what)[0])
    checked = ask(desk, "verify")
    backup.due(house)
    run = outcome(db, checked)
    assert run.outcome == "problem" and len(run.report["damaged"]) + len(run.report["missing"]) >= 1
    assert [a.outcome for a in desk.audit("backup.verify")] == ["alarm"]


# -- what the page asks for --------------------------------------------------------------------------------------
def test_the_worker_does_what_was_asked_in_order(
    house: House, desk: Office, db: Session, papers: list[Item]
) -> None:
    asked = [ask(desk, what) for what in ("run", "drill", "verify", "prune")]
    assert backup.due(house) == 4
    assert [outcome(db, n).outcome for n in asked] == ["ok"] * 4
    assert backup.due(house) == 0


def test_the_same_job_is_not_asked_for_twice(desk: Office) -> None:
    ask(desk, "run")
    with pytest.raises(Conflict):
        ask(desk, "run")


@pytest.mark.parametrize("login", ["admin", "security", "auditor", "leader", "custodian", "cook"])
def test_only_the_operator_asks(desk: Office, db: Session, login: str) -> None:
    with pytest.raises(Denied):
        ask(desk, "run", login)
    db.rollback()
    assert db.scalars(select(BackupRun)).all() == []


def test_the_drill_proves_what_it_restored(
    house: House, desk: Office, db: Session, papers: list[Item]
) -> None:
    ask(desk, "run")
    drill = ask(desk, "drill")
    backup.due(house)
    report = outcome(db, drill).report
    assert all(report[k] for k in ("ok", "integrity", "audit_whole", "head_agrees"))
    assert report["counts"]["item"] == 2 and report["objects"] == 2
    assert not list(house.settings.data.glob("drill-*")), "nothing in clear is left behind"


def test_a_drill_after_an_object_is_lost_fails_loudly(
    house: House, desk: Office, db: Session, papers: list[Item]
) -> None:
    ask(desk, "run")
    backup.due(house)
    repository_files(house, "objects")[0].unlink()
    drill = ask(desk, "drill")
    backup.due(house)
    run = outcome(db, drill)
    assert run.outcome == "problem" and run.report["missing"]
    assert [a.outcome for a in desk.audit("backup.drill")] == ["alarm"]


def test_a_drill_without_a_snapshot_is_a_failure_with_a_reason(
    house: House, desk: Office, db: Session
) -> None:
    drill = ask(desk, "drill")
    backup.due(house)
    run = outcome(db, drill)
    assert run.outcome == "failed" and "snapshot" in run.report["error"]


def test_the_worker_outlives_whatever_a_job_does(
    house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_args: object) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(backups, "snapshot", full)
    asked = ask(desk, "run")
    assert backup.due(house) == 1
    assert outcome(db, asked).report == {"error": "OperationalError: database or disk is full"}
    assert db.get_one(Lease, backup.LEASE).until is None


# -- the schedule ------------------------------------------------------------------------------------------------
def test_it_runs_by_itself_once_a_day(house: House, db: Session, clock: Clock) -> None:
    assert backup.due(house) == 1
    clock.forward(hours=23)
    assert backup.due(house) == 0
    clock.forward(hours=1, minutes=1)
    assert backup.due(house) == 1
    db.rollback()
    assert [(r.outcome, r.actor) for r in db.scalars(select(BackupRun))] == [("ok", "schedule")] * 2


def test_no_good_one_in_time_is_late(house: House, db: Session, clock: Clock) -> None:
    assert backups.late(db, house, clock.now)
    backup.due(house)
    db.rollback()
    assert not backups.late(db, house, clock.now)
    assert backups.late(db, house, clock.now + timedelta(hours=house.settings.backup_alarm_hours, minutes=1))


def test_a_failed_one_is_tried_again_after_an_hour(
    house: House, db: Session, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(backups, "snapshot", lambda *_a: (_ for _ in ()).throw(VaultError("the store is away")))
        assert backup.due(house) == 1
    clock.forward(minutes=50)
    assert backup.due(house) == 0
    clock.forward(minutes=11)
    assert backup.due(house) == 1
    db.rollback()
    assert [r.outcome for r in db.scalars(select(BackupRun))] == ["failed", "ok"]


# -- a worker that dies ------------------------------------------------------------------------------------------
def running(w: Work, what: str = "verify") -> BackupRun:
    run = BackupRun(what=what, started=w.now, outcome="running", actor="backup")
    w.session.add(run)
    w.session.flush()
    return run


def test_the_run_of_a_killed_worker_is_buried(house: House, desk: Office, db: Session, clock: Clock) -> None:
    backup.due(house)
    assert lease.take(house, backup.LEASE, backup.HOLD, who="elsewhere/1/dead")
    with work.begin(house, system("worker")) as w:
        orphan = running(w).id
    backup.due(house)
    assert outcome(db, orphan).outcome == "running", "its worker may still be alive"
    clock.forward(seconds=backup.HOLD + 1)
    backup.due(house)
    run = outcome(db, orphan)
    assert (run.outcome, run.report) == ("failed", {"error": "interrupted"})
    ask(desk, "verify")
    assert backup.due(house) == 1


def test_nothing_runs_beside_a_job_of_another_worker(house: House, desk: Office, command: Run) -> None:
    assert lease.take(house, backup.LEASE, backup.HOLD, who="elsewhere/1/alive")
    ask(desk, "run")
    assert backup.due(house) == 0
    code, told = command("run")
    assert code == 1 and "busy" in told["error"]


# -- run it, read nothing of it ----------------------------------------------------------------------------------
def test_the_operator_opens_nothing(house: House, desk: Office, db: Session, papers: list[Item]) -> None:
    operator = desk.actor("backup", fresh=True)
    for item in papers:
        with pytest.raises(Denied) as refused:
            reading.by_id(db, house, operator, item.id, house.clock())
        assert refused.value.hidden
        for blob in deposits.files(db, item.id):
            with pytest.raises(Denied):
                deposits.open_body(house, operator, blob.id)


def test_whoever_has_all_of_the_repository_reads_nothing(
    house: House, papers: list[Item], db: Session, tmp_path: Path
) -> None:
    backup.due(house)
    everything = b"".join(p.read_bytes() for p in repository_files(house, ""))
    for word in ("泵房", "钥匙", "陆静文", "open to the house"):
        assert word.encode() not in everything
    ring = house.vault.keyring
    blind = Keyring({x.slug: ring.recipients(x) for x in Level} | {BACKUP: ring.recipients(BACKUP)}, {})
    snapshot = backups.repository(house.settings).list()[-1]
    report = backups.repository(house.settings).restore(
        snapshot.id, (), FileStore(tmp_path / "out"), tmp_path / "sealed.age"
    )
    assert report.ok and not report.opened
    assert (tmp_path / "sealed.age").read_bytes().startswith(b"age-encryption.org/v1")
    blob = db.scalars(select(Blob).where(Blob.level == Level.SECRET)).one()
    with pytest.raises(NoIdentity):
        b"".join(
            Vault(FileStore(tmp_path / "out"), blind).open(
                blob.name, blob.header, deposits.bind(blob), blob.size
            )
        )
