"""`search`: what one person would find. `reindex`: the index anew, or compared with the database and mended."""

from __future__ import annotations

import click
from flask import Flask
from sqlalchemy import func, select

from search.engine import Busy, Unreachable
from vault.levels import Level

from ..extensions import db
from ..house import house
from ..jobs import extract, index
from ..models import Item, Person
from ..verbs import finding, people
from .common import as_json, operator, out, problem, progress_bar, reports


def bind(app: Flask) -> None:
    app.cli.add_command(search)
    app.cli.add_command(reindex)


@click.command()
@click.argument("text")
@click.option("--as", "login", required=True, metavar="LOGIN", help="以谁的身份 / as whom")
@click.option("--kind", default="", help="只查一类台账 / one ledger only")
@click.option("--limit", default=10, show_default=True, type=click.IntRange(1, 1000))
@click.option("--offset", default=0, show_default=True, type=click.IntRange(0, 1_000_000))
@as_json
@reports
def search(text: str, login: str, kind: str, limit: int, offset: int, as_json: bool) -> None:
    """Search as LOGIN: exactly what that person would get in the browser, and recorded as that person's."""
    session = db.session()
    person = session.scalar(select(Person).where(Person.login == login.strip().lower(), Person.active))
    if person is None:
        problem(f"没有这个账号 / no such person: {login}", {"error": "no such person"}, as_json)
    if kind and kind not in house().kinds:
        raise click.BadParameter(f"{kind}: {' '.join(house().kinds)}", param_hint="--kind")
    found = finding.find(
        session,
        house(),
        people.actor_of(session, person, origin="console"),
        text,
        {"kind": [kind]} if kind else {},
        limit=limit,
        offset=offset,
    )
    hits = [
        {
            "id": h.item.id,
            "number": h.item.number,
            "kind": h.item.kind,
            "title": h.item.title,
            "level": Level(h.item.level).slug,
            "score": round(h.score, 4),
            "snippet": "".join(piece for piece, _hit in h.snippet),
        }
        for h in found.hits
    ]
    facets = {name: dict(values) for name, values in found.facets.items() if values}
    loose = f"，其中 {found.strict} 条如所输入 / as typed" if found.relaxed else ""
    lines = [f"{found.total} 条 / hits{loose}"]
    lines += [f"{h['number']:<20} {Level.parse(str(h['level'])).label} {h['title']}" for h in hits]
    told = {
        "total": found.total,
        "strict": found.strict,
        "relaxed": found.relaxed,
        "hits": hits,
        "facets": facets,
    }
    out(told, as_json, lines)


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="与数据库逐条比对，有差异则补正并以 1 退出 / compare and mend, exit 1 when different",
)
@click.option(
    "--restart",
    is_flag=True,
    help="不接着上次中断处，从头重建 / from the beginning, not where it was interrupted",
)
@click.option(
    "--texts",
    is_flag=True,
    help="重读没有读到或没有读完的附件，由后台任务执行 / files not read, or not to their end, are read again by the worker",
)
@as_json
@reports
def reindex(check: bool, restart: bool, texts: bool, as_json: bool) -> None:
    """Rebuild the search index beside the living one; search stays up. An interrupted rebuild goes on where it was."""
    if check + restart + texts > 1:
        raise click.UsageError("--check / --restart / --texts")
    if texts:
        files = extract.again(house(), unfinished=True)
        out({"files": files}, as_json, f"后台任务将重读的附件 / files the worker will read again: {files}")
        return
    total = db.session.scalar(select(func.count()).select_from(Item)) or 0
    try:
        if check:
            _check(total, as_json)
        else:
            _rebuild(total, restart, as_json)
    except Busy:
        text = "另一进程正在重建或写入索引，请稍后再试 / another process is rebuilding or writing the index, try again later"
        problem(text, {"error": text}, as_json)
    except Unreachable:
        text = "索引所在的数据库没有应答 / the server that holds the index does not answer"
        problem(text, {"error": text}, as_json)


def _rebuild(total: int, restart: bool, as_json: bool) -> None:
    with progress_bar(total, "索引 / index") as step:
        report = index.rebuild(house(), step, anew=restart)
    data = {
        "items": total,
        "written": report.written,
        "resumed": report.resumed,
        "left_out": report.left_out,
    }
    lines = [f"已写入 / written: {report.written} / {total}"]
    if report.resumed:
        lines += [f"接着上次中断处 / went on after: {report.resumed}"]
    lines += [f"未收录 / left out: {row['id']}: {row['reason']}" for row in report.left_out]
    if report.left_out:
        problem("\n".join(lines), data, as_json)
    out(data, as_json, lines)


def _check(total: int, as_json: bool) -> None:
    index.catch_up(house())  # what is only on its way is no difference
    with progress_bar(total, "比对 / compare") as step:
        report = index.agree(house(), step, actor=operator("reindex"))
    data = {
        "items": report.items,
        "indexed": report.indexed,
        "missing": report.missing,
        "stale": report.stale,
        "extra": report.extra,
        "damaged": report.damaged,
        "left_out": report.left_out,
        "mended": report.mended,
        "ok": report.same,
    }
    if report.same:
        out(data, as_json, f"索引与数据库一致 / the same: {report.items}")
        return
    words = "索引损坏，已重建 / damaged, rebuilt" if report.damaged else (
        f"缺 / missing {len(report.missing)}，旧 / stale {len(report.stale)}，多 / extra {len(report.extra)}"
    )  # fmt: skip
    lines = [f"{words}；{'已补正 / mended' if report.mended else '未能全部补正 / not all mended'}"]
    lines += [f"未收录 / left out: {row['id']}: {row['reason']}" for row in report.left_out]
    problem("\n".join(lines), data, as_json)
