"""`/ops/`: the backup operator's page (jobs, snapshots, drills) and the state of the house. No content anywhere."""

from __future__ import annotations

import shutil

from flask import Blueprint, Response, request
from flask_babel import gettext as _
from sqlalchemy import func, select

from .. import work
from ..extensions import db
from ..house import house
from ..models import Lease, Outbox
from ..policy import Permission
from ..verbs import backups
from . import page, signin

bp = Blueprint("ops", __name__, url_prefix="/ops")


@bp.get("/")
def index() -> Response:
    """The state of the house, and for the operator the backups."""
    actor, policy = signin.actor(), house().policy
    policy.demand(actor, Permission.OPS_VIEW)
    operator = policy.decide(actor, Permission.BACKUP_RUN).ok
    return page.render(
        "ops/index.html",
        "ops/_backups.html",
        operator=operator,
        health=_health(),
        backups=backups.overview(db.session(), house(), actor) if operator else None,
        late=backups.late(db.session(), house(), house().clock()),
        settings=house().settings,
    )


def _health() -> dict[str, object]:
    """What an operator looks at first: queue, disk, index, worker."""
    now = house().clock()
    waiting, oldest, failed = db.session.execute(
        select(func.count(), func.min(Outbox.created), func.count().filter(Outbox.tries > 2)).where(
            Outbox.ready <= now
        )
    ).one()
    disk = shutil.disk_usage(house().settings.data)
    leases = list(db.session.scalars(select(Lease).order_by(Lease.name)))
    return {
        "waiting": waiting,
        "oldest": oldest,
        "failed": failed,
        "disk_free": disk.free,
        "disk_total": disk.total,
        "disk_low": disk.free < disk.total // 20,
        "indexed": house().engine.count(),
        "leases": leases,
    }


@bp.post("/backup/<any(run, verify, drill, prune):what>")
def start(what: str) -> Response:
    """Ask the worker for a job; this page shows how it goes, whether one stays or leaves."""
    with work.begin(house(), signin.actor()) as w:
        backups.request(w, what)
    return page.done("/ops/", _("作业已排队，完成后结果显示在此页"))


@bp.post("/retention")
def simulate() -> Response:
    """What the retention of the settings would let go, on the real list."""
    house().policy.demand(signin.actor(), Permission.BACKUP_RUN)
    plan = backups.repository(house().settings).prune(
        backups.retention(house()), at=house().clock(), dry_run=True
    )
    return page.render("ops/retention.html", plan=plan, keep=request.form.get("keep", ""))
