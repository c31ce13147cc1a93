"""`doctor`: everything the product stands on, looked at once. Secrets masked; exit 1 when something is wrong, not for a warning."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Callable
from datetime import datetime
from typing import Any

import click
from flask import Flask
from sqlalchemy import false, func, or_, select, text

from search import extract, extract_private, extract_programs, extract_sandbox
from vault.keyring import BACKUP
from vault.levels import Level

from ..extensions import db
from ..house import house
from ..models import Blob, Item, Outbox
from ..verbs import auditing, backups, coverage, header_copies, in_force, rehearsals
from .common import as_json, out

Finding = tuple[bool, str]
PROBE = rb"{\rtf1 probe}"


def bind(app: Flask) -> None:
    app.cli.add_command(doctor)


def _settings() -> Finding:
    secret = len(house().settings.secret_key) >= 32
    return secret, "ok" if secret else "SECRET_KEY is missing: run init"


def _folders() -> Finding:
    s = house().settings
    loose = [
        str(p) for p in (s.data, s.keys, s.index) if p.exists() and stat.S_IMODE(p.stat().st_mode) & 0o077
    ]
    return not loose, "0700" if not loose else f"open to others: {' '.join(loose)}"


def _keys() -> Finding:
    ring = house().vault.keyring
    missing = [x.slug for x in Level if x not in ring.levels]
    opens = [x.slug for x in Level if ring.can_open(x)]
    return (
        not missing,
        f"open {' '.join(opens) or '-'}; backup {'opens' if ring.can_open(BACKUP) else 'sealed'}"
        + (f"; locked {' '.join(sorted(ring.locked))}" if ring.locked else "")
        + (f"; no recipients for {' '.join(missing)}" if missing else ""),
    )


def _database() -> Finding:
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from flask import current_app

    db.session.execute(text("select 1"))
    folder = current_app.extensions["migrate"].directory
    wanted = ScriptDirectory(folder).get_current_head()
    with db.engine.connect() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    return present == wanted, f"{db.engine.dialect.name}, schema {present}" + (
        "" if present == wanted else f" (needs {wanted})"
    )


def _store() -> Finding:
    house().vault.store.check()
    right = in_force.here(db.session(), house())
    return right, house().settings.masked()["store"] + (
        "" if right else ": not the store in force; vault move --to (again), or --cancel"
    )


def _index() -> Finding:
    items = db.session.scalar(select(func.count()).select_from(Item)) or 0
    indexed = house().engine.count()
    waiting = db.session.scalar(select(func.count()).select_from(Outbox).where(Outbox.topic == "index")) or 0
    building = house().engine.building()
    good = items == indexed or waiting > 0
    return (
        good,
        f"{indexed} of {items} items, {waiting} waiting"
        + ("" if building is None else f", rebuilt {building} so far (reindex goes on)")
        + ("" if good else " (run reindex --check)"),
    )


def _queue() -> Finding:
    """Reading files may take its time, a pile of scans days: those are counted, not timed."""
    files = Outbox.topic == "extract"
    oldest, unread = db.session.execute(
        select(func.min(Outbox.ready).filter(~files), func.count().filter(files))
    ).one()
    now = house().clock()
    late = (now - oldest).total_seconds() if oldest and oldest < now else 0
    says = f"oldest waits {late:.0f} s" + (f", {unread} files to be read" if unread else "")
    return late < 600, says + ("" if late < 600 else ": is the worker running?")


def _disk() -> Finding:
    disk = shutil.disk_usage(house().settings.data)
    return disk.free > disk.total // 20, f"{disk.free >> 30} of {disk.total >> 30} GB free"


def _clock() -> Finding:
    """A clock behind the newest audit row was set back: deadlines and leases would lie."""
    last = db.session.execute(text("select max(at) from audit")).scalar()
    behind = bool(last) and datetime.fromisoformat(str(last)) > house().clock()
    return (
        not behind,
        f"{house().clock().astimezone(house().zone):%Y-%m-%d %H:%M} {house().settings.timezone}",
    )


def _audit() -> Finding:
    report = auditing.verify(db.session(), house())
    return report.ok, f"{report.count} rows" + ("" if report.ok else f": {report.why} at {report.first_bad}")


def _backup() -> Finding:
    good = backups.last_good(db.session())
    late = backups.late(db.session(), house(), house().clock())
    return not late, f"last good {good:%Y-%m-%d %H:%M}" if good else "none yet: backup run"


def _header_copies() -> Finding:
    """What certificates promise: no header outlives its document for longer than the retention."""
    repository = backups.repository(house().settings)
    copies = repository.header_copies()
    late = header_copies.overdue(house(), repository)
    inside = [s.id for s in repository.list() if s.headers is None and not s.damaged]
    says = f"{len(copies)} copies" + (f", oldest {copies[0].at:%Y-%m-%d %H:%M}" if copies else "")
    says += f"; {len(late)} past their time: is the worker running?" if late else ""
    says += f"; {len(inside)} old snapshots hold headers in their dumps: prune them" if inside else ""
    return not late and not inside, says


def _integrity() -> Finding:
    """Every object read in time, and none damaged."""
    found, _newest = coverage.levels(db.session(), house(), house().clock())
    days = house().settings.verify_days
    overdue, damaged = sum(c.overdue for c in found) if days else 0, sum(c.damaged for c in found)
    fresh, objects = sum(c.fresh for c in found), sum(c.objects for c in found)
    said = f"{fresh} of {objects} objects read within {days} days" if days else "off (verify_days = 0)"
    said += f"; {overdue} overdue: is the worker running?" if overdue else ""
    said += f"; {damaged} damaged: restore from a backup, then vault verify --read-data" if damaged else ""
    return not overdue and not damaged, said


def _rehearsal() -> Finding:
    """Sheets of paper are a copy of a key only while somebody has shown that they still open."""
    days = house().settings.rehearsal_days
    if not days:
        return True, "off (rehearsal_days = 0)"
    due = " ".join(level.slug for level in rehearsals.due(db.session(), house(), house().clock()))
    said = f"not within {days} days for the keys of {due}: vault split, vault rehearse"
    return not due, said if due else f"within {days} days"


def _programs() -> Finding:
    found = {name: bool(shutil.which(name)) for name in ("age", "pg_dump")}
    return True, ", ".join(f"{n} {'yes' if y else 'no'}" for n, y in found.items())


def _readers() -> Finding:
    """What reads old Office formats and pictures. A program that is not there is no fault; one that does not work is."""
    programs, s = extract_programs.find(), house().settings
    good, office = True, "no"
    if programs.soffice and not extract_private.usable():
        office = "no folder in memory (/dev/shm)"
    elif programs.soffice:
        probe = extract.extract(PROBE, "probe.rtf", programs=programs, convert_seconds=s.convert_seconds)
        good = "probe" in probe.text
        office = "works" if good else f"does not work: {probe.note} {probe.detail}"
    missing = "no data for Chinese (tesseract-ocr-chi-sim)" if programs.tesseract else "no"
    ocr = "yes" if programs.recognises else missing
    held = extract_sandbox.able()
    holds = " ".join(w for w, y in (("network", held.network), ("files", held.files)) if y) or "nothing"
    said = f"LibreOffice {office}; tesseract {ocr}{'' if s.ocr_pages else ', off (ocr_pages = 0)'}; shut off from {holds}"
    if unread := _unread(programs.soffice, programs.recognises and s.ocr_pages):
        said += f"; {unread} files could be read now: reindex --texts"
    return good, said


def _pages() -> Finding:
    """Pages of what is read in the page carry the reader's name: that needs a font with Chinese signs."""
    font = house().renderer.chosen_font()
    if font.chinese:
        return True, f"marks in {font.path.rpartition('/')[2]}"
    return False, "no font with Chinese signs: marks show login and pinyin (apt-get install fonts-noto-cjk)"


def _unread(office: object, ocr: object) -> int:
    """Files that were left for want of a program that is here now."""
    notes = [Blob.text_note.contains(code) for code, here in (("legacy", office), ("scan:", ocr)) if here]
    query = select(func.count()).select_from(Blob).where(Blob.state == "stored", or_(false(), *notes))
    return db.session.scalar(query) or 0


CHECKS: dict[str, Callable[[], Finding]] = {
    "settings": _settings,
    "folders": _folders,
    "keys": _keys,
    "database": _database,
    "store": _store,
    "index": _index,
    "queue": _queue,
    "disk": _disk,
    "clock": _clock,
    "audit": _audit,
    "backup": _backup,
    "headers": _header_copies,
    "integrity": _integrity,
    "rehearsal": _rehearsal,
    "programs": _programs,
    "readers": _readers,
    "pages": _pages,
}
ADVICE = frozenset({"rehearsal", "pages"})
"""What these find is a warning: it asks for people, not for repair, and leaves the exit code alone."""


@click.command()
@as_json
def doctor(as_json: bool) -> None:
    """Look at settings, keys, store, database, index, queue, disk, clock, audit chain, backups and what reads files."""
    rows: dict[str, dict[str, Any]] = {}
    for name, look in CHECKS.items():
        try:
            ok, says = look()
        except Exception as error:  # noqa: BLE001  a doctor reports whatever a part dies of
            ok, says = False, f"{type(error).__name__}: {error}"
        db.session.rollback()
        rows[name] = {"ok": ok, "warning": not ok and name in ADVICE, "says": says}
    ok = all(r["ok"] or r["warning"] for r in rows.values())
    lines = [f"{_mark(r)} {name:<9} {r['says']}" for name, r in rows.items()]
    lines += ["", *(f"       {k} = {v}" for k, v in house().settings.masked().items())]
    data = {"ok": ok, "checks": rows, "settings": house().settings.masked(), "pid": os.getpid()}
    out(data, as_json, lines)
    raise SystemExit(0 if ok else 1)


def _mark(row: dict[str, Any]) -> str:
    return "  ok " if row["ok"] else "  !  " if row["warning"] else " !!  "
