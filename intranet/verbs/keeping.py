"""The keeper takes a sealed file out of the product."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import select
from sqlalchemy.orm import Session

from .. import work
from ..actor import Actor
from ..errors import Missing
from ..house import House
from ..models import Blob, Item


def sealed_file(
    session: Session, house: House, actor: Actor, number: str
) -> list[tuple[Blob, Iterator[bytes]]]:
    """The files of an item, each still sealed, as the `age` program opens them with the level's identity. Audited."""
    item = session.scalar(select(Item).where(Item.number == number))
    if item is None:
        raise Missing(f"{number}: 没有这个编号 / no such number")
    blobs = list(
        session.scalars(select(Blob).where(Blob.item_id == item.id, Blob.state == "stored").order_by(Blob.id))
    )
    with work.begin(house, actor) as w:
        w.record("vault.export", item, detail={"blobs": [b.id for b in blobs]})
    return [(b, house.vault.export(b.name, b.header, b.size)) for b in blobs]
