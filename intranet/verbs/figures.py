"""The figures an officer answers for, on the desk at one glance: backup, queue, audit chain, clearances."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from vault.levels import Level

from ..house import House
from ..models import Audit, BackupRun, ChainHead, Lease, Outbox, Person


@dataclass(frozen=True)
class Figure:
    """`value` is a word or a number, `at` a moment shown instead; `about`: which part of the site says more."""

    title: str
    value: Any
    about: str
    tone: str = "good"
    note: str = ""
    at: datetime | None = None


def operations(session: Session, house: House, now: datetime) -> list[Figure]:
    """For whoever runs the machine: the last good backup and drill, work that waits, jobs that failed."""
    good = dict(
        session.execute(
            select(BackupRun.what, func.max(BackupRun.ended))
            .where(BackupRun.outcome == "ok", BackupRun.what.in_(("run", "drill")))
            .group_by(BackupRun.what)
        ).all()
    )
    waiting, stuck = session.execute(
        select(func.count(), func.coalesce(func.sum(case((Outbox.tries > 2, 1), else_=0)), 0)).select_from(
            Outbox
        )
    ).one()
    failed = session.scalar(select(func.count()).select_from(Lease).where(Lease.last_error != "")) or 0
    run, drill = good.get("run"), good.get("drill")
    alarm = timedelta(hours=house.settings.backup_alarm_hours)
    return [
        Figure(
            _("最近一次成功备份"),
            _("还没有"),
            "ops",
            "good" if run and now - run <= alarm else "late",
            at=run,
        ),
        Figure(
            _("最近一次恢复演练"),
            _("还没有"),
            "ops",
            "good" if drill and now - drill <= timedelta(days=100) else "soon",
            at=drill,
        ),
        Figure(
            _("待处理的后台任务"),
            waiting,
            "ops",
            "late" if stuck else "good",
            _("其中 %(n)s 项多次失败", n=stuck) if stuck else "",
        ),
        Figure(_("失败的定时作业"), failed, "ops", "late" if failed else "good"),
    ]


def audit(session: Session, now: datetime) -> list[Figure]:
    """For the auditor: how long the chain is, what was refused since yesterday."""
    seq = session.scalar(select(ChainHead.seq)) or 0
    since = (now - timedelta(days=1)).isoformat(timespec="milliseconds")
    refused = session.scalar(
        select(func.count()).select_from(Audit).where(Audit.at > since, Audit.outcome == "refused")
    )
    return [
        Figure(_("审计日志条数"), f"{seq:,}", "audit", "good", _("以链式散列相接，可随时校验")),
        Figure(_("近 24 小时被拒绝的操作"), refused or 0, "audit", "soon" if refused else "good"),
    ]


def clearances(session: Session) -> list[Figure]:
    """For the security officer: who may read what is marked, and who of them has no second factor."""
    cleared, bare = session.execute(
        select(
            func.count(),
            func.coalesce(
                func.sum(case(((Person.clearance >= Level.SECRET) & (Person.totp == ""), 1), else_=0)), 0
            ),
        ).where(Person.active, Person.clearance >= Level.CONFIDENTIAL)
    ).one()
    return [
        Figure(_("可接触秘密级以上的人员"), cleared, "people", "neutral"),
        Figure(_("机密级以上未绑验证器"), bare, "people", "soon" if bare else "good"),
    ]
