"""`backup run | list | verify | restore | drill | prune`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup

from vault.errors import VaultError

from .. import work
from ..errors import Conflict
from ..extensions import db
from ..house import house
from ..jobs import backup as jobs
from ..jobs import lease
from ..models import BackupRun
from ..verbs import backups, header_copies
from .common import as_json, operator, out, problem, reports, yes

backup = AppGroup("backup", help="备份 / backups")


def bind(app: Flask) -> None:
    app.cli.add_command(backup)


def _progress(step: str, objects: int, size: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{step}: {objects} objects, {size >> 20} MB   ", nl=False, err=True)


def _one(what: str, as_json: bool) -> None:
    """Run a job here and now, recorded like any other. Never beside the worker's: both ask for the same lease."""
    if not lease.take(house(), jobs.LEASE, jobs.HOLD):
        raise Conflict(
            "后台任务正在做备份作业，请稍后再试 / the worker is busy with a backup job, try again later"
        )
    try:
        done = _performed(what)
    finally:
        lease.give_back(house(), jobs.LEASE)
    data = {"run": done.id, "outcome": done.outcome, "snapshot": done.snapshot} | done.report
    if done.outcome != "ok":
        problem(f"{what}: {done.outcome} {done.report}", data, as_json)
    out(data, as_json, f"{what}: {done.outcome} {done.snapshot} {_short(done.report)}")


def _performed(what: str) -> BackupRun:
    with work.begin(house(), operator("backup")) as w:
        run = BackupRun(what=what, started=w.now, outcome="running", actor=w.who)
        w.session.add(run)
        w.session.flush()
        run_id = run.id
    return jobs.perform(house(), run_id)


def _short(report: dict[str, Any]) -> str:
    return " ".join(f"{k}={v}" for k, v in report.items() if isinstance(v, (int, float, str)))


@backup.command("run")
@click.argument("job", default="office")
@as_json
@reports
def run(job: str, as_json: bool) -> None:
    """Take a snapshot of database and sealed objects now. JOB: the one job there is, `office`."""
    if job != "office":
        raise click.UsageError(f"no such job: {job} (office)")
    _one("run", as_json)


@backup.command("list")
@as_json
@reports
def show(as_json: bool) -> None:
    """All snapshots, oldest first."""
    rows = [asdict(s) | {"complete": s.complete} for s in backups.repository(house().settings).list()]
    lines = [f"{r['id']}  {r['at']:%Y-%m-%d %H:%M}  {r['objects']:>7} objects  {r['bytes'] >> 10:>9} KB  "
             f"{'ok' if r['complete'] else 'PROBLEM'}" for r in rows]  # fmt: skip
    copies = backups.repository(house().settings).header_copies()
    if copies:
        lines.append(
            f"密钥头副本 / header copies: {len(copies)}, 最早 / oldest {copies[0].at:%Y-%m-%d %H:%M}"
        )
    out(rows, as_json, lines or ["还没有快照 / no snapshots yet"])


@backup.command("verify")
@click.argument("snapshot", required=False)
@click.option("--read-data", is_flag=True, help="每个字节重新核对 / hash every byte again")
@as_json
@reports
def verify(snapshot: str | None, read_data: bool, as_json: bool) -> None:
    """Check one snapshot, or all."""
    report = _guarded(
        lambda: backups.repository(house().settings).verify(snapshot, read_data=read_data, progress=_progress)
    )
    data = asdict(report)
    if not report.ok:
        names = [f"{f.kind} {f.name}" for f in (*report.missing, *report.damaged)][:20]
        problem(
            f"缺失 / missing {len(report.missing)}, 损坏 / damaged {len(report.damaged)}: {', '.join(names)}",
            data,
            as_json,
        )
    out(
        data,
        as_json,
        f"完好 / good: {report.snapshots} snapshots, {report.checked} objects, {report.bytes >> 20} MB read",
    )


def _guarded(call: Any) -> Any:
    try:
        return call()
    except VaultError as error:
        problem(f"{type(error).__name__}: {error}")


@backup.command("restore")
@click.argument("snapshot", default="latest")
@click.option("--to", "target", required=True, type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--keys",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="密钥文件夹 / the keys folder",
)
@as_json
@reports
def restore(snapshot: str, target: Path, keys: Path | None, as_json: bool) -> None:
    """Make a working data folder of a snapshot in an empty FOLDER; start it with INTRANET_DATA=FOLDER make serve."""
    report = _guarded(lambda: backups.restore(house(), snapshot, target, keys=keys, progress=_progress))
    with work.begin(house(), operator("backup")) as w:
        w.record(
            "backup.restore",
            outcome="ok" if report["ok"] else "alarm",
            detail={"snapshot": report["snapshot"]},
        )
    if not report["ok"]:
        problem(f"恢复不完整 / not whole: {report}", report, as_json)
    sealed = "" if report["opened"] else "（仍为密封 / still sealed: age -d）"
    out(report, as_json, f"{target}: {report['objects']} objects, {report['database']} {sealed}")


@backup.command("load-headers")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@reports
def load_headers(file: Path, as_json: bool) -> None:
    """Put the headers of an opened header copy (JSON lines) into the database: after pg_restore, or after `age -d`."""
    with work.begin(house(), operator("backup")) as w:
        count = header_copies.load(w.session.connection(), file)
        w.record("backup.load_headers", detail={"headers": count})
    out({"headers": count}, as_json, f"已载入 / loaded: {count} headers")


@backup.command("drill")
@as_json
@reports
def drill(as_json: bool) -> None:
    """Restore the newest snapshot into a scratch place and prove it."""
    _one("drill", as_json)


@backup.command("prune")
@click.option("--dry-run", is_flag=True)
@click.option(
    "--headers-shrank",
    is_flag=True,
    help="确已销毁过半，旧密钥头副本照删 / more than half was really destroyed, old header copies go all the same",
)
@yes
@as_json
@reports
def prune(dry_run: bool, headers_shrank: bool, yes: bool, as_json: bool) -> None:
    """Let old snapshots go by the retention of the settings."""
    repository = backups.repository(house().settings)
    plan = _guarded(lambda: repository.prune(backups.retention(house()), at=house().clock(), dry_run=True))
    if not dry_run:
        _guarded(lambda: header_copies.expire(house(), repository, anyway=headers_shrank))
    going = [d.snapshot.id for d in plan.decisions if not d.keep]
    if not dry_run and going:
        if not yes:
            click.confirm(f"删除 / delete {len(going)} snapshots: {', '.join(going)}?", abort=True, err=True)
        plan = _guarded(lambda: repository.prune(backups.retention(house()), at=house().clock()))
        with work.begin(house(), operator("backup")) as w:
            w.record("backup.prune", detail={"snapshots": going})
    data = {"deleted": going, "objects": plan.objects, "bytes": plan.bytes, "dry_run": dry_run}
    db.session.rollback()
    out(
        data,
        as_json,
        f"{'将删除 / would delete' if dry_run else '已删除 / deleted'}: {len(going)} snapshots, {plan.objects} objects",
    )
