"""`vault verify | export | move`: the sealed bodies."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path

import click

from vault.levels import Level

from ..extensions import db
from ..house import house
from ..verbs import coverage, keeping, moving, verifying
from .common import as_json, operator, out, problem, reports
from .vault import group


def _percent(_ctx: click.Context, _param: click.Parameter, value: str) -> int:
    number = value.rstrip("%")
    if not number.isdigit() or not 1 <= int(number) <= 100:
        raise click.BadParameter("1% … 100%")
    return int(number)


@group.command("verify")
@click.option("--read-data", is_flag=True, help="读出并认证每个字节 / authenticate every byte")
@click.option(
    "--sample", default="100%", callback=_percent, help="最久未核对的 N% / the N% verified longest ago"
)
@as_json
@reports
def verify(read_data: bool, sample: int, as_json: bool) -> None:
    """Check objects against their records, both ways; then how much of each level was read to its last byte, and when."""

    def progress(p: verifying.Proof) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{p.checked} objects", nl=False, err=True)

    proof = verifying.verify(
        db.session(), house(), operator("vault"), read_data=read_data, sample=sample, progress=progress
    )
    covered, _newest = coverage.levels(db.session(), house(), house().clock())
    db.session.rollback()
    data = asdict(proof) | {"ok": proof.ok, "coverage": [_covered(c) for c in covered]}
    if not proof.ok:
        lines = [f"损坏 / damaged: {n or '-'} blob {b}: {why}" for b, n, why in proof.damaged]
        if proof.unreadable:
            lines.append(f"无法读取 / not readable now: {proof.unreadable}")
        problem("\n".join(lines), data, as_json)
    levels = ", ".join(f"{k} {v}" for k, v in proof.by_level.items())
    out(
        data,
        as_json,
        [
            f"完好 / good: {proof.checked} ({levels}); 未登记 / unknown objects: {proof.unknown}",
            *(
                f"{Level(c.level).slug}: {house().settings.verify_days} 天内核对 / read in time "
                f"{c.fresh}/{c.objects} ({c.percent}%)"
                for c in covered
            ),
        ],
    )


def _covered(c: coverage.Covered) -> dict[str, object]:
    moments = {k: at.isoformat() if at else None for k, at in (("oldest", c.oldest), ("due", c.due))}
    return asdict(c) | moments | {"level": Level(c.level).slug, "percent": c.percent}


@group.command("export")
@click.argument("number")
@click.option("--to", "target", required=True, type=click.Path(dir_okay=False, path_type=Path))
@as_json
@reports
def export(number: str, target: Path, as_json: bool) -> None:
    """Write the sealed file of NUMBER: `age -d -i LEVEL.key FILE` opens it. Several files get -1, -2 … before the suffix."""
    found = keeping.sealed_file(db.session(), house(), operator("vault"), number)
    if not found:
        problem(f"{number}: 没有正文 / has no file", {"error": "no file"}, as_json)
    written = []
    for index, (blob, pieces) in enumerate(found, 1):
        path = target if len(found) == 1 else target.with_name(f"{target.stem}-{index}{target.suffix}")
        part = path.with_name(path.name + ".part")
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
        written.append({"file": str(path), "name": blob.filename, "level": Level(blob.level).slug})
    out(written, as_json, [f"{w['file']}  ({w['level']})  {w['name']}" for w in written])


@group.command("move")
@click.option(
    "--to", "target", default="", help="file:FOLDER | s3://key:secret@host:port/bucket?secure=0 | -"
)
@click.option("--copy-only", is_flag=True, help="只复制不切换 / copy, do not switch")
@click.option("--cancel", is_flag=True, help="撤回未完成的切换 / take an unfinished switch back")
@as_json
@reports
def move(target: str, copy_only: bool, cancel: bool, as_json: bool) -> None:
    """Carry every object to another store, proved there, and switch to it; again after a crash goes on. `--to -` reads the
    address from standard input, where no list of processes shows it."""
    if bool(target) == cancel:
        raise click.UsageError("--to STORE | --cancel")
    if cancel:
        moving.cancel(db.session(), house(), operator("vault"))
        out({"cancelled": True}, as_json, "已撤回，原文件库继续使用 / taken back: the old store is in force")
        return
    if target == "-":
        target = sys.stdin.readline().strip()

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{done}/{total}", nl=False, err=True)

    report = moving.move(
        db.session(), house(), operator("vault"), target, copy_only=copy_only, progress=progress
    )
    if not report["ok"]:
        names = " ".join(report["wrong"])
        after = moving.AGAIN if report["in_force"] else ""
        problem(f"未能移动 / not moved: {len(report['wrong'])}: {names}{after}", report, as_json)
    if report["switched"]:
        last = "已切换，请重启服务 / switched: restart the services"
    elif copy_only:
        last = "未切换 / not switched"
    else:
        last = f"请设置后重启服务 / set this, then restart the services: {report['set']}"
    lines = [f"{report['copied']} 已复制 / copied, {report['present']} 已存在 / present", last]
    if report["damaged"]:
        lines.insert(1, f"早已损坏，未移动 / damaged before, left behind: {' '.join(report['damaged'])}")
    out(report, as_json, lines)
