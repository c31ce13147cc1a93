"""`audit verify [FILE]` and `audit export --to FILE`."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import click
from flask import Flask
from flask.cli import AppGroup

from vault import chain

from ..extensions import db
from ..house import house
from ..verbs import auditing
from .common import as_json, out, problem, reports

audit = AppGroup("audit", help="审计日志 / audit log")


def bind(app: Flask) -> None:
    app.cli.add_command(audit)


@audit.command("verify")
@click.argument("file", required=False, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@as_json
@reports
def verify(file: Path | None, as_json: bool) -> None:
    """Check the chain of the log (or of an export) from its first row to its head."""
    if file is None:
        report = auditing.verify(db.session(), house())
    else:
        with file.open("rb") as stream:
            report = chain.verify_export(stream, auditing.kept_heads(house()))
    if not report.ok:
        where = f"第 {report.first_bad} 行 / row {report.first_bad}" if report.first_bad else ""
        problem(f"日志不完整 / not whole: {report.why} {where} {report.detail}", asdict(report), as_json)
    out(asdict(report), as_json, f"完整 / whole: {report.count} 行 / rows, head {report.head['hash'][:16]}…")


@audit.command("export")
@click.option("--to", "target", required=True, type=click.Path(dir_okay=False, path_type=Path))
@as_json
@reports
def export(target: Path, as_json: bool) -> None:
    """Write the whole log as JSON lines; `python -m vault.chain FILE` checks it with nothing else installed."""
    part = target.with_name(target.name + ".part")
    with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.writelines(auditing.export(db.session(), house()))
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
    head = auditing.head(db.session())
    out({"file": str(target), "head": head}, as_json, f"{target}: {head['seq']} 行 / rows")
