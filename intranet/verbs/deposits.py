"""Sealed files of items: reserve a name, seal the stream, adopt; open on demand; re-level; destroy.

The row with the object's name is committed BEFORE the first byte goes to the store: whatever dies in between, the sweep
finds either a row without an item (and removes its object) or nothing at all. There is no half item.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from search import filetype
from vault.errors import VaultError
from vault.levels import Level
from vault.store import StoreError
from vault.vault import Sealed

from .. import work
from ..actor import Actor
from ..errors import Conflict, Denied, Invalid, Missing, Unavailable
from ..house import House
from ..models import Blob, BlobText, Item, Outbox
from ..policy import Permission, Standing
from ..work import Work
from . import in_force
from .entries import words_in_clear
from .reading import demand_seen, missing, standing

LIVE = ("stored", "dropped")  # states in which a blob has its object and its header
HEAD = 8192  # bytes of the beginning that tell the type of a file


@contextmanager
def _store_errors() -> Iterator[None]:
    try:
        yield
    except (StoreError, OSError) as error:
        raise Unavailable(_("文件库暂时无法写入或读取，未作任何更改，请稍后重试")) from error


def bind(blob: Blob) -> bytes:
    """What the header of a blob is bound to: its own row. Two swapped rows are detected."""
    return f"blob/{blob.id}".encode()


def deposit(
    house: House, actor: Actor, *, level: Level, filename: str, chunks: Iterable[bytes], field: str = "files"
) -> int:
    """Seal one uploaded stream to its level; the id of a stored blob that belongs to no item yet.

    Raises Invalid (level keeps no bodies, empty, too large), Unavailable (store away or moved, disk full, longer under way
    than `patience`: nothing is left)."""
    with work.begin(house, actor) as w:
        blob = _reserve(w, level, filename, field)
        until = w.now + patience(house)
    print_ = hmac.new(house.settings.secret_key.encode(), digestmod=hashlib.sha256)
    head = bytearray()

    def measured() -> Iterator[bytes]:
        seen, limit = 0, house.settings.max_upload_mb << 20
        for chunk in chunks:
            if house.clock() > until:
                raise Unavailable(_("上传时间过长，已中止，请检查网络后重试"))
            seen += len(chunk)
            if seen > limit:
                raise Invalid({field: _("文件不能超过 %(n)s MB", n=house.settings.max_upload_mb)})
            print_.update(chunk)
            if len(head) < HEAD:
                head.extend(chunk[: HEAD - len(head)])
            yield chunk

    with _store_errors():
        sealed = house.vault.deposit(blob.name, measured(), level, bind(blob))
    with work.begin(house, actor) as w:
        _stored(
            w,
            _pending(w, blob.id),
            sealed,
            print_.hexdigest(),
            filetype.sniff(bytes(head), filename),
        )
    return blob.id


def patience(house: House) -> timedelta:
    """How long a deposit may be under way. It ends itself then; the sweep takes its row an hour later, so that it can only
    ever meet one that is dead."""
    return timedelta(hours=max(1, house.settings.orphan_hours))


def _pending(w: Work, blob_id: int) -> Blob:
    blob = w.session.get(Blob, blob_id, with_for_update=True)
    if blob is None:  # the store took an hour over the last byte: the sweep has the row, and takes the object
        raise Unavailable(_("上传时间过长，已中止，请检查网络后重试"))
    return blob


def _reserve(w: Work, level: Level, filename: str, field: str) -> Blob:
    _keeps_bodies(w, level, field)
    in_force.demand(w)
    plain = "".join(c for c in filename.replace("\\", "/").rsplit("/", 1)[-1] if c.isprintable())
    name = (plain.strip() or str(_("未命名")))[
        -255:
    ]  # no line ends, no signs that turn the direction of writing
    blob = Blob(
        name=w.house.vault.new_name(),
        level=int(level),
        filename=name,
        field=field,
        created=w.now,
        by_id=w.actor.id,
    )
    w.session.add(blob)
    w.session.flush()
    return blob


def _keeps_bodies(w: Work, level: Level, field: str) -> None:
    """Raise Invalid where files of this level are only registered, never kept."""
    if level.slug in w.house.settings.register_only_levels.split():
        raise Invalid({field: _("“%(level)s”级只登记编号与保管场所，不收存正文", level=_(level.label))})


def _stored(w: Work, blob: Blob, sealed: Sealed, fingerprint: str, mime: str) -> None:
    in_force.demand(w)  # the store may have been moved while we wrote to the old one
    blob.seal(sealed.header, sealed.key_id)
    blob.size, blob.stored, blob.digest = sealed.size, sealed.stored, sealed.digest
    blob.fingerprint, blob.mime, blob.state = fingerprint, mime, "stored"


def fingerprint(house: House, chunks: Iterable[bytes]) -> str:
    """The keyed fingerprint of a content: tells duplicates to us, and nothing to whoever steals the table."""
    mac = hmac.new(house.settings.secret_key.encode(), digestmod=hashlib.sha256)
    for chunk in chunks:
        mac.update(chunk)
    return mac.hexdigest()


def adopt(w: Work, item: Item, blobs: Sequence[int], declared: str = "") -> None:
    """Make stored blobs of this actor files of the item, in the item's own transaction. What the sender declared of them is recorded
    with each."""
    for blob_id in blobs:
        blob = w.session.get(Blob, blob_id)
        if blob is None or blob.state != "stored" or blob.item_id is not None or blob.by_id != w.actor.id:
            raise Invalid({"files": _("上传的文件已失效，请重新选择")})
        _keeps_bodies(
            w, Level(item.level), blob.field
        )  # it was sealed for another level: the form came back once
        if blob.level != item.level:
            wrapped = w.house.vault.rewrap(blob.header, bind(blob), Level(blob.level), Level(item.level))
            blob.seal(wrapped.header, wrapped.key_id)
            blob.level = item.level
        blob.item_id = item.id
        said = {"declared": declared} if declared else {}
        w.record("body.deposit", item, detail={"blob": blob.id, "size": blob.size} | said)
        _to_read(w, blob)


def _to_read(w: Work, blob: Blob) -> None:
    """Queue text extraction where the level allows text in clear (settings: search_body_level)."""
    if Level(blob.level) <= Level.parse(w.house.settings.search_body_level):
        blob.text_note = "waiting"
        w.after("extract", blob.item_id, blob=blob.id)
    else:
        blob.text_note = "level"


def read_already(w: Work, blob_id: int) -> None:
    """The words of this file stand in its item already: it is not read again, nor counted twice by the search."""
    blob = w.session.get_one(Blob, blob_id)
    blob.text_note = "item"
    for row in w.session.scalars(
        select(Outbox).where(Outbox.topic == "extract", Outbox.item_id == blob.item_id)
    ):
        if row.payload.get("blob") == blob.id:
            w.session.delete(row)


def drop(w: Work, item: Item, blobs: Sequence[int]) -> None:
    """Take files off the item. The object stays for the history; only destruction kills it."""
    for blob_id in blobs:
        blob = w.session.get(Blob, blob_id)
        if blob is None or blob.item_id != item.id or blob.state != "stored":
            raise Missing()
        blob.state = "dropped"
        _forget(w, blob)
        w.record("body.drop", item, detail={"blob": blob.id})


def relevel(w: Work, item: Item, level: Level) -> None:
    """Re-wrap the headers of all files to the new level; text that may no longer stand in clear goes."""
    if words_in_clear(w.house, item.level) and not words_in_clear(w.house, level):
        w.after("forget", item.id)  # the index holds the words of the item itself
    registered_only = level.slug in w.house.settings.register_only_levels.split()
    for blob in w.session.scalars(select(Blob).where(Blob.item_id == item.id, Blob.state.in_(LIVE))):
        if registered_only and blob.state == "stored":
            raise Conflict(_("“%(level)s”级只登记编号与保管场所，请先移除正文", level=_(level.label)))
        if registered_only:  # taken off before: of such a level nothing is kept, not even for the history
            _kill(w, blob)
            continue
        try:
            wrapped = w.house.vault.rewrap(blob.header, bind(blob), Level(blob.level), level)
        except VaultError as error:
            raise Unavailable(_("当前进程没有打开此密级的密钥，不能更改密级")) from error
        blob.seal(wrapped.header, wrapped.key_id)
        blob.level = int(level)
        _forget(w, blob)
        if blob.state == "stored":
            _to_read(w, blob)


def _forget(w: Work, blob: Blob) -> None:
    """The text of this file goes; the worker takes it out of what lags behind (index, write-ahead log)."""
    found: Any = w.session.execute(delete(BlobText).where(BlobText.blob_id == blob.id))
    if found.rowcount:
        w.after("forget", blob.item_id)


def destroy(w: Work, item: Item) -> int:
    """Kill the keys of all files of the item; their objects are shredded by the worker. How many."""
    count = 0
    for blob in w.session.scalars(select(Blob).where(Blob.item_id == item.id, Blob.state.in_(LIVE))):
        _kill(w, blob)
        count += 1
    return count


def _kill(w: Work, blob: Blob) -> None:
    """The key of one file dies with this transaction."""
    blob.unseal()
    blob.state, blob.fingerprint = "destroyed", ""
    _forget(w, blob)
    w.after("shred", blob.item_id, name=blob.name, digest=blob.digest)


def files(session: Session, item_id: int) -> list[Blob]:
    """The files an item shows, in order of deposit."""
    query = (
        select(Blob).where(Blob.item_id == item_id, Blob.state.in_(("stored", "destroyed"))).order_by(Blob.id)
    )
    return list(session.scalars(query))


@dataclass(frozen=True)
class Opened:
    """A body about to be read: the audit row is committed. `read(start, length)` gives authenticated bytes."""

    blob: Blob
    item: Item
    house: House
    header: bytes

    def read(self, start: int = 0, length: int | None = None) -> Iterator[bytes]:
        vault, b = self.house.vault, self.blob
        if start == 0 and (length is None or length == b.size):
            return vault.open(b.name, self.header, bind(b), b.size)
        return vault.open_range(
            b.name, self.header, bind(b), b.size, start, b.size - start if length is None else length
        )


def open_body(house: House, actor: Actor, blob_id: int, *, action: str = "body.open") -> Opened:
    """Demand, record, then hand out the reader. Raises Missing, Denied; a damaged object raises while reading.

    What is read in the page (`Policy.in_page`) is asked for as something to keep: only a loan that says so gives it."""
    with work.begin(house, actor) as w:
        blob = w.session.get(Blob, blob_id)
        there = blob is not None and blob.item_id is not None and blob.state in ("stored", "destroyed")
        if blob is None or not there:
            w.session.get(Item, 0)
            missing(w.session, house, actor, w.now)
            raise Missing()
        item = w.session.get_one(Item, blob.item_id)
        s: Standing = standing(w.session, house, actor, item, w.now)
        demand_seen(w.session, house, actor, s, w.now)
        kept = house.policy.in_page(item)
        permission = Permission.BODY_SAVE if kept else Permission.BODY_OPEN
        house.policy.demand(actor, permission, s)
        if blob.state == "destroyed":
            raise Denied(_("正文已销毁，只保留登记"), permission=permission.value, thing=s)
        if kept and action == "body.open":
            action = "body.save"
        w.record(action, item, detail={"blob": blob.id})
        header = blob.header
    return Opened(blob, item, house, header)


def damaged(house: House, actor: Actor, opened: Opened, why: str) -> None:
    """An object turned out not to be what was deposited: record it; the custodian is told by the worker."""
    with work.begin(house, actor) as w:
        blob = w.session.get(Blob, opened.blob.id, with_for_update=True, populate_existing=True)
        if blob is not None:
            mark_damaged(w, blob, opened.item, why)


def mark_damaged(w: Work, blob: Blob, item: Item | None, why: str) -> None:
    """Every time is in the audit; the keeper is told when it begins, not again while it lasts. A process whose store
    is no longer in force knows nothing of newer files: it alarms nobody."""
    if not in_force.here(w.session, w.house):
        return
    w.record("body.damaged", item, outcome="alarm", detail={"blob": blob.id, "why": why})
    if blob.damaged is None:
        blob.damaged = w.now
        w.after("alarm", blob.item_id, code="damaged", blob=blob.id, since=f"{w.now:%Y%m%d%H%M%S}")
