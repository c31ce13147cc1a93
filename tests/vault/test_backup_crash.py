"""kill -9 in the middle of a snapshot: nothing half is left, and the next run completes (L108)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import vault
from tests.vault.backup_office import DUMP, START, Office, contents, day, fill
from vault.backup import Busy, ObjectRef, Repository, Retention
from vault.store_fs import FileStore

# Stops by itself after a number of objects and says so; the test then kills it where it stands.
CHILD = """
import os
import sys
from pathlib import Path
from tests.vault.backup_office import DUMP, START, ref
from vault.backup import Repository
from vault.store_fs import FileStore
folder, recipient, stop = Path(sys.argv[1]), sys.argv[2], sys.argv[3]
def progress(step, objects, size):
    if (step, str(objects)) == tuple(stop.split(":")):
        os.write(1, b"here\\n")
        sys.stdin.read()
class Source(FileStore):
    def get(self, name):
        for piece in super().get(name):
            yield piece
            if stop == "inside":
                os.write(1, b"here\\n")
                sys.stdin.read()
Repository(FileStore(folder / "repository"), workers=2).snapshot(
    at=START, database=[DUMP] * 3, recipients=[recipient], objects=[ref(number) for number in range(60)],
    source=Source(folder / "source"), progress=progress)
"""


@pytest.mark.parametrize("stop", ["database:0", "objects:1", "objects:25", "objects:60", "inside"])
def test_killed_snapshot_leaves_nothing_half_and_is_completed(tmp_path: Path, stop: str) -> None:
    office = Office(FileStore(tmp_path / "repository"), FileStore(tmp_path / "source"))
    refs = fill(office.source, range(60))
    root = str(Path(vault.__file__).parent.parent)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(tmp_path), str(office.key.recipient), stop],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert child.stdin is not None
    assert child.stdout is not None
    with child.stdin, child.stdout:
        try:
            said = child.stdout.readline()
        finally:
            child.kill()
            status = child.wait()
    assert (said, status) == (b"here\n", -signal.SIGKILL)

    assert office.repository.list() == []
    assert office.repository.verify().snapshots == 0
    copied = len(list(office.store.list("objects/")))
    with pytest.raises(Busy):
        again(office, START + timedelta(minutes=1), refs)
    snapshot = again(office, START + timedelta(minutes=16), refs)

    (found,) = office.repository.list()
    assert (found.id, found.objects, found.new_objects, found.complete) == (snapshot, 60, 60 - copied, True)
    if stop == "objects:60":
        assert copied == 60
    assert office.repository.verify(read_data=True).ok
    target = FileStore(tmp_path / "target")
    assert office.repository.restore(snapshot, [office.key], target, tmp_path / "data.db").ok
    assert contents(target) == contents(office.source)
    assert (tmp_path / "data.db").read_bytes() == DUMP * 3

    # What the dead run left (its dump, if it came that far) goes with the next pruning; nothing else does.
    left = len(list(office.store.list("dumps/"))) - 1
    assert office.repository.prune(Retention(last=1), at=day(1)).objects == left
    assert office.repository.verify(read_data=True).ok


def again(office: Office, at: datetime, refs: list[ObjectRef]) -> str:
    made = Repository(office.store).snapshot(
        at=at,
        database=[DUMP] * 3,
        recipients=[str(office.key.recipient)],
        objects=refs,
        source=office.source,
    )
    return made.id
