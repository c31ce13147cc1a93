"""Saved, then found within two seconds, with the worker as the process that it is: idle, beside a rebuild, after being killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from flask import Flask

from intranet.extensions import db
from intranet.house import House
from intranet.jobs import index
from intranet.verbs import finding
from tests import databases
from tests.jobs.test_worker import ROOT, said, start
from tests.office import SECRET_KEY, Office, build, running
from vault.keyring import Keyring

pytestmark = pytest.mark.skipif(bool(databases.SERVER), reason="the process opens a database file of its own")
PROMISE = 2.0  # seconds
REBUILDING = """
import sys
from intranet.app import create_app
from intranet.jobs import index

def half_way(_count):
    print("all is read, nothing is swapped", flush=True)
    sys.stdin.readline()

app = create_app()
with app.app_context():
    print(index.rebuild(app.extensions["house"], half_way).written, flush=True)
"""


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


@contextmanager
def rebuilding(folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process in the middle of a rebuild; a line lets it come to its end."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("INTRANET_")}
    env |= {"INTRANET_DATA": str(folder), "INTRANET_SECRET_KEY": SECRET_KEY}
    with subprocess.Popen(
        [sys.executable, "-c", REBUILDING], cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "all is read, nothing is swapped\n"
        yield process


def found(house: House, desk: Office, text: str) -> bool:
    db.session.rollback()
    return bool(finding.find(db.session(), house, desk.actor("cook"), text).strict)


def seconds(house: House, desk: Office, worker: subprocess.Popen[str], text: str) -> float:
    """From the answer to whoever saves until everybody finds it. The worker says when it has been by."""
    desk.add("resource", "officer", title=text)
    began = time.monotonic()
    while not found(house, desk, f'"{text}"'):
        said(worker, "round")
    return time.monotonic() - began


def test_saved_is_found_within_two_seconds_idle_and_beside_a_rebuild(app: Flask, tmp_path: Path) -> None:
    """The best of three: what else this machine does may hold up any one of them."""
    house: House = app.extensions["house"]
    desk = Office(app, house)
    desk.add("resource", "officer", title="起初就有的")
    with start(tmp_path) as worker:
        said(worker, "round")
        idle = [seconds(house, desk, worker, f"平时登记{n}号") for n in "甲乙丙"]
        with rebuilding(tmp_path) as other:
            beside = [seconds(house, desk, worker, f"重建期间登记{n}号") for n in "甲乙丙"]
            written, _ = other.communicate("\n", timeout=60)
        after = seconds(house, desk, worker, "重建之后登记")
        worker.send_signal(signal.SIGTERM)
        said(worker, "worker.stop")
    assert written.split()[-1] == "7"
    assert min(idle) < PROMISE, idle
    assert min(beside) < PROMISE, beside
    assert after < 10 * PROMISE
    assert index.compare(house, mend=False).same


def test_a_rebuild_and_a_worker_that_are_killed_lose_nothing(app: Flask, tmp_path: Path) -> None:
    house: House = app.extensions["house"]
    desk = Office(app, house)
    desk.add("resource", "officer", title="起初就有的")
    with start(tmp_path) as worker:
        said(worker, "round")
        with rebuilding(tmp_path) as other:
            desk.add("resource", "officer", title="重建期间登记")
            said(worker, "round")
            other.kill()
        worker.kill()
    desk.add("resource", "officer", title="都被终止之后登记")
    with start(tmp_path, "--once", "--json") as once:
        once.communicate(timeout=60)
    assert once.returncode == 0
    for text in ("起初就有的", "重建期间登记", "都被终止之后登记"):
        assert found(house, desk, f'"{text}"')
    assert index.rebuild(house).written == 3
    assert index.compare(house, mend=False).same
