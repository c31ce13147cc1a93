"""Sealed objects proved against their records, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.orm import Session

from vault.errors import VaultError
from vault.levels import Level
from vault.store import Unavailable

from .. import work
from ..actor import Actor
from ..house import House
from ..models import Blob, BlobHeader, Item
from . import in_force
from .deposits import LIVE, bind, mark_damaged

BATCH = 100
BATCH_BYTES = 256 << 20  # what a killed run may have to read again
NAMED = 100  # unknown objects that a report names
#: An object's age: since its last byte was compared, or since it was deposited.
AGE: ColumnElement[Any] = func.coalesce(Blob.verified, Blob.created)


@dataclass(frozen=True, slots=True)
class Object:
    """A record as plain values, so that no transaction is open while its bytes travel. `at`: see AGE."""

    id: int
    name: str
    level: int
    size: int
    stored: int
    digest: str
    header: bytes
    number: str
    at: datetime


def page(
    session: Session, *, after: tuple[datetime, int] | None = None, limit: int = BATCH, where: ColumnElement[bool]
) -> list[Object]:  # fmt: skip
    """The next live objects, least recently verified first, behind the key `after` = (at, id). Ends its transaction."""
    query = (
        select(
            Blob.id, Blob.name, Blob.level, Blob.size, Blob.stored, Blob.digest,
            func.coalesce(BlobHeader.header, b""), func.coalesce(Item.number, ""), AGE,
        )
        .outerjoin(BlobHeader, BlobHeader.blob_id == Blob.id)
        .outerjoin(Item, Item.id == Blob.item_id)
        .where(Blob.state.in_(LIVE), where)
        .order_by(AGE, Blob.id)
        .limit(limit)
    )  # fmt: skip
    if after is not None:
        at, last = after
        query = query.where(or_(at < AGE, and_(at == AGE, Blob.id > last)))
    session.rollback()
    found = [Object(*row) for row in session.execute(query)]
    session.rollback()
    return found


def live(session: Session, *, where: ColumnElement[bool], limit: int | None = None) -> Iterator[Object]:
    """Every live object once, in pages. What is verified meanwhile moves behind `start` and is not met again."""
    after, left = None, limit
    while left is None or left > 0:
        rows = page(session, after=after, limit=BATCH if left is None else min(BATCH, left), where=where)
        yield from rows
        if not rows:
            return
        after = (rows[-1].at, rows[-1].id)
        left = None if left is None else left - len(rows)


@dataclass
class Proof:
    """`damaged`: (blob id, number of the item, why); `unknown`: objects of the store that no record names, the first of
    them in `unknown_names`; `digest_only`: their level is sealed here, so only the sealed bytes were compared."""

    checked: int = 0
    digest_only: int = 0
    bytes: int = 0
    by_level: dict[str, int] = field(default_factory=dict)
    damaged: list[tuple[int, str, str]] = field(default_factory=list)
    unreadable: int = 0
    unknown: int = 0
    unknown_names: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.damaged and not self.unreadable


class Reader:
    """Checks objects one after the other and keeps what came of it, in batches; damage at once.

    Raises Unavailable when the store is away, after keeping what was good until then: that is no damage. One object that
    a working store cannot give now is counted as unreadable and stays due."""

    def __init__(self, house: House, actor: Actor, *, read_data: bool = True) -> None:
        self.house, self.actor, self.read_data = house, actor, read_data
        self.proof = Proof()
        self._good: list[int] = []
        self._bytes = 0

    def check(self, o: Object) -> None:
        proof = self.proof
        try:
            opened = self.house.vault.verify(
                o.name, o.header, bind(Blob(id=o.id)), o.size, o.stored, o.digest, read_data=self.read_data,
                level=Level(o.level),
            )  # fmt: skip
            proof.digest_only += 0 if opened else 1
            self._good.append(o.id)
        except Unavailable:
            self.keep()
            self.house.vault.store.check()  # raises when it is the whole store
            proof.unreadable += 1
            return
        except VaultError as error:
            why = f"{type(error).__name__}: {error}"[:300]
            if self._damaged(o, why):
                proof.damaged.append((o.id, o.number, why))
        proof.checked += 1
        slug = Level(o.level).slug
        proof.by_level[slug] = proof.by_level.get(slug, 0) + 1
        if self.read_data:
            proof.bytes += o.stored
            self._bytes += o.stored
            if len(self._good) >= BATCH or self._bytes >= BATCH_BYTES:
                self.keep()

    def keep(self) -> None:
        """Write what was read to its last byte and found good; what was damaged before is so no longer."""
        good, self._good, self._bytes = self._good, [], 0
        if not good or not self.read_data:
            return
        with work.begin(self.house, self.actor) as w:
            mended = select(Blob, Item).outerjoin(Item, Item.id == Blob.item_id)
            for blob, item in w.session.execute(mended.where(Blob.id.in_(good), Blob.damaged.is_not(None))):
                w.record("body.mended", item, detail={"blob": blob.id})
            w.session.execute(
                update(Blob)
                .where(Blob.id.in_(good))
                .values(verified=w.now, damaged=None)
                .execution_options(synchronize_session=False)
            )

    def _damaged(self, o: Object, why: str) -> bool:
        """Keep that it is bad. Not so where it was destroyed, or its header changed, while we read: then it is looked at
        again another time."""
        with work.begin(self.house, self.actor) as w:
            blob = w.session.get(Blob, o.id, with_for_update=True, populate_existing=True)
            if blob is None or blob.state not in LIVE or blob.header != o.header:
                return False
            item = w.session.get(Item, blob.item_id) if blob.item_id else None
            mark_damaged(w, blob, item, why)
            if self.read_data:
                blob.verified = w.now
        return True


def verify(
    session: Session, house: House, actor: Actor, *, read_data: bool, sample: int = 100, progress: Callable[[Proof], None] | None = None
) -> Proof:  # fmt: skip
    """Objects against records, both ways. With `read_data` every byte is authenticated; a bad one is an alarm at once.
    Raises Unavailable when the store is away or no longer the one in force."""
    in_force.require(session, house)
    start = house.clock()
    count = session.scalar(select(func.count()).select_from(Blob).where(Blob.state.in_(LIVE))) or 0
    limit = None if sample == 100 else max(1, count * sample // 100)
    reader = Reader(house, actor, read_data=read_data)
    for o in live(session, where=start >= AGE, limit=limit):
        reader.check(o)
        if progress:
            progress(reader.proof)
    reader.keep()
    proof = reader.proof
    if sample == 100:
        _strangers(session, house, proof)
    with work.begin(house, actor) as w:
        detail = {"checked": proof.checked, "damaged": len(proof.damaged), "read": read_data}
        w.record("vault.verify", outcome="ok" if proof.ok else "alarm", detail=detail)
    return proof


def _strangers(session: Session, house: House, proof: Proof) -> None:
    listed = iter(house.vault.store.list())
    while names := [s.name for s in islice(listed, BATCH)]:
        known = _named(session, names)
        unknown = [name for name in names if name not in known]
        proof.unknown += len(unknown)
        proof.unknown_names += unknown[: NAMED - len(proof.unknown_names)]


def _named(session: Session, names: Sequence[str]) -> set[str]:
    session.rollback()
    known = set(session.scalars(select(Blob.name).where(Blob.name.in_(names), Blob.state != "destroyed")))
    session.rollback()
    return known
