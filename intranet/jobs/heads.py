"""The head of the audit chain, kept outside the database: whoever cuts the log short is found out (seeds L172)."""

from __future__ import annotations

import json
import os
from pathlib import Path

from sqlalchemy import select

from ..extensions import db
from ..house import House
from ..models import ChainHead
from ..verbs.auditing import HEADS


def path(house: House) -> Path:
    return house.settings.log / HEADS


def keep(house: House) -> bool:
    """Append the present head when it is another than the last kept one. Whether it was."""
    session = db.session()
    session.rollback()
    head = session.execute(select(ChainHead.seq, ChainHead.hash)).first()
    session.rollback()
    if head is None or not head.seq:
        return False
    file = path(house)
    kept, whole = _last(file)
    if kept == (head.seq, head.hash):
        return False
    line = json.dumps({"seq": head.seq, "hash": head.hash, "at": house.clock().isoformat(timespec="seconds")})
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        os.write(descriptor, (("" if whole else "\n") + line + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    return True


def _last(file: Path) -> tuple[tuple[int, str] | None, bool]:
    """The last head kept, and whether the file ends whole (a crash may have cut its last line)."""
    try:
        with open(file, "rb") as opened:
            opened.seek(0, os.SEEK_END)
            opened.seek(max(0, opened.tell() - 1000))
            tail = opened.read()
    except FileNotFoundError:
        return None, True
    for line in reversed(tail.splitlines()):
        try:
            row = json.loads(line)
            return (int(row["seq"]), str(row["hash"])), tail.endswith(b"\n")
        except (ValueError, KeyError, TypeError):
            continue
    return None, tail.endswith(b"\n") or not tail
