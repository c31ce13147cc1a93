"""Reading the text of deposited files for the index. The product opens a body only where its text may stand in clear."""

from __future__ import annotations

import contextlib
import logging

from sqlalchemy import delete, or_, select

from search import extract as reader
from search import extract_notes, extract_private, extract_programs
from vault.age.errors import Damaged, HeaderError, NoIdentity
from vault.errors import WrongRecord
from vault.store import Corrupt, NotFound

from .. import work
from ..extensions import db
from ..house import House
from ..models import Blob, BlobText, Item, Outbox
from ..verbs import deposits
from ..verbs.entries import body_in_clear
from . import lease
from .outbox import Row

log = logging.getLogger("intranet.jobs")
#: Notes of our own, and those of the reader that mean that nothing was read.
NO_TEXT = frozenset({"level", "sealed"}) | (extract_notes.PROBLEMS - {"truncated"})
BROKEN = (Damaged, HeaderError, WrongRecord, Corrupt, NotFound)


def read(house: House, row: Row) -> None:
    """The text of one file into `BlobText`, what became of it into `Blob.text_note`, the item to the index.

    Raises what may pass by itself (store away, key not here): the row is tried again."""
    blob, item, header = _file(house, int(row.payload["blob"]))
    if blob is None or item is None:
        return
    if not _clear(house, blob, item):
        _keep(house, blob.id, "", "level")
        return
    s = house.settings
    try:
        pieces = house.vault.open(blob.name, header, deposits.bind(blob), blob.size)
        found = reader.extract(
            pieces,
            blob.filename,
            seconds=s.extract_seconds,
            memory=s.extract_memory_mb << 20,
            programs=extract_programs.find(),
            convert_seconds=s.convert_seconds,
            ocr_pages=s.ocr_pages,
            ocr_seconds=s.ocr_seconds,
        )
    except NoIdentity:
        _keep(
            house, blob.id, "", "sealed"
        )  # this process holds no key of the level, and none will come by waiting
        return
    except BROKEN as error:
        _keep(house, blob.id, "", "damaged")
        opened = deposits.Opened(blob, item, house, header)
        deposits.damaged(house, lease.WORKER, opened, type(error).__name__)
        return
    if found.note:
        log.info("extract", extra={"blob": blob.id, "note": found.note, "detail": found.detail})
    _keep(house, blob.id, found.text, found.note)


def tidy() -> None:
    """Remove the folders in memory of extractions that were killed."""
    with contextlib.suppress(extract_private.NoPlace):
        extract_private.sweep()


def again(house: House, *, unfinished: bool = False) -> int:
    """Promise the reading of every file whose text should be here and is not: a restored database has none. How many.

    `unfinished`: also of those that could not be read, or not to their end: a program was installed, a limit raised."""
    with work.begin(house, lease.WORKER) as w:
        topic = select(Outbox.payload).where(Outbox.topic == "extract")
        promised = {payload["blob"] for payload in w.session.scalars(topic)}
        absent = BlobText.blob_id.is_(None)
        query = (
            select(Blob.id, Blob.text_note, absent, Item.id, Item.kind, Item.level)
            .join(Item, Item.id == Blob.item_id)
            .outerjoin(BlobText, BlobText.blob_id == Blob.id)
            .where(Blob.state == "stored", Blob.text_note != "item")
            .where(or_(absent, Blob.text_note != "") if unfinished else absent)
            .order_by(Blob.id)
        )
        missing = [
            (blob_id, item_id)
            for blob_id, note, gone, item_id, kind, level in w.session.execute(query)
            if blob_id not in promised
            and kind in house.kinds
            and body_in_clear(house, house.kinds[kind], level)
            and ((gone and _had_text(note)) or (unfinished and not extract_notes.settled(note)))
        ]
        for blob_id, item_id in missing:
            w.after("extract", item_id, blob=blob_id)
    return len(missing)


def _had_text(note: str) -> bool:
    """Whether a file of this note had text, or is still to be read."""
    return not any(fact.code in NO_TEXT and not fact.part for fact in extract_notes.facts(note))


def _file(house: House, blob_id: int) -> tuple[Blob | None, Item | None, bytes]:
    """The file, its item and its header, cut loose from the session: reading may take a minute, and no transaction waits for it."""
    session = db.session()
    session.rollback()
    blob = session.get(Blob, blob_id, populate_existing=True)
    item = session.get(Item, blob.item_id) if blob is not None and blob.item_id is not None else None
    if blob is None or item is None or blob.state != "stored" or item.kind not in house.kinds:
        session.rollback()
        return None, None, b""
    header = blob.header
    session.expunge_all()
    session.rollback()
    return blob, item, header


def _clear(house: House, blob: Blob, item: Item) -> bool:
    return body_in_clear(house, house.kinds[item.kind], max(blob.level, item.level))


def _keep(house: House, blob_id: int, text: str, note: str) -> None:
    """What was read, unless the file was dropped, destroyed or raised in level while it was being read."""
    with work.begin(house, lease.WORKER) as w:
        blob = w.session.get(Blob, blob_id, with_for_update=True, populate_existing=True)
        if blob is None or blob.item_id is None or blob.state != "stored":
            return
        w.session.execute(delete(BlobText).where(BlobText.blob_id == blob_id))
        item = w.session.get_one(Item, blob.item_id, populate_existing=True)
        if text and _clear(w.house, blob, item):
            w.session.add(BlobText(blob_id=blob_id, text=text))
        blob.text_note = note if _clear(w.house, blob, item) else "level"
        w.reindex(blob.item_id)
