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

from intranet.extensions import db
from intranet.house import House, utc_now
from intranet.models import Blob
from intranet.verbs.deposits import bind
from tests import databases
from tests.office import SECRET_KEY, Office, build, running
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
    app: Flask, desk: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
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
