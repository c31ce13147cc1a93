"""The database as a backup takes it: a private copy without any age header, and the headers apart (decision 017). Nor does it
hold the text of any file, which would outlive the file's destruction; it is read again after a restore (decision 023).

Dump, headers and the list of objects are of one and the same state of the database.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.engine_postgres import SCHEMA
from vault.backup import Header, ObjectRef

from ..errors import Unavailable
from ..settings import Settings

DUMP = "dump-"
HEAD = "SELECT seq, hash FROM chain_head WHERE id = 1"
BLOBS = "SELECT name, stored, digest FROM blob WHERE state IN ('stored', 'dropped') ORDER BY id"
HEADERS = (
    "SELECT b.id, b.name, h.key_id, h.header FROM blob_header h JOIN blob b ON b.id = h.blob_id "
    "WHERE b.state <> 'destroyed' ORDER BY b.id"
)


@dataclass(frozen=True)
class Dumped:
    """`path`: the dump; `head`: sequence and hash of its audit chain, None for an empty one."""

    path: Path
    objects: list[ObjectRef]
    headers: list[Header]
    head: Any


@contextmanager
def dumped(settings: Settings) -> Iterator[Dumped]:
    """A private copy of the database (0700, beside it, removed afterwards)."""
    folder = Path(tempfile.mkdtemp(prefix=DUMP, dir=settings.data))
    try:
        yield _sqlite(settings.sqlite, folder) if settings.sqlite else _postgres(settings, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def headers_now(settings: Settings) -> list[Header]:
    """The headers as they are now, for a header copy without a snapshot."""
    if settings.sqlite:
        with closing(sqlite3.connect(settings.sqlite, timeout=20)) as live:
            return _headers(live.execute(HEADERS))
    import psycopg

    with psycopg.connect(_plain(settings.database_url)) as server:
        return _headers(server.execute(HEADERS))


def _headers(rows: Iterable[Any]) -> list[Header]:
    return [Header(blob, name, key_id, bytes(header)) for blob, name, key_id, header in rows]


def _sqlite(source: Path, folder: Path) -> Dumped:
    """In ONE step: in several, a writer on another connection would make it begin again without end."""
    raw, target = folder / "raw.db", folder / "data.db"
    with (
        closing(sqlite3.connect(source)) as live,
        closing(sqlite3.connect(raw, isolation_level=None)) as copy,
    ):
        live.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")
        objects = [ObjectRef(*row) for row in copy.execute(BLOBS)]
        headers = _headers(copy.execute(HEADERS))
        head = copy.execute(HEAD).fetchone()
        copy.execute("DELETE FROM blob_text")
        copy.execute("DELETE FROM blob_header")
        copy.execute("DELETE FROM store_in_force")
        # Only pages in use come along, and unlike a plain VACUUM no temporary file lies outside our folder.
        copy.execute("VACUUM INTO ?", (str(target),))
    raw.unlink()
    return Dumped(target, objects, headers, head)


def _postgres(settings: Settings, folder: Path) -> Dumped:
    """pg_dump, the headers and the list of objects from one exported snapshot."""
    import psycopg

    url = _plain(settings.database_url)
    target = folder / "data.dump"
    with psycopg.connect(url) as live:
        live.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        row = live.execute("SELECT pg_export_snapshot()").fetchone()
        objects = [ObjectRef(*r) for r in live.execute(BLOBS)]
        headers = _headers(live.execute(HEADERS))
        head = live.execute(HEAD).fetchone()
        command = [
            "pg_dump",
            "-Fc",
            "-Z0",
            "--exclude-table-data=blob_text",
            "--exclude-table-data=blob_header",
            "--exclude-table-data=store_in_force",
            f"--exclude-schema={SCHEMA}",  # the search index: words that would outlive what they were taken from
            f"--snapshot={row[0] if row else ''}",
            "-f",
            str(target),
            _quiet(url, folder),
        ]
        done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode:
        raise Unavailable(done.stderr.strip()[:300])
    return Dumped(target, objects, headers, head)


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def _quiet(url: str, folder: Path) -> str:
    """The address without its password, which goes into a file of the private folder: arguments are seen by everybody on
    the machine (`ps`)."""
    from psycopg import conninfo

    facts = conninfo.conninfo_to_dict(url)
    password = str(facts.pop("password", "") or "")
    if not password:
        return url
    kept = folder / "password"
    with open(os.open(kept, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
        file.write("*:*:*:*:" + password.replace("\\", "\\\\").replace(":", "\\:") + "\n")
    return conninfo.make_conninfo(**{**facts, "passfile": str(kept)})
