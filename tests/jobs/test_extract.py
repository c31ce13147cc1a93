"""The product reads a file only where its text may stand in clear, and a file's text ends with the file."""

from __future__ import annotations

import tempfile

import pytest
from sqlalchemy import delete
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.jobs import extract, worker
from intranet.jobs.outbox import drain
from intranet.models import Blob, BlobText, Item, Outbox
from intranet.verbs import deposits, finding, levels
from search import extract_private
from search.extract import Extracted
from search.extract_programs import NO_PROGRAMS
from tests.conftest import Make
from tests.office import Clock, Office
from tests.search import files
from vault.errors import VaultError
from vault.levels import Level
from vault.store import Unavailable

TEXT = "水泵每季度保养一次，更换密封圈。".encode()


def read(house: House) -> dict[str, int]:
    return drain(house, worker.SLOW)


def with_file(
    desk: Office, kind: str, login: str, level: Level, body: bytes = TEXT, name: str = "正文.txt"
) -> tuple[Item, int]:
    blob = desk.deposit(login, body, name, level)
    return desk.add(kind, login, level=level, blobs=(blob,)), blob


def test_text_of_a_file_is_found(house: House, desk: Office, db: Session) -> None:
    item, blob = with_file(desk, "resource", "officer", Level.INTERNAL)
    assert worker.once(house)["extract"] == 1
    db.rollback()
    assert db.get_one(Blob, blob).text_note == ""
    found = finding.find(db, house, desk.actor("cook"), "更换密封圈")
    assert [h.item.id for h in found.hits] == [item.id]
    assert ("更换密封圈", True) in found.hits[0].snippet


def test_no_body_above_the_set_level_is_opened(
    house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    _item, blob = with_file(desk, "document", "custodian", Level.CONFIDENTIAL)
    with desk.w("cli:test") as w:
        w.after("extract", None, blob=blob)

    def opened(*_args: object, **_more: object) -> None:
        raise AssertionError("the body was opened")

    monkeypatch.setattr(house.vault, "open", opened)
    read(house)
    db.rollback()
    assert db.get_one(Blob, blob).text_note == "level"
    assert db.get(BlobText, blob) is None


def test_a_file_raised_in_level_while_it_was_read_leaves_no_text(
    house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    item, blob = with_file(desk, "resource", "officer", Level.INTERNAL)
    real = extract.reader.extract

    def slow(*args: object, **more: object) -> object:
        found = real(*args, **more)  # type: ignore[arg-type]
        with desk.w("officer") as w:
            levels.relevel(w, item.id, Level.CONFIDENTIAL, reason="定密")
        return found

    monkeypatch.setattr(extract.reader, "extract", slow)
    read(house)
    db.rollback()
    assert db.get(BlobText, blob) is None
    assert db.get_one(Blob, blob).text_note == "level"


def test_a_dropped_file_is_not_read(house: House, desk: Office, db: Session) -> None:
    item, blob = with_file(desk, "resource", "officer", Level.INTERNAL)
    with desk.w("officer") as w:
        deposits.drop(w, w.session.get_one(Item, item.id), [blob])
    read(house)
    db.rollback()
    assert db.get(BlobText, blob) is None


@pytest.mark.parametrize(
    ("body", "name", "note"),
    [
        (b"", "a.txt", "empty"),
        (b"%PDF-1.7 broken", "a.pdf", "damaged"),
        (b"\x00\x01\x02" * 50, "a.bin", "unsupported"),
    ],
)
def test_what_cannot_be_read_says_why(
    house: House, desk: Office, db: Session, body: bytes, name: str, note: str
) -> None:
    _item, blob = with_file(desk, "resource", "officer", Level.INTERNAL, body, name)
    read(house)
    db.rollback()
    assert db.get_one(Blob, blob).text_note == note


def test_a_damaged_object_is_an_alarm_to_its_keepers(house: House, desk: Office, db: Session) -> None:
    item, blob = with_file(desk, "resource", "officer", Level.INTERNAL)
    stored, when = house.vault.store._objects[db.get_one(Blob, blob).name]  # type: ignore[attr-defined]
    house.vault.store._objects[db.get_one(Blob, blob).name] = (stored[:-1] + bytes([stored[-1] ^ 1]), when)  # type: ignore[attr-defined]
    worker.once(house)
    db.rollback()
    assert db.get_one(Blob, blob).text_note == "damaged"
    assert [row.item for row in desk.audit("body.damaged")] == [item.id]


def test_a_store_that_is_away_is_asked_again(
    house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch, clock: Clock
) -> None:
    _item, blob = with_file(desk, "resource", "officer", Level.INTERNAL)

    def away(*_args: object) -> VaultError:
        raise Unavailable("no route")

    with monkeypatch.context() as patch:
        patch.setattr(house.vault, "open", away)
        assert read(house) == {"extract": 0, "extract!": 1}
    clock.forward(seconds=2)
    assert read(house) == {"extract": 1}
    db.rollback()
    assert db.get_one(Blob, blob).text_note == ""


OLD = files.old_word()


def noted(house: House, desk: Office, db: Session, note: str, text: str = "") -> int:
    """A file of which this was said when it was read."""
    _item, blob = with_file(desk, "resource", "officer", Level.INTERNAL)
    read(house)
    with desk.w("cli:test") as w:
        w.session.get_one(Blob, blob).text_note = note
        w.session.execute(delete(BlobText).where(BlobText.blob_id == blob))
        if text:
            w.session.add(BlobText(blob_id=blob, text=text))
    return blob


def test_a_file_left_for_want_of_a_program_is_read_when_the_program_is_there(
    house: House, desk: Office, db: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extract.extract_programs, "find", lambda: NO_PROGRAMS)
    _item, blob = with_file(desk, "resource", "officer", Level.INTERNAL, OLD, "旧文件.doc")
    read(house)
    db.rollback()
    assert db.get_one(Blob, blob).text_note == "legacy"
    assert extract.again(house) == 0, "a restored database changes nothing about it"

    monkeypatch.setattr(
        extract.reader, "extract", lambda *_args, **_more: Extracted("旧文件的内容", "", "application/msword")
    )
    assert extract.again(house, unfinished=True) == 1
    assert extract.again(house, unfinished=True) == 0, "it is promised once"
    assert worker.once(house)["extract"] == 1
    db.rollback()
    assert db.get_one(Blob, blob).text_note == ""
    assert finding.find(db, house, desk.actor("cook"), "旧文件的内容").total == 1


@pytest.mark.parametrize(
    ("note", "text", "restored", "asked"),
    [
        ("", "正文", False, False),
        ("", "", True, True),
        ("truncated", "正文", False, True),
        ("truncated", "", True, True),
        ("ocr:2:2", "正文", False, False),
        ("ocr:2:2", "", True, True),
        ("ocr:1:2", "正文", False, True),
        ("empty ocr:1:1", "", False, False),
        ("empty", "", False, True),
        ("scan:3", "正文", False, True),
        ("parts:1:e", "正文", False, True),
        ("damaged", "", False, True),
        ("damaged+", "", True, True),
        ("level", "", False, True),  # the setting may have been raised
        ("item", "", False, False),
    ],
)
def test_what_is_read_again(
    house: House, desk: Office, db: Session, note: str, text: str, restored: bool, asked: bool
) -> None:
    """`restored`: where texts are lost; `asked`: where the operator asks for all that was left."""
    noted(house, desk, db, note, text)
    assert extract.again(house) == int(restored)
    with desk.w("cli:test") as w:
        w.session.execute(delete(Outbox).where(Outbox.topic == "extract"))
    assert extract.again(house, unfinished=True) == int(asked)


def test_the_limits_are_those_of_the_settings(
    make: Make, desk: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make(extract_seconds=7, extract_memory_mb=300, convert_seconds=8, ocr_pages=9, ocr_seconds=10)
    house = app.extensions["house"]
    seen: dict[str, object] = {}

    def spy(*_args: object, **limits: object) -> Extracted:
        seen.update(limits)
        return Extracted("", "empty", "text/plain")

    monkeypatch.setattr(extract.reader, "extract", spy)
    with_file(Office(app, house), "resource", "officer", Level.INTERNAL)
    read(house)
    seen.pop("programs")
    assert seen == {
        "seconds": 7,
        "memory": 300 << 20,
        "convert_seconds": 8,
        "ocr_pages": 9,
        "ocr_seconds": 10,
    }


def test_a_worker_that_starts_clears_what_a_killed_one_left_in_memory(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as place:
        monkeypatch.setattr(extract_private, "PLACES", (place,))
        with extract_private.folder() as own:
            left = own.parent / "left"
            left.mkdir()
            (left / "in.doc").write_bytes(b"clear")
            worker.once(house)
            assert not left.exists() and own.exists()
        monkeypatch.setattr(extract_private, "PLACES", ())
        worker.once(house)  # no such place: nothing to clear
