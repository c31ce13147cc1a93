"""Sealed files: whole or not at all, opened to whom they may, killed for good."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.errors import Conflict, Denied, Invalid, Missing, Unavailable
from intranet.models import Blob, Item
from intranet.verbs import deposits, destruction, items
from tests.office import Office
from vault.errors import VaultError
from vault.levels import Level
from vault.store import StoreError
from vault.store import Unavailable as Away


def _read(desk: Office, login: str, blob: int, **kw: Any) -> bytes:
    return b"".join(deposits.open_body(desk.house, desk.actor(login), blob).read(**kw))


@pytest.fixture
def held(desk: Office) -> Item:
    return desk.add("resource", "officer", blobs=(desk.deposit("officer", "正文".encode() * 50_000),))


def test_what_was_deposited_comes_back_whole_and_in_parts(desk: Office, db: Session, held: Item) -> None:
    blob = deposits.files(db, held.id)[0]
    assert _read(desk, "cook", blob.id) == "正文".encode() * 50_000
    assert _read(desk, "cook", blob.id, start=65_530, length=12) == ("正文".encode() * 50_000)[65_530:65_542]
    assert [a.actor for a in desk.audit("body.open")] == ["cook", "cook"]


def test_the_store_holds_nothing_readable(desk: Office, held: Item) -> None:
    objects = desk.house.vault.store._objects.values()  # type: ignore[attr-defined]
    assert len(objects) == 1
    assert all("正文".encode() not in body for body, _at in objects)


def test_opening_is_on_record_before_the_first_byte(desk: Office, db: Session, held: Item) -> None:
    blob = deposits.files(db, held.id)[0]
    opened = deposits.open_body(desk.house, desk.actor("cook"), blob.id)
    assert len(desk.audit("body.open")) == 1  # nothing was read yet
    assert next(iter(opened.read()))


def test_who_may_not_see_the_item_is_told_nothing_of_its_file(desk: Office, db: Session) -> None:
    blob = desk.deposit("custodian", b"x", level=Level.SECRET)
    desk.add("document", "custodian", level=Level.SECRET, blobs=(blob,))
    with pytest.raises(Denied) as refused:
        _read(desk, "cook", blob)
    assert refused.value.hidden
    with pytest.raises(Missing):
        _read(desk, "cook", 999)


def test_a_file_of_no_item_opens_to_nobody(desk: Office) -> None:
    with pytest.raises(Missing):
        _read(desk, "officer", desk.deposit("officer", b"x"))


def test_another_persons_upload_is_not_taken_over(desk: Office) -> None:
    with pytest.raises(Invalid):
        desk.add("resource", "cook", blobs=(desk.deposit("officer", b"x"),))


def test_a_store_that_fails_leaves_a_reserved_row_and_no_file(
    desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(_name: str, _chunks: Any) -> int:
        raise Away("gone")

    monkeypatch.setattr(desk.house.vault.store, "put", put)
    with pytest.raises(Unavailable):
        desk.deposit("officer", b"x")
    db.rollback()
    assert [b.state for b in db.scalars(select(Blob))] == ["pending"]
    assert issubclass(Away, StoreError)


def test_an_upload_that_breaks_off_is_no_file(desk: Office, db: Session) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise ConnectionResetError

    with pytest.raises((Unavailable, ConnectionResetError)):
        deposits.deposit(
            desk.house, desk.actor("officer"), level=Level.INTERNAL, filename="a.txt", chunks=broken()
        )
    db.rollback()
    assert [b.state for b in db.scalars(select(Blob))] == ["pending"]
    assert not desk.house.vault.store._objects  # type: ignore[attr-defined]


def test_a_level_that_keeps_no_bodies_takes_none(desk: Office) -> None:
    with pytest.raises(Invalid):
        desk.deposit("registrar", b"x", level=Level.TOPSECRET)


def test_too_large_is_refused_while_it_comes_in(make: Any) -> None:
    app = make(max_upload_mb=1)
    desk = Office(app, app.extensions["house"])
    with pytest.raises(Invalid):
        desk.deposit("officer", b"x" * (1 << 20) + b"y")


@pytest.mark.parametrize(
    ("given", "kept"),
    [("..\\..\\a.txt", "a.txt"), ("/etc/passwd", "passwd"), ("  ", "未命名"), ("甲.pdf", "甲.pdf")],
)
def test_a_file_name_is_a_name_and_no_path(desk: Office, db: Session, given: str, kept: str) -> None:
    blob = desk.deposit("officer", b"x", name=given)
    assert db.get_one(Blob, blob).filename == kept


def test_swapped_records_are_noticed(desk: Office, db: Session) -> None:
    one = desk.deposit("officer", b"contract one")
    two = desk.deposit("officer", b"contract two")
    desk.add("resource", "officer", blobs=(one, two))
    with desk.w("officer") as w:
        a, b = w.session.get_one(Blob, one), w.session.get_one(Blob, two)
        one_header, two_header = a.header, b.header
        a.seal(two_header, "")
        b.seal(one_header, "")
        w.session.execute(Blob.__table__.update().where(Blob.id == one).values(name="x" * 32))
        w.session.execute(Blob.__table__.update().where(Blob.id == two).values(name=a.name))
        w.session.execute(Blob.__table__.update().where(Blob.id == one).values(name=b.name))
    db.rollback()
    db.expire_all()
    with pytest.raises(VaultError):
        _read(desk, "officer", one)


def test_the_same_content_has_the_same_print_and_nobody_else_can_make_it(desk: Office, db: Session) -> None:
    import hashlib

    one, two = (desk.deposit("officer", b"same") for _i in range(2))
    prints = {db.get_one(Blob, i).fingerprint for i in (one, two)}
    assert prints == {deposits.fingerprint(desk.house, [b"sa", b"me"])}
    assert hashlib.sha256(b"same").hexdigest() not in prints


def test_raising_the_level_rewraps_and_the_text_in_clear_goes(desk: Office, db: Session) -> None:
    blob = desk.deposit("custodian", b"body")
    item = desk.add("document", "custodian", level=Level.INTERNAL, place=desk.place("SG-1"), blobs=(blob,))
    before = db.get_one(Blob, blob).header
    db.expire_all()
    assert len(desk.outbox("extract")) == 1
    desk.relevel(item, Level.SECRET)
    after = db.get_one(Blob, blob, populate_existing=True)
    assert after.header != before
    assert (after.level, after.text_note) == (Level.SECRET, "level")


def test_a_dropped_file_is_off_the_item_and_closed(desk: Office, db: Session, held: Item) -> None:
    blob = deposits.files(db, held.id)[0]
    with desk.w("officer") as w:
        items.edit(w, held.id, dict(held.data), title=held.title, version=None, drop=[blob.id])
    assert deposits.files(db, held.id) == []
    with pytest.raises(Missing):
        _read(desk, "officer", blob.id)


def test_destruction_kills_the_key_and_keeps_the_row(desk: Office, db: Session) -> None:
    blob = desk.deposit("custodian", b"body")
    item = desk.add("document", "custodian", level=Level.INTERNAL, blobs=(blob,))
    found = desk.end(item, to="signed")
    for login in ("lead", "custodian"):  # who approved, and who signed already, sign nothing more
        with pytest.raises(Denied), desk.w(login) as w:
            destruction.sign(w, found)
    with desk.w("leader") as w:
        destruction.sign(w, found)
    row = db.get_one(Blob, blob, populate_existing=True)
    assert (row.state, row.header, row.fingerprint) == ("destroyed", b"", "")
    assert [r.payload["name"] for r in desk.outbox("shred")] == [row.name]
    assert db.get_one(Item, item.id).number == item.number
    with pytest.raises(Denied):
        _read(desk, "lead", blob)
    with pytest.raises(Conflict), desk.w("registrar") as w:
        destruction.sign(w, found)
