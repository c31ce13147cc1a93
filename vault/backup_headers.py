"""Header copies: the age headers of all objects, kept apart from the dumps and for a short time only.

    headers/<id>-<sha256>.age     JSON lines, gzip, inside an age file for the backup recipients:
                                  ``age -d -i backup.key <file> | gunzip`` opens it without this product,
                                  ``sha256sum`` checks it without any key

A line is ``{"blob": 7, "name": "…", "key_id": "…", "header": "base64…"}``: the object of that name in the store,
behind this header, is a file that ``age -d`` opens with the identity of its level.

Objects are write-once and a header belongs to its object, so the newest copy serves every older snapshot: what was
not destroyed since opens, with the keys of today; what was destroyed has no header anywhere once the older copies went.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from vault.age.file import encrypt
from vault.age.recipients import Recipient
from vault.backup_copy import Meter, compress
from vault.backup_lease import Lease
from vault.backup_types import BackupError, Dump
from vault.store import BLOCK, Store

HEADERS = "headers/"
_NAME = re.compile(r"headers/(\d{8}-\d{6})-[0-9a-f]{8}-([0-9a-f]{64})\.age")
_SPOOL = 8 << 20
_MANY = 64 << 10
"""Bytes of a copy below which its shrinking says nothing: a small office may well destroy half of what it has."""


class HeadersShrank(BackupError):
    """The newest copy has less than half of what an expired one has: a database that was set back, more likely than
    so many destructions. Nothing was removed."""


@dataclass(frozen=True, slots=True)
class Header:
    """One age header: the number of its blob, the name of its object, for which recipients (`keyring.key_id`)."""

    blob: int
    name: str
    key_id: str
    header: bytes


@dataclass(frozen=True, slots=True)
class HeaderCopy:
    """A copy that lies in the repository; `at`: the state of the database that it is of."""

    name: str
    at: datetime
    size: int
    digest: str


def new_id(at: datetime) -> str:
    """The id of a snapshot, or of a header copy without one."""
    return f"{at:%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def copies(store: Store) -> list[HeaderCopy]:
    """All header copies, oldest first."""
    found = []
    for stat in store.list(HEADERS):
        if known := _NAME.fullmatch(stat.name):
            at = datetime.strptime(known[1], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
            found.append(HeaderCopy(stat.name, at, stat.size, known[2]))
    return sorted(found, key=lambda copy: copy.name)


def keep(store: Store, copy_id: str, headers: Iterable[Header], recipients: Sequence[Recipient]) -> Dump:
    """Write a copy; it appears whole or not at all."""
    with tempfile.SpooledTemporaryFile(max_size=_SPOOL) as sealed:
        meter = Meter(encrypt(compress(_lines(headers)), list(recipients)))
        for piece in meter:
            sealed.write(piece)
        sealed.seek(0)
        name = f"{HEADERS}{copy_id}-{meter.digest}.age"
        store.put(name, iter(lambda: sealed.read(BLOCK), b""))
    return Dump(name, meter.size, meter.digest)


def read(lines: Iterable[bytes]) -> Iterator[Header]:
    """The headers of an opened copy. Raises ValueError for anything else."""
    for line in lines:
        try:
            entry = json.loads(line)
            header = base64.b64decode(entry["header"], validate=True)
            yield Header(int(entry["blob"]), str(entry["name"]), str(entry["key_id"]), header)
        except (KeyError, TypeError) as error:
            raise ValueError("not a line of a header copy") from error


def expired(store: Store, retention: timedelta, at: datetime) -> list[HeaderCopy]:
    """The copies older than `retention`, but never the newest."""
    return [copy for copy in copies(store)[:-1] if at - copy.at > retention]


def expire(store: Store, retention: timedelta, lease: Lease, *, at: datetime, anyway: bool) -> int:
    """Remove them; how many. Raises HeadersShrank, unless told to go on."""
    going = expired(store, retention, at)
    largest = max((copy.size for copy in going), default=0)
    if largest > _MANY and copies(store)[-1].size * 2 < largest and not anyway:
        raise HeadersShrank(going[-1].name)
    for copy in going:
        lease.confirm()
        store.delete(copy.name)
    return len(going)


def _lines(headers: Iterable[Header]) -> Iterator[bytes]:
    for h in headers:
        entry = {
            "blob": h.blob,
            "name": h.name,
            "key_id": h.key_id,
            "header": base64.b64encode(h.header).decode(),
        }
        yield json.dumps(entry, separators=(",", ":")).encode() + b"\n"
