"""The sealed objects carried to another store, verified."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from vault.store import Exists, NotFound, Store

from ..house import House
from ..models import Blob
from .deposits import LIVE


def move(
    session: Session, house: House, target: Store, progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Copy every object to another store and compare its digest there. Resumable: what is there already is only compared.
    The switch is the setting STORE; nothing is deleted here."""
    copied = present = 0
    wrong: list[str] = []
    rows = session.execute(select(Blob.name, Blob.digest).where(Blob.state.in_(LIVE)).order_by(Blob.id)).all()
    for done, (name, digest) in enumerate(rows, 1):
        try:
            target.put(name, house.vault.store.get(name))
            copied += 1
        except Exists:
            present += 1
        except NotFound:
            wrong.append(name)
            continue
        mark = sha256()
        for piece in target.get(name):
            mark.update(piece)
        if mark.hexdigest() != digest:
            wrong.append(name)
        if progress:
            progress(done, len(rows))
    return {"objects": len(rows), "copied": copied, "present": present, "wrong": wrong, "ok": not wrong}
