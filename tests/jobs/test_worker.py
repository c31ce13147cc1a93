"""The worker as a process: it ends when told to, and being killed costs nothing."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from intranet.house import House
from intranet.jobs import worker
from intranet.models import Outbox
from tests import databases
from tests.office import SECRET_KEY, Office, build, running
from vault.keyring import Keyring

ROOT = Path(__file__).resolve().parent.parent.parent
pytestmark = pytest.mark.skipif(bool(databases.SERVER), reason="the process opens a database file of its own")


@pytest.fixture
def app(tmp_path: Path, settled: str, keyring: Keyring) -> Iterator[Flask]:
    """An office in a folder that another process can open, by the clock of this machine."""
    from intranet.house import utc_now

    folder = Keyring.create(tmp_path / "keys")
    with (
        databases.copied(settled, tmp_path) as url,
        running(build(tmp_path, url, keyring=folder, clock=utc_now)) as made,
    ):
        yield made


def start(folder: Path, *more: str) -> subprocess.Popen[str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("INTRANET_")}
    env |= {"INTRANET_DATA": str(folder), "INTRANET_SECRET_KEY": SECRET_KEY, "INTRANET_BACKUP_HOURS": "0"}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker", *more]
    return subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def said(process: subprocess.Popen[str], event: str) -> dict[str, object]:
    """The next line of the worker's log with this event; ends with the process."""
    assert process.stderr is not None
    for line in process.stderr:
        row: dict[str, object] = json.loads(line)
        if row["event"] == event:
            return row
    raise AssertionError(f"the worker ended without saying {event}")


def test_killed_and_started_again_it_finishes_what_was_promised_and_ends_when_told(
    app: Flask, tmp_path: Path
) -> None:
    house: House = app.extensions["house"]
    desk = Office(app, house)
    first = desk.add("resource", "officer", title="供水管理办法")
    with start(tmp_path) as killed:
        said(killed, "worker.start")
        killed.send_signal(signal.SIGKILL)
    second = desk.add("resource", "officer", title="供电管理办法")
    with start(tmp_path) as again:
        said(again, "round")
        again.send_signal(signal.SIGTERM)
        stopped = said(again, "worker.stop")
    assert again.returncode == 0
    assert stopped["waited"] is True
    worker.quick(house)
    assert {first.id, second.id} <= set(dict(house.engine.ids()))
    assert desk.outbox("index") == []


def test_once_drains_what_is_due_and_ends(app: Flask, tmp_path: Path) -> None:
    house: House = app.extensions["house"]
    desk = Office(app, house)
    blob = desk.deposit("officer", "换热站巡检记录".encode())
    item = desk.add("resource", "officer", blobs=(blob,))
    with start(tmp_path, "--once", "--json") as done:
        out, _log = done.communicate(timeout=60)
    assert done.returncode == 0
    report = json.loads(out)
    assert report["done"]["extract"] == 1
    assert report["failed"] == {}
    assert item.id in dict(house.engine.ids())
    rows: list[Outbox] = desk.outbox("extract") + desk.outbox("index")
    assert rows == []
