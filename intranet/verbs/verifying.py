"""Sealed objects proved against their records, both ways."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import func, select
from sqlalchemy.orm import Session, joinedload

from vault.errors import VaultError
from vault.levels import Level

from .. import work
from ..actor import Actor
from ..house import House
from ..models import Blob, Item
from .deposits import LIVE, bind

BATCH = 200


@dataclass
class Proof:
    """`damaged`: (blob id, number of the item, why); `unknown`: objects of the store that no record names."""

    checked: int = 0
    sealed: int = 0
    bytes: int = 0
    by_level: dict[str, int] = field(default_factory=dict)
    damaged: list[tuple[int, str, str]] = field(default_factory=list)
    unknown: int = 0

    @property
    def ok(self) -> bool:
        return not self.damaged


def live(session: Session, *, sample: int = 100) -> Iterator[tuple[Blob, str]]:
    """Every live blob with its item's number, least recently verified first; `sample` percent of them."""
    wanted = session.scalar(select(func.count()).select_from(Blob).where(Blob.state.in_(LIVE))) or 0
    query = (
        select(Blob, Item.number)
        .outerjoin(Item, Item.id == Blob.item_id)
        .where(Blob.state.in_(LIVE))
        .order_by(Blob.verified.asc().nulls_first(), Blob.id)
        .options(joinedload(Blob.sealed))
        .limit(max(1, wanted * sample // 100) if wanted else 0)
    )
    yield from ((b, n or "") for b, n in session.execute(query).all())


def verify(
    session: Session, house: House, actor: Actor, *, read_data: bool, sample: int = 100, progress: Callable[[Proof], None] | None = None
) -> Proof:  # fmt: skip
    """Objects against records, both ways. With `read_data` every byte is authenticated; a bad one is an alarm at once."""
    proof = Proof()
    rows = list(live(session, sample=sample))
    good: list[int] = []
    for blob, number in rows:
        try:
            opened = house.vault.verify(
                blob.name, blob.header, bind(blob), blob.size, blob.stored, blob.digest, read_data=read_data,
                level=Level(blob.level),
            )  # fmt: skip
            proof.sealed += 0 if opened else 1
            good.append(blob.id)
        except VaultError as error:
            proof.damaged.append((blob.id, number, f"{type(error).__name__}: {error}"))
            _alarm(house, actor, blob.id, type(error).__name__)
        proof.checked += 1
        proof.bytes += blob.stored if read_data else 0
        slug = Level(blob.level).slug
        proof.by_level[slug] = proof.by_level.get(slug, 0) + 1
        if progress:
            progress(proof)
        if read_data and len(good) >= BATCH:
            _verified(house, actor, good)
    if read_data:
        _verified(house, actor, good)
    if sample == 100:
        named = set(session.scalars(select(Blob.name).where(Blob.state != "destroyed")))
        proof.unknown = sum(1 for s in house.vault.store.list() if s.name not in named)
    with work.begin(house, actor) as w:
        detail = {"checked": proof.checked, "damaged": len(proof.damaged), "read": read_data}
        w.record("vault.verify", outcome="ok" if proof.ok else "alarm", detail=detail)
    return proof


def _verified(house: House, actor: Actor, ids: list[int]) -> None:
    with work.begin(house, actor) as w:
        for blob in w.session.scalars(select(Blob).where(Blob.id.in_(ids))):
            blob.verified = w.now
    ids.clear()


def _alarm(house: House, actor: Actor, blob_id: int, why: str) -> None:
    with work.begin(house, actor) as w:
        blob = w.session.get_one(Blob, blob_id)
        item = w.session.get(Item, blob.item_id) if blob.item_id else None
        w.record("body.damaged", item, outcome="alarm", detail={"blob": blob_id, "why": why})
        w.after("alarm", blob.item_id, code="damaged", blob=blob_id)
