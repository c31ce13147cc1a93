"""`vault keys | rotate | passphrase | seal-check`: which keys are here, their change, and whether they fit each other."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

import click

from vault.errors import KeyringError
from vault.keyring import BACKUP, HOLDERS, key_id
from vault.levels import Level

from .. import work
from ..extensions import db
from ..house import house
from ..verbs import rotating
from .common import as_json, operator, out, problem, reports, yes
from .vault import group

_LEVEL = click.Choice([level.slug for level in Level])


def keyed(command: Callable[..., Any]) -> Callable[..., Any]:
    """What is wrong with the key files becomes exit code 1 with its reason; locked ones are asked for on a terminal."""

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            if house().vault.keyring.locked and sys.stdin.isatty():
                house().keys.unlock(click.prompt("密钥口令 / key passphrase", hide_input=True, err=True))
            return command(*args, **kwargs)
        except KeyringError as error:
            problem(str(error), {"error": str(error)}, bool(kwargs.get("as_json")))

    return run


@group.command("keys")
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
            "key_id": key_id(ring.recipients(h)),
            "generation": ring.generation(h),
            "opens": ring.can_open(h),
            "locked": (h.slug if isinstance(h, Level) else h) in ring.locked,
            "retired": ring.retired(h),
            "headers": rotating.counts(db.session(), house(), h) if isinstance(h, Level) else None,
        }
        for h in holders
    ]
    out(rows, as_json, [_line(r) for r in rows])


def _line(r: dict[str, Any]) -> str:
    state = (
        "已锁定 / locked" if r["locked"] else "可开启 / opens" if r["opens"] else "只可存入 / deposit only"
    )
    headers = r["headers"]
    live = (
        f"  {headers['active']} 现用 / active, {headers['other']} 旧钥 / other, {headers['unknown']} 未知 / unknown"
        if headers
        else ""
    )
    return (
        f"{r['level']:<13} {state}  第 {r['generation'] or '?'} 代 / generation, {r['retired']} 退役 / retired"
        f"  {r['key_id']}  {r['recipients'][0]}{live}"
    )


@group.command("rotate")
@click.argument("level", type=_LEVEL)
@click.option("--forget", is_flag=True, help="销毁退役密钥 / remove the retired identities for good")
@yes
@as_json
@reports
@keyed
def rotate(level: str, forget: bool, yes: bool, as_json: bool) -> None:
    """Change the keys of LEVEL and wrap every header anew. Killed, it is finished by running it again."""
    chosen = next(x for x in Level if x.slug == level)
    if forget:
        _forget(chosen, yes, as_json)
        return
    going_on = rotating.unfinished(db.session(), house(), operator("vault"), chosen)
    if not going_on and not yes:
        click.confirm(f"为“{level}”生成新密钥？ / make new keys for {level}?", abort=True, err=True)

    def progress(done: int, total: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r{done}/{total}", nl=False, err=True)

    report = rotating.rotate(
        db.session(), house(), operator("vault"), chosen, fresh=not going_on, progress=progress
    )
    if report["failed"]:
        problem(
            "\n".join(f"未能更换 / not rotated: blob {blob}: {why}" for blob, why in report["failed"]),
            report,
            as_json,
        )
    out(
        report,
        as_json,
        f"{level}: 第 {report['generation']} 代 / generation; {report['rewrapped']} 已换 / rewrapped, "
        f"{report['proved']} 已证 / proved; 旧密钥已无用 / the old key is unused",
    )


def _forget(level: Level, yes: bool, as_json: bool) -> None:
    days = house().settings.header_retention_days
    if not yes:
        click.confirm(
            f"销毁“{level.slug}”的退役密钥？备份中的头部副本另存 {days} 天，恢复更早的备份须用另存的旧密钥。\n"
            f"remove the retired keys of {level.slug}? Header copies in backups are kept for {days} days: restoring one "
            "from before the rotation needs a copy of the old key kept elsewhere.",
            abort=True,
            err=True,
        )
    report = rotating.forget(house(), operator("vault"), level)
    out(
        report,
        as_json,
        f"{level.slug}: {report['forgotten']} 已销毁 / removed, {report['proved']} 已证 / proved",
    )


@group.command("passphrase")
@click.argument("holder", type=click.Choice([*HOLDERS, "all"]))
@click.option("--remove", is_flag=True, help="去除口令 / keep the key file in clear")
@as_json
@reports
@keyed
def passphrase(holder: str, remove: bool, as_json: bool) -> None:
    """Put the key file of a level, or all of them, under a passphrase. From a pipe: one line on stdin."""
    fresh = None
    if not remove:
        fresh = (
            click.prompt("新口令 / new passphrase", hide_input=True, confirmation_prompt=True, err=True)
            if sys.stdin.isatty()
            else sys.stdin.readline().rstrip("\n")
        )
        if len(fresh) < house().settings.min_password:
            problem(f"口令太短 / too short: {house().settings.min_password}", {"error": "too short"}, as_json)
    present = [h for h in HOLDERS if (house().keys.folder / f"{h}.key").exists()]
    done = present if holder == "all" else [holder]
    for one in done:
        house().keys.protect(one, fresh)
    with work.begin(house(), operator("vault")) as w:
        w.record("vault.passphrase", detail={"holders": done, "removed": remove})
    out({"holders": done, "protected": not remove}, as_json, f"{' '.join(done)}: ok")


@group.command("seal-check")
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
