"""The store in force: processes that were started with another one may read, and deposit nothing (decision 020)."""

from __future__ import annotations

from hashlib import sha256

from flask_babel import gettext as _
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from vault.stores import place

from ..errors import Unavailable
from ..house import House
from ..models import StoreInForce
from ..work import Work


def fingerprint(house: House, address: str) -> str:
    """Names a store without saying how to get in."""
    return sha256(place(address, house.settings.data).encode()).hexdigest()


def own(house: House) -> str:
    """The fingerprint of the store that this process was started with."""
    return fingerprint(house, house.settings.store)


def here(session: Session, house: House) -> bool:
    """Whether this process's store is the one in force."""
    return session.scalar(select(StoreInForce.fingerprint)) in (None, own(house))


def demand(w: Work) -> None:
    """Raise Unavailable where another store is in force; until the end of this transaction none comes in force.

    On SQLite the unit of work is the only writer. On PostgreSQL the share lock keeps `lock` waiting, also where there
    is no row: it takes a lock of the table that the moving side conflicts with."""
    now = w.session.scalar(select(StoreInForce.fingerprint).with_for_update(read=True))
    if now not in (None, own(w.house)):
        raise Unavailable(_("文件库已迁移，请重启服务后再试"))


def require(session: Session, house: House) -> None:
    """Raise Unavailable where another store is in force: what is done with ours would say nothing of the office's."""
    if not here(session, house):
        raise Unavailable(_("文件库已迁移，请重启服务后再试"))


def lock(w: Work) -> str:
    """The fingerprint in force, "" for none; every transaction with a `demand` has ended, and the next ones wait for us."""
    if w.session.get_bind().dialect.name == "postgresql":
        w.session.execute(text("LOCK TABLE store_in_force IN EXCLUSIVE MODE"))
    return w.session.scalar(select(StoreInForce.fingerprint)) or ""


def put(w: Work, new: str) -> None:
    """From the commit on, `new` is in force. After `lock`."""
    w.session.merge(StoreInForce(id=1, fingerprint=new))
