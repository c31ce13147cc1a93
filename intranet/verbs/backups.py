"""Backups: the database and all sealed objects as one consistent set. Whoever runs them can never read them (N5).

The dump is taken in one step, and the list of objects from that very dump; objects are write-once and never leave the
store while a row names them, so the set is whole without stopping anybody.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.backup import Progress, Repository, Retention, Snapshot, decide
from vault.keyring import BACKUP
from vault.store_fs import FileStore
from vault.stores import open_store

from .. import __version__
from ..actor import Actor
from ..errors import Conflict, Invalid
from ..house import House
from ..models import BackupRun, Blob
from ..policy import Permission
from ..settings import Settings
from ..work import Work
from . import auditing, header_copies
from .dumping import BLOBS, dumped

BLOCK = 1 << 20
JOBS = ("run", "verify", "drill", "prune")


def repository(settings: Settings) -> Repository:
    """The repository that the settings name: a folder (relative to the data folder) or s3://…"""
    url = settings.backup if settings.backup.startswith(("s3://", "file:")) else f"file:{settings.backup}"
    return Repository(open_store(url, settings.data))


def retention(house: House) -> Retention:
    s = house.settings
    return Retention(
        last=3,
        daily=s.backup_keep_daily,
        weekly=s.backup_keep_weekly,
        monthly=s.backup_keep_monthly,
        zone=house.zone,
    )


def snapshot(session: Session, house: House, progress: Progress | None = None) -> Snapshot:
    """Take one. Raises vault.backup errors; leaves nothing in clear behind."""
    recipients = [str(r) for r in house.vault.keyring.recipients(BACKUP)]
    session.rollback()
    with dumped(house.settings) as state:
        extra = {
            "product": __version__,
            "database": "sqlite" if house.settings.sqlite else "postgresql",
            "audit": {"seq": state.head[0], "hash": state.head[1]} if state.head else {},
        }
        taken = repository(house.settings).snapshot(
            at=house.clock(),
            database=_pieces(state.path),
            headers=state.headers,
            recipients=recipients,
            objects=state.objects,
            source=house.vault.store,
            extra=extra,
            progress=progress,
        )
    header_copies.expire(house, repository(house.settings))
    return taken


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(BLOCK):
            yield piece


def restore(
    house: House, snapshot_id: str, folder: Path, *, keys: Path | None, progress: Progress | None = None
) -> dict[str, Any]:
    """A working data folder from a snapshot: database, objects, keys. `folder` must be absent or empty.

    `keys`: the keys folder of the installation (default: the running one). Without its backup identity the database comes
    out sealed (`data.db.gz.age`), to be opened elsewhere with `age -d -i backup.key … | gunzip`.
    The headers, of the newest copy, go into a SQLite database; for a server they lie beside the dump, as
    `headers.jsonl`, for `backup load-headers` after pg_restore. What was destroyed since has none: it stays unreadable.
    """
    if folder.exists() and any(folder.iterdir()):
        raise Invalid({"to": f"{folder}: 目标文件夹必须为空 / must be empty"})
    known = [s for s in repository(house.settings).list() if snapshot_id in (s.id, "latest")]
    if not known:
        raise Invalid({"snapshot": f"{snapshot_id}: 没有这个快照 / no such snapshot"})
    chosen = known[-1]
    sqlite = chosen.extra.get("database", "sqlite") == "sqlite"
    ring = house.vault.keyring
    identities = ring.identities(BACKUP) if ring.can_open(BACKUP) else ()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = ("data.db" if sqlite else "data.dump") + ("" if identities else ".gz.age")
    headers = folder / ("headers.jsonl" + ("" if identities else ".gz.age"))
    report = repository(house.settings).restore(
        chosen.id, identities, FileStore(folder / "blobs"), folder / name, headers, progress=progress
    )
    if identities and sqlite and headers.exists() and (folder / name).exists():
        header_copies.fill(folder / name, headers)
        headers.unlink()
    _copy_keys(house.settings, keys, folder)
    return {"ok": report.ok, "folder": str(folder), "database": name, "opened": report.opened} | {
        k: v for k, v in asdict(report).items() if k not in ("extra", "ok", "opened")
    }


def _copy_keys(settings: Settings, keys: Path | None, folder: Path) -> None:
    """Keys and secret key are never in a backup: they come from the running installation or from their custody."""
    source = keys or settings.keys
    if source.exists():
        shutil.copytree(source, folder / "keys", copy_function=shutil.copy2)
        (folder / "keys").chmod(0o700)
    secret = source.parent / "secret_key"
    if secret.exists():
        with open(os.open(folder / "secret_key", os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secret.read_text())


def drill(session: Session, house: House, progress: Progress | None = None) -> dict[str, Any]:
    """Restore the newest snapshot into a scratch folder and prove it: every object against its record, rows counted,
    the audit chain whole and at the head that the manifest names."""
    scratch = Path(tempfile.mkdtemp(prefix="drill-", dir=house.settings.data))
    session.rollback()
    try:
        found = repository(house.settings).list()
        if not found:
            raise Conflict("还没有任何快照 / there is no snapshot yet")
        report = restore(house, found[-1].id, scratch / "office", keys=None, progress=progress)
        proof = (
            _prove(session, house, found[-1], scratch / "office")
            if report["opened"] and report["database"] == "data.db"
            else {}
        )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    good = report["ok"] and all(
        proof.get(k, False) for k in ("audit_whole", "head_agrees", "integrity", "headers_whole")
    )
    return report | proof | {"ok": bool(good), "snapshot": found[-1].id}


def _prove(session: Session, house: House, snapshot: Snapshot, folder: Path) -> dict[str, Any]:
    from vault import chain

    db = sqlite3.connect(folder / "data.db")
    try:
        columns = ", ".join(auditing.COLUMNS)
        rows = (
            dict(zip(auditing.COLUMNS, r, strict=True))
            for r in db.execute(f"SELECT {columns} FROM audit ORDER BY seq")  # noqa: S608  our own column names
        )
        report = chain.verify(rows)
        counts = {
            t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0]  # noqa: S608  the names on the next line
            for t in ("item", "person", "blob", "loan")
        }
        sealed = {r[0] for r in db.execute("SELECT name FROM blob JOIN blob_header ON blob_id = blob.id")}
        bare = [r[0] for r in db.execute(BLOBS) if r[0] not in sealed]
        integrity = db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
    finally:
        db.close()
    return {
        "audit_whole": report.ok,
        "head_agrees": report.head == dict(snapshot.extra.get("audit", {})),
        "integrity": integrity,
        "headers_whole": not _still_sealed(session, bare),
        "headers_count": len(sealed),
        "counts": counts,
    }


def _still_sealed(session: Session, names: list[str]) -> list[str]:
    """Those that have a header in the running database: they should have come back with one."""
    query = select(Blob.name).join(Blob.sealed).where(Blob.name.in_(names))
    return list(session.scalars(query))


def request(w: Work, what: str) -> BackupRun:
    """Ask the worker for a job; the page shows how it goes."""
    w.house.policy.demand(w.actor, Permission.BACKUP_RUN)
    if what not in JOBS:
        raise Invalid({"what": what})
    waiting = select(BackupRun).where(BackupRun.what == what, BackupRun.outcome.in_(("queued", "running")))
    if w.session.scalar(waiting) is not None:
        raise Conflict(_("同一作业已在排队或进行中"))
    run = BackupRun(what=what, started=w.now, outcome="queued", actor=w.who)
    w.session.add(run)
    w.session.flush()
    w.record(f"backup.{what}_asked", detail={"run": run.id})
    return run


def last_good(session: Session, what: str = "run") -> datetime | None:
    """When a job of this sort last ended well."""
    query = (
        select(BackupRun.ended)
        .where(BackupRun.what == what, BackupRun.outcome == "ok")
        .order_by(BackupRun.id.desc())
    )
    return session.scalar(query.limit(1))


def late(session: Session, house: House, now: datetime) -> bool:
    """Whether there is no good backup within the alarm time: asked by whoever shows a page, not by the job itself."""
    good = last_good(session)
    return good is None or now - good > timedelta(hours=house.settings.backup_alarm_hours)


def overview(session: Session, house: House, actor: Actor) -> dict[str, Any]:
    """What the operator's page shows: snapshots, runs, whether a good one is late, how many the retention would let go.

    Raises VaultError when the repository cannot be reached."""
    house.policy.demand(actor, Permission.BACKUP_RUN)
    snapshots = repository(house.settings).list()[::-1]
    runs = list(session.scalars(select(BackupRun).order_by(BackupRun.id.desc()).limit(30)))
    return {
        "snapshots": snapshots[:60],
        "header_copies": repository(house.settings).header_copies(),
        "snapshot_count": len(snapshots),
        "going": sum(not d.keep for d in decide(snapshots, retention(house))),
        "runs": runs,
        "busy": {r.what for r in runs if r.outcome in ("queued", "running")},
        "last": {what: last_good(session, what) for what in JOBS},
    }
