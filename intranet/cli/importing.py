"""`import`: files, a tree, or the rows of a table, into the ledgers (INTERFACES "Commands")."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import click
from flask import Flask
from sqlalchemy import select

from vault.levels import Level

from ..extensions import db
from ..house import house
from ..kinds.resource import CLASS_BUSINESS
from ..models import Unit
from ..verbs import declarations, import_rows, importing
from .common import as_json, operator, out, progress, reports


def bind(app: Flask) -> None:
    app.cli.add_command(bring)


@click.command("import")
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.option("--kind", default="resource", show_default=True, help="台账 / the ledger")
@click.option("--unit", default="HQ", show_default=True, metavar="CODE", help="归属单位代码 / owning unit")
@click.option("--level", default="internal", show_default=True, help="密级 / level")
@click.option(
    "--class", "business", default="other", show_default=True, metavar="CODE", help="业务分类 / class"
)
@click.option(
    "--glob", "pattern", default="*", show_default=True, help="只取匹配的文件名 / only names that match"
)
@click.option(
    "--declare-none",
    is_flag=True,
    help="声明这些文件不含国家秘密 / declare that no file holds State secrets (documents and material)",
)
@as_json
@reports
def bring(
    path: Path,
    kind: str,
    unit: str,
    level: str,
    business: str,
    pattern: str,
    declare_none: bool,
    as_json: bool,
) -> None:
    """Bring in PATH: a file or a tree of files as resources; a .csv file with a header as rows of any ledger.

    Safe to run again: what is there already stays as it is."""
    options = replace(
        _options(kind, unit, level, business, pattern), declared=declarations.NONE if declare_none else ""
    )
    if path.is_file() and path.suffix.lower() == ".csv":
        rows = import_rows.Rows(house(), operator("import"), options, path)
        for row in progress(rows.read(), rows.count, path.name):
            rows.take(row)
        report = rows.report
    else:
        if "body" not in {f.name for f in house().kinds[kind].fields} or kind != "resource":
            raise click.UsageError(
                f"--kind {kind}: 只能由 .csv 表格导入 / only a .csv table goes into this ledger"
            )
        importer = importing.Importer(house(), operator("import"), options)
        found = importing.find(path, pattern)
        for each in progress(found, len(found), path.name):
            importer.take(each)
        report = importer.report
    counts = (
        f"新增 / imported {report.imported}，更新 / updated {report.updated}，"
        f"未变 / unchanged {report.unchanged}，未导入 / left out {len(report.left_out)}"
    )
    lines = [counts]
    lines += [f"  {row['path']}：{row['reason']}" for row in report.left_out]
    out(asdict(report), as_json, lines)


def _options(kind: str, unit: str, level: str, business: str, pattern: str) -> importing.Options:
    """What was typed, checked before anything is read. Raises click.UsageError (exit 2)."""
    if kind not in house().kinds:
        raise click.UsageError(f"--kind: {' '.join(house().kinds)}")
    unit_id = db.session.scalar(select(Unit.id).where(Unit.code == unit.upper(), Unit.active))
    if unit_id is None:
        codes = db.session.scalars(select(Unit.code).where(Unit.active).order_by(Unit.path))
        raise click.UsageError(f"--unit: {' '.join(codes)}")
    try:
        chosen = Level.parse(level)
    except ValueError:
        raise click.UsageError(f"--level: {' '.join(each.slug for each in Level)}") from None
    if int(chosen) not in house().kinds[kind].levels:
        allowed = " ".join(Level(n).slug for n in house().kinds[kind].levels)
        raise click.UsageError(f"--level: {kind}: {allowed}")
    if business not in {o.code for o in CLASS_BUSINESS}:
        raise click.UsageError(f"--class: {' '.join(o.code for o in CLASS_BUSINESS)}")
    return importing.Options(kind, unit_id, chosen, business, pattern)
