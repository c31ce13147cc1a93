"""`/ops/`: the backup operator's page (jobs, snapshots, drills) and the state of the house. No content anywhere."""

from __future__ import annotations

import json
import shutil
from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, Response, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select

from search.engine import SearchError
from vault.backup import Retention
from vault.errors import VaultError

from .. import work
from ..errors import Conflict
from ..extensions import db
from ..house import house
from ..models import Audit, BackupRun, Item, Lease, Outbox
from ..policy import Permission
from ..verbs import backups, coverage
from . import log_words, page, signin

bp = Blueprint("ops", __name__, url_prefix="/ops")
QUIET = 300  # seconds after which a worker that did nothing at all is not running
KEEP = ("last", "daily", "weekly", "monthly")
MOST = 999


@bp.get("/")
def index() -> Response:
    """The state of the house, and for the operator the backups. While a job goes on the page asks for the lower part again."""
    return _page({})


def _page(errors: dict[str, Any], status: int = 409) -> Response:
    actor, policy = signin.actor(), house().policy
    policy.demand(actor, Permission.OPS_VIEW)
    operator = policy.decide(actor, Permission.BACKUP_RUN).ok
    overview, problem = None, ""
    if operator:
        try:
            overview = backups.overview(db.session(), house(), actor)
        except (VaultError, OSError) as error:
            problem = f"{type(error).__name__}: {error}"[:300]
    return page.render(
        "ops/index.html",
        "ops/_backups.html",
        status=status if errors else 200,
        operator=operator,
        health=_health(),
        integrity=coverage.report(db.session(), house(), house().clock()),
        backups=overview,
        problem=problem,
        errors=errors,
        last_good=backups.last_good(db.session()),
        last_drill=backups.last_good(db.session(), "drill"),
        late=backups.late(db.session(), house(), house().clock()),
        settings=house().settings,
        words=log_words,
        summary=summary,
    )


def _health() -> dict[str, Any]:
    """What an operator looks at first: queue, disk, index, worker."""
    now = house().clock()
    waiting, oldest, failed = db.session.execute(
        # Reading files may take its time, a pile of scans days: it makes nobody late.
        select(
            func.count(),
            func.min(Outbox.ready).filter(Outbox.topic != "extract"),
            func.count().filter(Outbox.tries > 2),
        ).where(Outbox.ready <= now)
    ).one()
    disk = shutil.disk_usage(house().settings.data)
    leases = list(db.session.scalars(select(Lease).order_by(Lease.name)))
    seen = max((x.last_ok for x in leases if x.last_ok is not None), default=None)
    busy = any(x.until is not None and x.until > now for x in leases)
    return {
        "waiting": waiting,
        "oldest": oldest,
        "stuck": oldest is not None and (now - oldest).total_seconds() > QUIET,
        "failed": failed,
        "disk_free": disk.free,
        "disk_total": disk.total,
        "disk_low": disk.free < disk.total // 20,
        "index": _index(next((x.last_ok for x in leases if x.name == "index-check"), None)),
        "entries": db.session.scalar(select(func.count()).select_from(Item)),
        "errors": [x for x in leases if x.last_error],
        "seen": seen,
        "quiet": not busy and (seen is None or (now - seen).total_seconds() > QUIET),
    }


def _index(compared: datetime | None) -> dict[str, Any]:
    """`count` None: it cannot be read, the worker makes it anew; `building`: entries that a rebuild has so far; `mended`: how many
    differences from the database were found within a day."""
    since = (house().clock() - timedelta(days=1)).isoformat(timespec="milliseconds")
    found = select(Audit.detail).where(Audit.action == "index.mended", Audit.at >= since)
    details = [json.loads(detail) for detail in db.session.scalars(found)]
    engine = house().engine
    try:
        count, building = engine.count(), engine.building()
    except SearchError:
        count = building = None
    return {
        "count": count,
        "building": building,
        "compared": compared,
        "mended": sum(d.get(name, 0) for d in details for name in ("missing", "stale", "extra")),
    }


def summary(run: BackupRun) -> str:
    """What came of a run, in a few words; names and sizes only."""
    r, done = run.report or {}, run.outcome in ("ok", "problem")
    if run.outcome in ("queued", "running"):
        step = log_words.step(str(r.get("step", "")))
        return (
            _("%(step)s：%(n)s 件，%(size)s", step=step, n=r.get("objects", 0), size=_size(r.get("bytes")))
            if r
            else ""
        )
    if not done:
        error = str(r.get("error", ""))
        return _("执行中断：后台任务被终止") if error == "interrupted" else error
    faults = len(r.get("missing") or ()) + len(r.get("damaged") or ())
    if run.what == "run":
        text = _(
            "新增 %(new)s 件（%(size)s），共 %(n)s 件",
            new=r.get("new_objects", 0),
            size=_size(r.get("new_bytes")),
            n=r.get("objects", 0),
        )
        return text + (_("；%(n)s 件未能复制", n=r["problems"]) if r.get("problems") else "")
    if run.what == "verify":
        text = _("%(s)s 份快照、%(n)s 件逐字节核对", s=r.get("snapshots", 0), n=r.get("checked", 0))
        return text + (_("；缺失或损坏 %(n)s 件", n=faults) if faults else "")
    if run.what == "drill":
        return _drill(r, faults)
    return _("删除 %(n)s 件，腾出 %(size)s", n=r.get("objects", 0), size=_size(r.get("bytes")))


def _drill(r: dict[str, Any], faults: int) -> str:
    parts = [_("恢复 %(n)s 件", n=r.get("objects", 0))]
    parts += [_("缺失或损坏 %(n)s 件", n=faults)] if faults else []
    if not r.get("opened", True):
        return _("，").join([*parts, _("此处没有备份私钥，数据库未能打开核对")])
    proofs = (
        ("integrity", _("数据库完好")),
        ("audit_whole", _("审计链完整")),
        ("head_agrees", _("链头一致")),
    )
    parts += [word if r.get(k) else _("未通过：%(what)s", what=word) for k, word in proofs if k in r]
    counts = r.get("counts") or {}
    if counts:
        parts.append(
            _(
                "登记 %(items)s 条、人员 %(people)s 名",
                items=counts.get("item", 0),
                people=counts.get("person", 0),
            )
        )
    return _("，").join(parts)


def _size(n: Any) -> str:
    from .present import size

    return size(int(n or 0))


@bp.post("/backup/<any(run, verify, drill, prune):what>")
def start(what: str) -> Response:
    """Ask the worker for a job; this page shows how it goes, whether one stays or leaves."""
    try:
        with work.begin(house(), signin.actor()) as w:
            backups.request(w, what)
    except Conflict as conflict:
        return _page({"": conflict.why})
    return page.done(
        url_for(".index", _anchor="runs"), _("作业已排队，结果会显示在此页；可以离开，不影响作业")
    )


@bp.get("/retention")
def simulate() -> Response:
    """What a retention would let go, on the real list: the one of the settings, or one typed to try. Changes nothing."""
    house().policy.demand(signin.actor(), Permission.BACKUP_RUN)
    set_ = backups.retention(house())
    tried = {n: _count(request.args.get(n), getattr(set_, n)) for n in KEEP}
    keep = Retention(**tried, zone=house().zone) if any(tried.values()) else set_
    plan, problem = None, ""
    try:
        plan = backups.repository(house().settings).prune(keep, at=house().clock(), dry_run=True)
    except (VaultError, OSError) as error:
        problem = f"{type(error).__name__}: {error}"[:300]
    return page.render(
        "ops/retention.html",
        plan=plan,
        problem=problem,
        keep=keep,
        set_=set_,
        same=keep == set_,
        words=log_words,
    )


def _count(text: str | None, default: int) -> int:
    return min(int(text), MOST) if text and text.isascii() and text.isdigit() and len(text) < 6 else default
