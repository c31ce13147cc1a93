"""What is withdrawn leaves every file: destroyed, taken off, raised in level; and no backup gives it back."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import delete

from intranet.extensions import db
from intranet.house import utc_now
from intranet.jobs import worker
from intranet.models import Blob, BlobText, Item
from intranet.verbs import backups, deposits, levels
from search.engine_whoosh import WhooshEngine
from tests import databases
from tests.canary import Canary, Disk, office_on_disk, places
from tests.office import Office
from vault.keyring import Keyring
from vault.levels import Level

pytestmark = pytest.mark.skipif(bool(databases.SERVER), reason="searches the files of a database")
GONE = Canary("withdrawn")


@pytest.fixture
def disk(tmp_path: Path) -> Disk:
    return Disk(tmp_path)


@pytest.fixture
def app(tmp_path: Path, settled: str, keyring: Keyring) -> Iterator[Flask]:
    with office_on_disk(tmp_path, settled, keyring) as made:
        yield made


@pytest.fixture
def desk(app: Flask) -> Office:
    return Office(app, app.extensions["house"])


def held(desk: Office, kind: str, login: str) -> tuple[Item, Blob]:
    """An item of 内部 whose file holds the canary, read by the worker, among others that stay."""
    for number in range(4):
        stays = desk.deposit(login, f"留下的第 {number} 份记录".encode())
        desk.add(kind, login, level=Level.INTERNAL, blobs=(stays,))
    blob = desk.deposit(login, f"要撤回的内容 {GONE}".encode())
    item = desk.add(kind, login, level=Level.INTERNAL, blobs=(blob,))
    return item, db.session.get_one(Blob, blob)


def standing_in(piece: bytes, disk: Disk) -> set[str]:
    return {place for place, files in disk.contents().items() if any(piece in data for data in files)}


def test_a_destroyed_file_leaves_neither_header_nor_words_nor_object(desk: Office, disk: Disk) -> None:
    item, blob = held(desk, "document", "custodian")
    header, sealed = blob.header, b"".join(desk.house.vault.store.get(blob.name))
    worker.once(desk.house)
    assert places(GONE, disk.contents()) == {"database", "index"}
    assert standing_in(header, disk) == {"database"}
    assert standing_in(sealed, disk) == {"store", "backup"}

    desk.end(item)
    worker.once(desk.house)
    db.session.rollback()
    assert places(GONE, disk.contents()) == set()
    assert standing_in(header, disk) == set()
    assert standing_in(sealed, disk) == set()
    assert desk.house.engine.count() == 5


def test_no_backup_gives_back_the_words_of_a_destroyed_file(desk: Office, disk: Disk, tmp_path: Path) -> None:
    """Not even to whoever has all keys: the dump from before the destruction has no text of files."""
    item, _blob = held(desk, "document", "custodian")
    worker.once(desk.house)
    desk.end(item)
    worker.once(desk.house)
    restored = Disk(tmp_path / "restored")
    assert backups.restore(desk.house, "latest", restored.folder, keys=None)["opened"]
    assert (restored.folder / "data.db").stat().st_size > 100_000
    assert places(GONE, restored.contents()) == set()


def test_last_months_backup_does_not_open_what_two_people_destroyed(
    desk: Office, disk: Disk, tmp_path: Path
) -> None:
    """The whole way: deposited, backed up, listed, approved, signed by two; then the snapshot from before comes back, with every
    key there is. Its row says that the body is there; nothing opens it."""
    item, blob = held(desk, "document", "custodian")
    name, number = blob.name, item.number
    worker.once(desk.house)
    before = backups.repository(desk.house.settings).list()[-1].id
    desk.end(item)
    desk.house.clock = lambda: utc_now() + timedelta(days=30)  # long past the day that the certificate names
    worker.once(desk.house)
    restored = Disk(tmp_path / "restored")
    backups.restore(desk.house, before, restored.folder, keys=None)
    with closing(sqlite3.connect(restored.folder / "data.db")) as old:
        kept = old.execute("SELECT state FROM item WHERE number = ?", (number,)).fetchone()
        assert kept == ("held",)  # as it was: the office can see that it had this file
        opened = (
            "SELECT count(*) FROM blob JOIN blob_header ON blob_header.blob_id = blob.id WHERE blob.name "
        )
        assert old.execute(f"{opened} = ?", (name,)).fetchone() == (0,)
        assert old.execute(f"{opened} <> ?", (name,)).fetchone() == (4,)
    assert places(GONE, restored.contents()) == set()


def test_after_a_restore_the_texts_of_living_files_are_read_again(desk: Office, disk: Disk) -> None:
    held(desk, "document", "custodian")
    worker.once(desk.house)
    desk.house.engine.close()
    with desk.w("cli:restore") as w:  # as a dump leaves it
        w.session.execute(delete(BlobText))
    shutil.rmtree(disk.folder / "index")
    desk.house.engine = WhooshEngine(disk.folder / "index")
    assert places(GONE, {"index": disk.contents()["index"]}) == set()
    assert worker.once(desk.house)["extract"] == 5
    assert "index" in places(GONE, disk.contents())
    assert worker.once(desk.house).get("extract", 0) == 0


def test_a_file_taken_off_leaves_no_words(desk: Office, disk: Disk) -> None:
    item, blob = held(desk, "resource", "officer")
    worker.once(desk.house)
    assert places(GONE, disk.contents()) == {"database", "index"}
    with desk.w("officer") as w:
        deposits.drop(w, w.session.get_one(Item, item.id), [blob.id])
        w.reindex(item.id)
    worker.once(desk.house)
    db.session.rollback()
    assert places(GONE, disk.contents()) == set()


def test_a_file_raised_in_level_leaves_no_words(desk: Office, disk: Disk) -> None:
    item, _blob = held(desk, "resource", "officer")
    worker.once(desk.house)
    with desk.w("officer") as w:
        levels.relevel(w, item.id, Level.CONFIDENTIAL, reason="重新定密")
    worker.once(desk.house)
    db.session.rollback()
    assert places(GONE, disk.contents()) == set()


def test_the_own_words_of_an_item_raised_in_level_stay_in_its_register_only(desk: Office, disk: Disk) -> None:
    desk.add("resource", "officer", body="留下的一条", level=Level.INTERNAL)
    item = desk.add("resource", "officer", body=f"正文 {GONE}", level=Level.INTERNAL)
    worker.once(desk.house)
    with desk.w("officer") as w:
        levels.relevel(w, item.id, Level.CONFIDENTIAL, reason="重新定密")
    worker.once(desk.house)
    db.session.rollback()
    assert places(GONE, disk.contents()) == {"database"}


def test_words_are_forgotten_only_after_the_index_has_heard(desk: Office, disk: Disk) -> None:
    """The worker may meet the two promises in any order: neither is lost."""
    item, _blob = held(desk, "resource", "officer")
    worker.once(desk.house)
    with desk.w("officer") as w:
        levels.relevel(w, item.id, Level.CONFIDENTIAL, reason="重新定密")
    only = {"forget": worker.QUICK["forget"]}
    assert worker.drain(desk.house, only) == {"forget": 0, "forget!": 2}  # the item, its file
    assert {row.error for row in desk.outbox("forget")} == {"Unavailable: index"}
    assert "index" in places(GONE, disk.contents())
