"""The sweep beside a deposit of another process: what is still under way is never hit, what overstays ends itself."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import select

from intranet.errors import Unavailable
from intranet.extensions import db
from intranet.house import House, utc_now
from intranet.jobs import sweep, worker
from intranet.models import Blob
from intranet.verbs import deposits
from tests import databases
from tests.office import SECRET_KEY, Clock, Office, build, running
from vault.keyring import Keyring
from vault.levels import Level
from vault.store_fs import FileStore
from vault.vault import Vault

ROOT = Path(__file__).resolve().parent.parent.parent
DEPOSITING = """
import sys
from intranet.actor import system
from intranet.app import create_app
from intranet.verbs import deposits
from vault.levels import Level

def arriving():
    yield bytes(3 << 20)
    print("half of it lies in the store", flush=True)
    yield sys.stdin.buffer.readline()

app = create_app()
with app.app_context():
    house = app.extensions["house"]
    try:
        deposits.deposit(house, system("slow", "test"), level=Level.INTERNAL, filename="慢.bin", chunks=arriving())
        print("kept")
    except Exception as error:
        print(type(error).__name__)
"""


@pytest.fixture
def home(tmp_path: Path, settled: str, keyring: Keyring, clock: Clock) -> Iterator[House]:
    """An office in a folder that another process can open; its own clock is ours to move."""
    if databases.SERVER:
        pytest.skip("the process opens a database file of its own")
    Keyring.create(tmp_path / "keys")
    clock.now = utc_now()
    with (
        databases.copied(settled, tmp_path) as url,
        running(build(tmp_path, url, keyring=keyring, clock=clock)) as made,
    ):
        house: House = made.extensions["house"]
        house.vault = Vault(FileStore(tmp_path / "blobs", fsync=False), house.keys)
        yield house


@contextmanager
def depositing(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, half of whose deposit lies in the store; a line lets it go on."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("INTRANET_")}
    env |= {"INTRANET_DATA": str(folder), "INTRANET_SECRET_KEY": SECRET_KEY}
    with subprocess.Popen(
        [sys.executable, "-c", DEPOSITING], cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "half of it lies in the store\n"
        yield process


def states() -> list[str]:
    db.session.rollback()
    return list(db.session.scalars(select(Blob.state)))


def test_a_deposit_of_another_process_is_not_hit_until_its_time_is_over(
    home: House, tmp_path: Path, clock: Clock
) -> None:
    began = clock.now
    with depositing(tmp_path) as other:
        for hours in (1, 23.9, 24.9):
            clock.now = began + timedelta(hours=hours)
            assert sum(sweep.orphans(home).values()) == 0
            worker.quick(home)
        assert states() == ["pending"]
        said, _ = other.communicate("and the other half\n", timeout=60)
    assert said == "kept\n"
    assert states() == ["stored"]


def test_a_deposit_that_outlives_its_row_is_refused_and_leaves_nothing(
    home: House, tmp_path: Path, clock: Clock
) -> None:
    with depositing(tmp_path) as other:
        clock.forward(hours=25.1)
        assert sweep.orphans(home)["uploads"] == 1
        worker.quick(home)
        said, _ = other.communicate("\n", timeout=60)
    assert said == "Unavailable\n"
    assert states() == []
    sweep.orphans(home)
    clock.forward(hours=1)
    sweep.orphans(home)
    assert list(home.vault.store.list()) == []


def test_a_deposit_ends_itself_before_the_sweep_may_touch_it(
    app: Flask, desk: Office, house: House, clock: Clock
) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"drop by drop"
            clock.forward(hours=5)
            assert sum(sweep.orphans(house).values()) == 0

    with pytest.raises(Unavailable, match="时间过长"):
        deposits.deposit(
            house, desk.actor("officer"), level=Level.INTERNAL, filename="慢.bin", chunks=endless()
        )
    assert list(house.vault.store.list()) == []
    clock.forward(hours=1)
    assert sweep.orphans(house)["uploads"] == 1
    assert states() == []
