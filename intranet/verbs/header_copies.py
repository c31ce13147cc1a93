"""Header copies: how long the headers of destroyed files live on in backups, and how the others come back.

Every copy is gone `header_retention_days` after it was made at the latest, the worker sees to it every hour. Where no
backup has succeeded for so long, the headers as they are now take the place of the last copy, which is then let go too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, text

from vault.backup import Header, Repository
from vault.backup_headers import read
from vault.keyring import BACKUP

from ..house import House
from .dumping import headers_now

EARLY = timedelta(hours=3)
"""Copies go so much sooner than promised: the job runs once an hour, and the repository may be busy for one or two."""

HAS_BODY = "SELECT id FROM blob WHERE id = :blob AND name = :name AND state <> 'destroyed'"
FORGET = "DELETE FROM blob_header WHERE blob_id = :blob"
PUT = "INSERT INTO blob_header (blob_id, key_id, header) VALUES (:blob, :key_id, :header)"


def retention(house: House) -> timedelta:
    return timedelta(days=house.settings.header_retention_days)


def gone_by(house: House, destroyed: datetime) -> datetime:
    """When no header copy in the repository can hold the headers of what was destroyed then any more."""
    return destroyed + retention(house)


def expire(house: House, repository: Repository, *, anyway: bool = False) -> int:
    """Let the copies go whose time is over; how many. Safe to call at any time."""
    now, limit = house.clock(), retention(house) - EARLY
    copies = repository.header_copies()
    if not any(now - copy.at > limit for copy in copies):
        return 0
    if now - copies[-1].at > limit:
        recipients = [str(r) for r in house.vault.keyring.recipients(BACKUP)]
        repository.keep_headers(at=now, headers=headers_now(house.settings), recipients=recipients)
    return repository.expire_headers(limit, at=now, anyway=anyway)


def overdue(house: House, repository: Repository) -> list[str]:
    """Copies that should be gone for more than a day: what is promised on certificates does not hold."""
    limit = house.clock() - retention(house) - timedelta(days=1)
    return [copy.name for copy in repository.header_copies() if copy.at < limit]


def fill(database: Path, copy: Path) -> int:
    """Put the headers of an opened copy into a restored SQLite database; how many found their row."""
    with closing(sqlite3.connect(database)) as db, db, copy.open("rb") as lines:
        return _put(db, read(lines))


def load(connection: Connection, copy: Path) -> int:
    """The same through SQLAlchemy, for a database server."""
    with copy.open("rb") as lines:
        return _put(_Textual(connection), read(lines))


class _Textual:
    """A SQLAlchemy connection that takes statements as sqlite3 does."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, statement: str, facts: dict[str, Any]) -> Any:
        return self._connection.execute(text(statement), facts)


def _put(db: Any, headers: Iterable[Header]) -> int:
    """By number AND name: a number may have been used twice, the random name of an object never is."""
    count = 0
    for h in headers:
        if db.execute(HAS_BODY, {"blob": h.blob, "name": h.name}).fetchone() is None:
            continue
        db.execute(FORGET, {"blob": h.blob})
        db.execute(PUT, {"blob": h.blob, "key_id": h.key_id, "header": h.header})
        count += 1
    return count
