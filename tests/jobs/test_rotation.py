"""A level's keys are changed by the real command, killed in the middle, while another process holds the office open."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from intranet.errors import Conflict
from intranet.extensions import db
from intranet.house import House, utc_now
from intranet.keys import LiveKeyring
from intranet.models import Blob
from intranet.verbs import rotating
from intranet.verbs.deposits import bind
from tests import databases
from tests.office import SECRET_KEY, Office, build, running
from vault.age import NoIdentity
from vault.keyring import Keyring, key_id
from vault.levels import Level
from vault.store_fs import FileStore
from vault.vault import Vault

ROOT = Path(__file__).resolve().parent.parent.parent
LEVEL = Level.CONFIDENTIAL
MANY = 200
pytestmark = pytest.mark.skipif(bool(databases.SERVER), reason="the process opens a database file of its own")


@pytest.fixture
def app(tmp_path: Path, settled: str, keyring: Keyring) -> Iterator[Flask]:
    """An office in a folder that another process can open, its keys read from there."""
    Keyring.create(tmp_path / "keys")
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


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("INTRANET_")}
    env |= {"INTRANET_DATA": str(folder), "INTRANET_SECRET_KEY": SECRET_KEY}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "vault", *words, "--json"]
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )


def run(folder: Path, *words: str, code: int = 0) -> dict[str, object]:
    with start(folder, *words) as process:
        said, _ = process.communicate(timeout=120)
    assert process.returncode == code, said
    report: dict[str, object] = json.loads(said)
    return report


def opened(house: House) -> dict[int, bytes]:
    db.session.rollback()
    blobs = db.session.scalars(select(Blob).where(Blob.level == int(LEVEL))).all()
    return {b.id: b"".join(house.vault.open(b.name, b.header, bind(b), b.size)) for b in blobs}


def moved(folder: Path, active: str) -> int:
    with sqlite3.connect(f"file:{folder / 'data.db'}?mode=ro", uri=True, timeout=30) as look:
        count: int = look.execute("select count(*) from blob_header where key_id = ?", (active,)).fetchone()[
            0
        ]
    look.close()
    return count


def test_a_rotation_killed_in_the_middle_is_finished_by_running_it_again(
    app: Flask, desk: Office, tmp_path: Path
) -> None:
    house = desk.house
    bodies = {}
    for number in range(MANY):
        body = f"第 {number} 号检修记录".encode()
        bodies[desk.deposit("custodian", body, level=LEVEL)] = body
    before = key_id(house.vault.keyring.recipients(LEVEL))
    db.session.rollback()
    with start(tmp_path, "rotate", LEVEL.slug, "--yes") as killed:
        while killed.poll() is None and not 0 < MANY - moved(tmp_path, before) < MANY:
            pass
        killed.send_signal(signal.SIGKILL)
    assert killed.returncode == -signal.SIGKILL
    left = moved(tmp_path, before)
    assert 0 < left < MANY
    assert opened(house) == bodies  # this process has seen the new key file, and needs both keys now

    report = run(tmp_path, "rotate", LEVEL.slug)
    assert (report["generation"], report["rewrapped"], report["already"]) == (2, left, MANY - left)
    assert (report["proved"], report["old_unused"]) == (MANY, True)
    assert run(tmp_path, "rotate", LEVEL.slug, "--forget", "--yes")["forgotten"] == 1
    assert house.vault.keyring.retired(LEVEL) == 0
    assert opened(house) == bodies


def test_the_old_key_stays_while_an_upload_or_a_header_may_need_it(desk: Office, tmp_path: Path) -> None:
    house, operator = desk.house, desk.actor("cli:vault")
    made = desk.deposit("custodian", b"boiler house", level=LEVEL)
    old = db.session.get_one(Blob, made)
    header, old_id = old.header, key_id(house.vault.keyring.recipients(LEVEL))
    assert run(tmp_path, "rotate", LEVEL.slug, "--yes")["old_unused"] is True

    db.session.expire_all()

    # A header of the old key under the name of the new one: what a list of names would believe, the proof does not.
    with desk.w("cli:test") as w:
        w.session.get_one(Blob, made).seal(header, key_id(house.vault.keyring.recipients(LEVEL)))
    assert "error" in run(tmp_path, "rotate", LEVEL.slug, "--forget", "--yes", code=1)
    assert house.vault.keyring.retired(LEVEL) == 1
    assert [a.outcome for a in desk.audit("vault.forget")] == ["refused"]

    # Named as it is, it is unfinished business: the next run takes no new generation. So with one of unknown key.
    for name in (old_id, ""):
        with desk.w("cli:test") as w:
            w.session.expire_all()
            w.session.get_one(Blob, made).seal(header, name)
        again = run(tmp_path, "rotate", LEVEL.slug)
        assert (again["generation"], again["rewrapped"]) == (2, 1)

    with desk.w("custodian") as w:
        w.session.get_one(Blob, made).state = "pending"
    with pytest.raises(Conflict, match="under way"):
        rotating.forget(house, operator, LEVEL)


def test_a_living_office_deposits_and_opens_after_its_keys_were_changed_elsewhere(
    app: Flask, desk: Office, tmp_path: Path
) -> None:
    level = Level.INTERNAL
    first = desk.add("resource", "officer", blobs=(desk.deposit("officer", b"before", level=level),))
    assert run(tmp_path, "rotate", level.slug, "--yes")["generation"] == 2
    second = desk.add("resource", "officer", blobs=(desk.deposit("officer", b"after", level=level),))
    db.session.rollback()
    new = key_id(desk.house.vault.keyring.recipients(level))
    client = desk.client("officer")
    for item, body in ((first, b"before"), (second, b"after")):
        blob = db.session.scalars(select(Blob).where(Blob.item_id == item.id)).one()
        assert blob.sealed is not None and blob.sealed.key_id == new
        assert client.get(f"/f/{blob.id}/x.txt").data == body


def test_key_files_that_cannot_be_read_leave_the_office_its_keys(desk: Office, tmp_path: Path) -> None:
    made = desk.deposit("custodian", b"pump log", level=LEVEL)
    (tmp_path / "keys" / f"{LEVEL.slug}.key").write_text("half a line")
    blob = db.session.get_one(Blob, made)
    house = desk.house
    assert b"".join(house.vault.open(blob.name, blob.header, bind(blob), blob.size)) == b"pump log"


def test_a_level_under_a_passphrase_takes_deposits_and_opens_nothing_without_it(
    app: Flask, desk: Office, tmp_path: Path
) -> None:
    house = desk.house
    made = desk.deposit("custodian", b"gas mains", level=LEVEL)
    folder, words = tmp_path / "keys", tmp_path / "words"
    LiveKeyring(folder, log_n=2).protect(LEVEL.slug, "correct horse")
    assert desk.deposit("custodian", b"more", level=LEVEL)
    assert LEVEL.slug in house.vault.keyring.locked
    blob = db.session.get_one(Blob, made)
    with pytest.raises(NoIdentity):
        house.vault.open(blob.name, blob.header, bind(blob), blob.size)
    shown = app.test_cli_runner().invoke(args=["vault", "keys"]).stdout
    assert "locked" in next(line for line in shown.splitlines() if line.startswith(LEVEL.slug))
    assert "locked" in str(run(tmp_path, "rotate", LEVEL.slug, "--yes", code=1)["error"])

    words.write_text("wrong one\ncorrect horse\n")
    house.keys = LiveKeyring(folder, passphrase_file=str(words), log_n=2)
    house.vault = Vault(house.vault.store, house.keys)
    assert sorted(opened(house).values()) == [b"gas mains", b"more"]
    operator = desk.actor("cli:vault")
    assert rotating.rotate(db.session(), house, operator, LEVEL, fresh=True)["rewrapped"] == 2
    assert rotating.forget(house, operator, LEVEL)["forgotten"] == 1
    assert (folder / f"{LEVEL.slug}.key").read_bytes().startswith(b"-----BEGIN AGE")
    assert len(opened(house)) == 2
