"""`vault verify | rotate | keys | seal-check | export | move`."""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from vault.keyring import BACKUP
from vault.levels import Level
from vault.stores import open_store

from ..extensions import db
from ..house import house
from ..verbs import keeping
from .common import as_json, operator, out, problem, reports

vault = AppGroup("vault", help="文件库 / sealed objects and their keys")


def bind(app: Flask) -> None:
    app.cli.add_command(vault)


def _percent(_ctx: click.Context, _param: click.Parameter, value: str) -> int:
    number = value.rstrip("%")
    if not number.isdigit() or not 1 <= int(number) <= 100:
        raise click.BadParameter("1% … 100%")
    return int(number)


@vault.command("verify")
@click.option("--read-data", is_flag=True, help="读出并认证每个字节 / authenticate every byte")
@click.option(
    "--sample", default="100%", callback=_percent, help="最久未核对的 N% / the N% verified longest ago"
)
@as_json
@reports
def verify(read_data: bool, sample: int, as_json: bool) -> None:
    """Check objects against their records, both ways."""

    def progress(p: keeping.Proof) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{p.checked} objects", nl=False, err=True)

    proof = keeping.verify(
        db.session(), house(), operator("vault"), read_data=read_data, sample=sample, progress=progress
    )
    data = asdict(proof) | {"ok": proof.ok}
    if not proof.ok:
        problem(
            "\n".join(f"损坏 / damaged: {n or '-'} blob {b}: {why}" for b, n, why in proof.damaged),
            data,
            as_json,
        )
    levels = ", ".join(f"{k} {v}" for k, v in proof.by_level.items())
    out(data, as_json, f"完好 / good: {proof.checked} ({levels}); 未登记 / unknown objects: {proof.unknown}")


@vault.command("keys")
@as_json
@reports
def keys(as_json: bool) -> None:
    """Which levels can be deposited to and which can be opened here. Shows recipients, never identities."""
    ring = house().vault.keyring
    holders: list[Level | str] = [*ring.levels, BACKUP]
    rows = [
        {
            "level": h.slug if isinstance(h, Level) else h,
            "recipients": [str(r) for r in ring.recipients(h)],
            "opens": ring.can_open(h),
        }
        for h in holders
    ]
    lines = [
        f"{r['level']:<13} {'可开启 / opens' if r['opens'] else '只可存入 / deposit only'}  {r['recipients'][0]}"
        for r in rows
    ]
    out(rows, as_json, lines)


@vault.command("seal-check")
@as_json
@reports
def seal_check(as_json: bool) -> None:
    """Seal and open a probe at each level, in memory only: do the keys here fit each other?"""
    from vault.store_memory import MemoryStore
    from vault.vault import Vault

    ring, rows = house().vault.keyring, []
    probe = Vault(MemoryStore(), ring)
    for level in ring.levels:
        name = probe.new_name()
        sealed = probe.deposit(name, [b"seal-check"], level, b"probe")
        opens = ring.can_open(level)
        good = not opens or b"".join(probe.open(name, sealed.header, b"probe", sealed.size)) == b"seal-check"
        rows.append({"level": level.slug, "sealed": True, "opens": opens, "ok": good})
    ok = all(r["ok"] for r in rows) and bool(rows)
    if not ok:
        problem("密钥不匹配 / keys do not fit", {"ok": ok, "levels": rows}, as_json)
    out({"ok": ok, "levels": rows}, as_json, [f"{r['level']:<13} ok" for r in rows])


@vault.command("export")
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


@vault.command("move")
@click.option("--to", "target", required=True, help="file:FOLDER | s3://key:secret@host:port/bucket?secure=0")
@as_json
@reports
def move(target: str, as_json: bool) -> None:
    """Copy every object to another store, verified and resumable; then set STORE to it and restart."""

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{done}/{total}", nl=False, err=True)

    report = keeping.move(db.session(), house(), open_store(target, house().settings.data), progress)
    if not report["ok"]:
        problem(f"未能移动 / not moved: {len(report['wrong'])} objects", report, as_json)
    out(
        report,
        as_json,
        f"{report['copied']} 已复制 / copied, {report['present']} 已存在 / present；请将 STORE 改为新库 / now set STORE",
    )
