"""Backup work of the worker: what the operator asked for, and what is due. One at a time, by a lease that runs out."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from .. import work
from ..extensions import db
from ..house import House
from ..models import BackupRun
from ..verbs import backups, header_copies
from . import lease

LEASE = "backup"
HOLD = 600.0  # seconds; prolonged while a job goes on
ACTOR = lease.WORKER


def due(house: House) -> int:
    """Do what is asked for and what the schedule wants; how many jobs were done. Safe to call at every tick."""
    if not _wanted(house) or not lease.take(house, LEASE, HOLD):
        return 0
    done = 0
    try:
        _bury(house)
        _schedule(house)
        while (run := _next(house)) is not None:
            perform(house, run)
            done += 1
    finally:
        lease.give_back(house, LEASE)
    return done


def headers(house: House) -> int:
    """Let header copies go whose time is over, also when no backup succeeds. Busy or away: the next hour tries again."""
    return header_copies.expire(house, backups.repository(house.settings))


def _wanted(house: House) -> bool:
    """One cheap look, so that an idle tick writes nothing. A run whose worker died is wanted too: it must be buried."""
    session = db.session()
    session.rollback()  # whoever used it before may have left an older snapshot
    open_ = select(BackupRun.outcome).where(BackupRun.outcome.in_(("queued", "running"))).distinct()
    outcomes = set(session.scalars(open_))
    orphaned = "running" in outcomes and lease.free(session, house, LEASE)
    session.rollback()
    return "queued" in outcomes or orphaned or _is_due(house)


def _is_due(house: House) -> bool:
    """Whether the schedule wants a run: none within `backup_hours`, failed ones included (they retry after an hour)."""
    if not house.settings.backup_hours:
        return False
    query = select(BackupRun).where(BackupRun.what == "run").order_by(BackupRun.id.desc()).limit(1)
    last = db.session.scalar(query)
    db.session.rollback()
    if last is None:
        return True
    hours = house.settings.backup_hours if last.outcome in ("ok", "queued", "running") else 1
    return house.clock() - last.started >= timedelta(hours=hours)


def _bury(house: House) -> None:
    """A run still marked running is of a worker that died: only the holder of the lease runs any. What it left goes too."""
    backups.clear_scratch(house.settings)
    with work.begin(house, ACTOR) as w:
        for run in w.session.scalars(select(BackupRun).where(BackupRun.outcome == "running")):
            run.outcome, run.ended, run.report = "failed", w.now, {"error": "interrupted"}


def _schedule(house: House) -> None:
    if not _is_due(house):
        return
    with work.begin(house, ACTOR) as w:
        waiting = select(BackupRun.id).where(BackupRun.what == "run", BackupRun.outcome == "queued")
        if w.session.scalar(waiting) is None:
            w.session.add(BackupRun(what="run", started=w.now, outcome="queued", actor="schedule"))


def _next(house: House) -> int | None:
    with work.begin(house, ACTOR) as w:
        run = w.session.scalar(
            select(BackupRun).where(BackupRun.outcome == "queued").order_by(BackupRun.id).limit(1)
        )
        if run is None:
            return None
        run.outcome, run.started = "running", w.now
        return run.id


def perform(house: House, run_id: int) -> BackupRun:
    """Do one run and keep its report; a failure is a report too, never a crash of the worker."""
    backups.clear_scratch(house.settings)
    what = db.session.get_one(BackupRun, run_id).what
    last = house.clock()

    def progress(step: str, objects: int, size: int) -> None:
        nonlocal last
        if house.clock() - last > timedelta(seconds=5):  # keeps the lease alive and the page informed
            last = house.clock()
            with work.begin(house, ACTOR) as w:
                w.session.get_one(BackupRun, run_id).report = {
                    "step": step,
                    "objects": objects,
                    "bytes": size,
                }
            lease.take(house, LEASE, HOLD)

    try:
        ok, snapshot, report = _do(house, what, progress)
        outcome = "ok" if ok else "problem"
    except Exception as error:  # noqa: BLE001  a full disk speaks through sqlite3, pg_dump or the store: all are reports
        db.session.rollback()
        outcome, snapshot, report = "failed", "", {"error": f"{type(error).__name__}: {error}"[:500]}
    with work.begin(house, ACTOR) as w:
        run = w.session.get_one(BackupRun, run_id)
        run.ended, run.outcome, run.snapshot, run.report = w.now, outcome, snapshot, report
        w.record(
            f"backup.{what}",
            outcome="ok" if outcome == "ok" else "alarm",
            detail={"run": run_id, "snapshot": snapshot},
        )
        return run


def _do(house: House, what: str, progress: Any) -> tuple[bool, str, dict[str, Any]]:
    session = db.session()
    repository = backups.repository(house.settings)
    if what == "run":
        taken = backups.snapshot(session, house, progress)
        facts = {
            k: getattr(taken, k) for k in ("objects", "bytes", "new_objects", "new_bytes", "problems", "hash")
        }
        return taken.complete, taken.id, facts | {"seconds": round(taken.seconds, 2)}
    if what == "verify":
        checked = repository.verify(read_data=True, progress=progress)
        return checked.ok, "", _plain(asdict(checked))
    if what == "drill":
        proof = backups.drill(session, house, progress)
        return bool(proof["ok"]), str(proof.get("snapshot", "")), _plain(proof)
    header_copies.expire(house, repository)
    pruned = repository.prune(backups.retention(house), at=house.clock())
    return True, "", _plain(asdict(pruned))


def _plain(report: dict[str, Any]) -> dict[str, Any]:
    """What JSON keeps, without long lists: the first faults tell enough, the command prints all."""
    short = {k: (list(v)[:20] if isinstance(v, (list, tuple)) else v) for k, v in report.items()}
    return {
        k: v if isinstance(v, (int, float, str, bool, dict, type(None))) else _texts(v)
        for k, v in short.items()
    }


def _texts(value: Any) -> Any:
    return (
        [x if isinstance(x, (str, int)) else str(x) for x in value] if isinstance(value, list) else str(value)
    )
