"""Alarms: something is not as it should be, and whoever keeps it is told."""

from __future__ import annotations

from .. import work
from ..errors import Unavailable
from ..extensions import db
from ..house import House
from ..models import Item
from ..verbs import backups, in_force
from . import lease, tell
from .outbox import Row

#: Who keeps an item of a ledger that has no custodian: whoever answers for it, as far as they may know of it.
KEEPERS = ("owner", "lead", "info_officer", "dispatcher", "complaint_handler")


def keepers(house: House, item: Item) -> tuple[str, ...]:
    """The custodian alone where files are lent; else those who handle the item (decision 021)."""
    return ("custodian",) if house.kinds[item.kind].loans else KEEPERS


def sound(house: House, row: Row) -> None:
    """Tell the keepers of the item, each once for each cause. `since` tells a second damage of one object from the first."""
    if row.item_id is None:
        return
    code, cause = str(row.payload.get("code", "alarm")), row.payload.get("blob", "")
    if since := row.payload.get("since"):
        cause = f"{cause}@{since}"
    with work.begin(house, lease.WORKER) as w:
        item = w.session.get(Item, row.item_id)
        if item is not None:
            told = tell.recipients(db.session(), house, item, keepers(house, item), w.now)
            tell.tell(w, told, code[:40], f"alarm:{code}:{item.id}:{cause}", item.id)


def shred(house: House, row: Row) -> None:
    """Remove the object of a destroyed file, here and from every snapshot (its header lies sealed in header
    copies for some days). Its key is gone already, here its last traces go; doing it again is no error."""
    in_force.require(db.session(), house)
    house.vault.shred(str(row.payload["name"]))
    if digest := str(row.payload.get("digest", "")):
        backups.repository(house.settings).shred([digest], at=house.clock())
    forget_pages()


def forget_pages() -> None:
    """Header or text are deleted; this takes their bytes out of the write-ahead log of SQLite, and lets PostgreSQL clear the
    dead rows. Raises Unavailable while somebody reads an older state: the effect is tried again."""
    db.session.rollback()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if connection.dialect.name == "sqlite":
            if connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar():
                raise Unavailable("checkpoint")
        else:
            connection.exec_driver_sql("VACUUM blob_header, blob_text")
