"""A rebuild that has not come to its end: a generation half built, and what makes it safe to go on with it.

    g000002/source     what it is built from and beside which generation; while it is there the folder is kept
    g000002/journal    ids written to the current generation since the beginning, eight bytes each: ids only, no text

An id is in the journal, on the disk, before the write that it stands for is visible, whether or not a process is building. So
what was put away long ago is right as long as its id is not in the journal; however old it is does not matter.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection
from pathlib import Path

import numpy as np
import numpy.typing as npt

from search import engine_whoosh_disk as disk
from search import engine_whoosh_store as store

_ID = np.dtype("<i8")
#: Bytes of journal before it is looked at whether it still pays.
LONG = 1 << 20

Ids = npt.NDArray[np.int64]


class Half:
    """The files of one. Every method under write.lock, but `changed` and `building`."""

    def __init__(self, folder: Path, *, fsync: bool) -> None:
        self.folder, self._fsync = folder, fsync
        self._source, self._journal = folder / "source", folder / "journal"

    def begin(self, source: str, beside: str) -> None:
        """Make an empty generation one that is being built. What is not whole before the last step counts as nothing."""
        disk.replace(self._journal, b"", fsync=self._fsync)
        disk.replace(self._source, json.dumps([source, beside]).encode(), fsync=self._fsync)

    def end(self) -> None:
        """It is a whole generation now, or nothing that anybody wants: the folder is like any other."""
        self._source.unlink(missing_ok=True)
        if self._fsync:
            disk.settle(self.folder)
        self._journal.unlink(missing_ok=True)

    def of(self, source: str, beside: str) -> bool:
        """Whether it was begun from this source and beside this generation."""
        try:
            return bool(json.loads(self._source.read_bytes()) == [source, beside])
        except (OSError, ValueError):
            return False

    def note(self, ids: Collection[int]) -> None:
        """Keep the ids of a write that is about to be made."""
        file = os.open(self._journal, os.O_RDWR)
        try:
            end = (
                os.fstat(file).st_size // _ID.itemsize * _ID.itemsize
            )  # who died while writing left no whole id
            raw = np.fromiter(ids, _ID, len(ids)).tobytes()
            if os.pwrite(file, raw, end) < len(raw):
                raise OSError("no room for the journal of a rebuild")
            if self._fsync:
                os.fsync(file)
        finally:
            os.close(file)

    def changed(self, seen: int = 0) -> tuple[set[int], int]:
        """The ids noted after the first `seen`, and how many there are by now. Raises OSError where there is no journal."""
        raw = self._journal.read_bytes()
        ids = np.frombuffer(raw, _ID, len(raw) // _ID.itemsize)
        return set(ids[seen:].tolist()), len(ids)

    def pays(self) -> bool:
        """Whether less has changed than was put away. A long journal is written anew with each id once: not while one builds."""
        if self._journal.stat().st_size < LONG:
            return True
        ids, _ = self.changed()
        if len(ids) >= self.building():
            return False
        disk.replace(self._journal, np.fromiter(ids, _ID, len(ids)).tobytes(), fsync=self._fsync)
        return True

    def building(self) -> int:
        """Entries put away. Raises OSError."""
        _, infos = store.segments(self.folder)
        return sum(info.count - len(info.deleted) for info in infos)
