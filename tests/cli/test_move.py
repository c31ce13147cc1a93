"""The office moves to another store: killed in the middle, with people at work, by the real command."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from intranet import config_file
from intranet.errors import Conflict, Unavailable
from intranet.extensions import db
from intranet.house import House, utc_now
from intranet.jobs import sweep, worker
from intranet.models import Blob
from intranet.verbs import deposits, moving
from intranet.verbs.dumping import dumped
from tests import databases
from tests.office import SECRET_KEY, Office, build, running
from vault.keyring import Keyring
from vault.levels import Level
from vault.store_fs import FileStore
from vault.vault import Vault

ROOT = Path(__file__).resolve().parent.parent.parent
MANY = 200
CONFIG = '# 本单位设置\nOFFICE = "后勤处"\nSTORE = "file:blobs"  # 文件库\nLOAN_DAYS = 7\n'
pytestmark = pytest.mark.skipif(bool(databases.SERVER), reason="the process opens a database file of its own")

ANEW = """
import json
from intranet.actor import system
from intranet.app import create_app
from intranet.extensions import db
from intranet.models import Blob
from intranet.verbs import deposits
from vault.levels import Level
app = create_app()
with app.app_context():
    house = app.extensions["house"]
    deposits.deposit(house, system("anew", "test"), level=Level.INTERNAL, filename="新.txt", chunks=[b"anew"])
    db.session.rollback()
    blobs = db.session.query(Blob).filter(Blob.state == "stored").all()
    bodies = [b"".join(house.vault.open(b.name, b.header, deposits.bind(b), b.size)).decode() for b in blobs]
print(json.dumps(bodies))
"""


@pytest.fixture
def app(tmp_path: Path, settled: str, keyring: Keyring) -> Iterator[Flask]:
    """An office in a folder that another process can open, started before the move."""
    Keyring.create(tmp_path / "keys")
    (tmp_path / "config.py").write_text(CONFIG)
    with (
        databases.copied(settled, tmp_path) as url,
        running(build(tmp_path, url, keyring=keyring, clock=utc_now)) as made,
    ):
        house: House = made.extensions["house"]
        house.vault = Vault(FileStore(tmp_path / "blobs", fsync=False), house.keys)
        yield made


@pytest.fixture
def desk(app: Flask) -> Office:
    return Office(app, app.extensions["house"])


def start(folder: Path, *words: str, **more: str) -> subprocess.Popen[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("INTRANET_")}
    env |= {"INTRANET_DATA": str(folder), "INTRANET_SECRET_KEY": SECRET_KEY, **more}
    return subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )  # fmt: skip


def begin(folder: Path, *words: str, **more: str) -> subprocess.Popen[str]:
    return start(folder, "-m", "flask", "--app", "wsgi", "vault", "move", *words, "--json", **more)


def said(process: subprocess.Popen[str]) -> Any:
    with process:
        text, _ = process.communicate(timeout=120)
    assert process.returncode == 0, text
    return json.loads(text)


def held(folder: Path) -> set[str]:
    return {found.name for found in FileStore(folder).list()}


def refused(desk: Office) -> None:
    with pytest.raises(Unavailable, match="已迁移"):
        desk.deposit("officer", b"too late")


def test_a_move_killed_in_the_middle_is_finished_by_running_it_again(
    app: Flask, desk: Office, tmp_path: Path
) -> None:
    bodies = [f"第 {number} 号检修记录" for number in range(MANY)]
    ids = [desk.deposit("officer", body.encode()) for body in bodies]
    new = tmp_path / "new"
    with begin(tmp_path, "--to", "file:new") as killed:
        while killed.poll() is None and not (new.exists() and held(new)):
            pass
        killed.send_signal(signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    before = len(held(new))
    assert 0 < before < MANY
    ids.append(desk.deposit("officer", b"between the two"))  # nothing is switched yet

    report = said(begin(tmp_path, "--to", "file:new"))
    assert (report["objects"], report["present"], report["copied"]) == (MANY + 1, before, MANY + 1 - before)
    assert (report["ok"], report["switched"]) == (True, True)
    assert (tmp_path / "config.py").read_text() == CONFIG.replace('"file:blobs"', "'file:new'")
    assert held(new) == held(tmp_path / "blobs")

    refused(desk)
    db.session.rollback()
    blob = db.session.get_one(Blob, ids[0])
    read = desk.house.vault.open(blob.name, blob.header, deposits.bind(blob), blob.size)
    assert b"".join(read).decode() == bodies[0]  # the process from before still reads
    assert app.test_client().get("/readyz").json == {
        "ok": False, "database": True, "store": True, "store_in_force": False, "index": True,
    }  # fmt: skip
    assert said(start(tmp_path, "-c", ANEW)) == [*bodies, "between the two", "anew"]
    assert [json.loads(a.detail)["step"] for a in desk.audit("vault.move")] == ["switch", "done"]


def test_a_deposit_during_the_whole_move_is_refused_and_its_row_swept(
    app: Flask, desk: Office, tmp_path: Path
) -> None:
    desk.deposit("officer", b"there before")

    def arriving() -> Iterator[bytes]:
        yield b"first half"
        assert said(begin(tmp_path, "--to", "file:new"))["switched"]
        yield b"second half"

    with pytest.raises(Unavailable, match="已迁移"):
        deposits.deposit(
            desk.house, desk.actor("officer"), level=Level.INTERNAL, filename="慢.bin", chunks=arriving()
        )
    assert len(held(tmp_path / "new")) == 1
    pending = select(Blob.name).where(Blob.state == "pending")
    assert len(db.session.scalars(pending).all()) == 1
    desk.house.clock = lambda: utc_now() + timedelta(hours=26)
    sweep.orphans(desk.house)
    assert db.session.scalars(pending).all() == []


def test_a_deposit_while_it_is_copied_comes_along(app: Flask, desk: Office, tmp_path: Path) -> None:
    desk.deposit("officer", b"before")
    later: list[int] = []

    def meanwhile(_done: int, _total: int) -> None:
        if not later:
            later.append(desk.deposit("officer", b"meanwhile"))

    cli = desk.actor("cli:vault")
    report = moving.move(db.session(), desk.house, cli, "file:new", progress=meanwhile)
    assert (report["copied"], report["switched"]) == (2, True)
    with dumped(desk.house.settings) as state, closing(sqlite3.connect(state.path)) as copy:
        # what is restored from a backup lies in a store of its own
        assert copy.execute("SELECT count(*) FROM store_in_force").fetchone() == (0,)
    assert db.session.get_one(Blob, later[0]).name in held(tmp_path / "new")


def test_a_switch_that_did_not_end_is_finished_or_taken_back(
    app: Flask, desk: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Died(Exception):
        pass

    def dies(*_: object) -> bool:
        raise Died

    desk.deposit("officer", b"before")
    cli = desk.actor("cli:vault")
    with monkeypatch.context() as patch:
        patch.setattr(config_file, "rewrite", dies)
        with pytest.raises(Died):
            moving.move(db.session(), desk.house, cli, "file:new")
    refused(desk)
    assert worker.slow(desk.house) == {}
    for look, says in (
        ("doctor", "not the store in force"),
        ("backup run", "已迁移"),
        ("vault verify", "已迁移"),
    ):
        done = app.test_cli_runner().invoke(args=look.split())
        assert done.exit_code == 1
        assert says in done.output
    with pytest.raises(Conflict, match="another move"):
        moving.move(db.session(), desk.house, cli, "file:third")
    assert said(begin(tmp_path, "--cancel")) == {"cancelled": True}
    desk.deposit("officer", b"again")
    with pytest.raises(Conflict, match="no switch"):
        moving.cancel(db.session(), desk.house, cli)
    assert said(begin(tmp_path, "--to", "file:new"))["switched"]
    assert len(held(tmp_path / "new")) == 2

    assert len(said(start(tmp_path, "-c", ANEW))) == 3
    with pytest.raises(Conflict, match="new store only"):  # too late: this process lacks what came since
        moving.cancel(db.session(), desk.house, cli)


def test_nothing_bad_is_carried_and_nothing_is_switched_then(
    app: Flask, desk: Office, tmp_path: Path
) -> None:
    blob = db.session.get_one(Blob, desk.deposit("officer", b"will be damaged"))
    store = desk.house.vault.store
    data = bytearray(b"".join(store.get(blob.name)))
    data[-1] ^= 1
    store.delete(blob.name)
    store.put(blob.name, [bytes(data)])
    cli = desk.actor("cli:vault")
    report = moving.move(db.session(), desk.house, cli, "file:new")
    assert (report["ok"], report["wrong"], report["switched"]) == (False, [blob.name], False)
    assert held(tmp_path / "new") == set()
    desk.deposit("officer", b"the old store is in force")
    with desk.w("cli:vault") as w:  # as the rolling verification does
        deposits.mark_damaged(w, w.session.get_one(Blob, blob.id), None, "Damaged")
    report = moving.move(db.session(), desk.house, cli, "file:new")
    assert (report["ok"], report["damaged"], report["switched"]) == (True, [blob.name], True)


def test_what_was_destroyed_after_it_was_copied_is_in_neither_store(
    app: Flask, desk: Office, tmp_path: Path
) -> None:
    blob = desk.deposit("officer", b"x")
    item = desk.add("resource", "officer", blobs=(blob,))
    cli = desk.actor("cli:vault")
    assert not moving.move(db.session(), desk.house, cli, "file:new", copy_only=True)["switched"]
    with desk.w("officer") as w:
        deposits.destroy(w, w.session.merge(item))
    worker.quick(desk.house)
    assert held(tmp_path / "blobs") == set()
    assert len(held(tmp_path / "new")) == 1
    assert moving.move(db.session(), desk.house, cli, "file:new")["switched"]
    assert held(tmp_path / "new") == set()


def test_a_store_given_by_the_environment_is_for_the_operator_to_change(
    app: Flask, desk: Office, tmp_path: Path
) -> None:
    desk.deposit("officer", b"x")
    report = said(begin(tmp_path, "--to", "file:new", INTRANET_STORE="file:blobs"))
    assert (report["ok"], report["switched"], report["set"]) == (True, False, "STORE = 'file:new'")
    assert (tmp_path / "config.py").read_text() == CONFIG
    assert len(said(start(tmp_path, "-c", ANEW, INTRANET_STORE="file:new"))) == 2


NEW = "s3://key:se%20cret@host/b"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", f"STORE = {NEW!r}\n"),
        ("OFFICE = '后勤'", f"OFFICE = '后勤'\nSTORE = {NEW!r}\n"),
        ("甲 = 1; STORE = 'file:blobs' # 甲\nX = 2\n", f"甲 = 1; STORE = {NEW!r} # 甲\nX = 2\n"),
        ("STORE = (\n 'file:'\n 'blobs'\n)\r\nX = 2", f"STORE = (\n {NEW!r}\n)\r\nX = 2"),
        ("HERE = '/srv'\nSTORE = f'file:{HERE}'\n", None),
        ("STORE = 'file:a'\nSTORE = 'file:b'\n", None),
        ("if True:\n    STORE = 'file:a'\n", None),
        ("STORE = 'file:a'\nglobals()['STORE'] = 'file:b'\n", None),
        ("STORE = 'file:a'\nraise SystemError\n", None),
    ],
)
def test_only_a_plain_line_of_the_config_is_rewritten(tmp_path: Path, before: str, after: str | None) -> None:
    path = tmp_path / "config.py"
    if before:
        path.write_bytes(before.encode())
        path.chmod(0o640)
    assert config_file.rewrite(tmp_path, "STORE", NEW) is (after is not None)
    assert path.read_bytes().decode() == (before if after is None else after)
    assert path.stat().st_mode & 0o777 == (0o640 if before else 0o600)
    assert [p.name for p in tmp_path.iterdir()] == ["config.py"]
