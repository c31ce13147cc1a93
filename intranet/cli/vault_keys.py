"""`vault keys | seal-check`: which keys are here, and whether they fit each other."""

from __future__ import annotations

from vault.keyring import BACKUP
from vault.levels import Level

from ..house import house
from .common import as_json, out, problem, reports
from .vault import group


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
            "opens": ring.can_open(h),
        }
        for h in holders
    ]
    lines = [
        f"{r['level']:<13} {'可开启 / opens' if r['opens'] else '只可存入 / deposit only'}  {r['recipients'][0]}"
        for r in rows
    ]
    out(rows, as_json, lines)


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
