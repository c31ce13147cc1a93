"""The search engine of one machine: Whoosh keeps, numpy finds.

Whoosh's searchers need 100 ms to seconds for a query over 50,000 documents and leak in known ways when filtered
(see tests/search/test_traps.py). Here Whoosh is the store with its safe commits; a view of each generation is held
in memory and asked with array operations; permission is one array of booleans for each class of persons.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from search import engine_whoosh_store
from search.engine import Busy, Damaged, Entry
from search.engine_whoosh_files import Held, Home
from search.engine_whoosh_merge import dead_text, to_merge
from search.engine_whoosh_search import Look
from search.engine_whoosh_shard import Cache, Names, Shard, record
from search.engine_whoosh_store import Record, Writer
from search.engine_whoosh_view import RawCache, View
from search.finder import Finder
from search.plan import Snapshot

_RAW = 32 << 20
_TRIES = 20


class _Open:
    """A view with what tells whether it is still the newest."""

    def __init__(self, view: View, held: Held, mark: tuple[int, int], number: int) -> None:
        self.view, self.held, self.mark, self.number = view, held, mark, number


class WhooshEngine(Finder):
    """`search.engine.Engine` over a folder, for threads and processes. `timeout`: seconds to wait for a writer."""

    def __init__(self, folder: Path, *, timeout: float = 20.0) -> None:
        self._folder, self._timeout = folder, timeout
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._home = Home(self._folder, self._timeout)
        self._swap = threading.Lock()
        self._now: _Open | None = None
        self._names = Names()
        self._raw: RawCache = Cache(_RAW, lambda raw: raw[0].nbytes + raw[1].nbytes + 300 if raw else 200)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See `Finder.snapshot`. The view holds what it reads open, so nothing has to be given back."""
        yield Look(self._newest().view)

    def ids(self) -> Iterator[tuple[int, int]]:
        """See `Engine.ids`."""
        return self._newest().view.pairs()

    def count(self) -> int:
        """See `Engine.count`."""
        return self._newest().view.count

    def write(self, add: Sequence[Entry], remove: Collection[int] = ()) -> None:
        """See `Engine.write`."""
        fresh = {entry.id: entry for entry in add}
        gone = fresh.keys() | set(remove)
        if not gone:
            return
        with self._home.locked("write.lock"):
            now = self._newest()
            self._home.note(gone)
            self._change(now.held.folder, now.view, map(record, fresh.values()), gone)
            self._newest()
            self._home.sweep()

    def _change(self, folder: Path, view: View, records: Iterable[Record], gone: Collection[int]) -> None:
        """Deletions first, then the records in as many commits as memory asks for. Under write.lock."""
        docs = set(view.docs_of(set(gone)).tolist())
        merge = to_merge(view, docs)
        left = iter(records)
        deletions = docs
        more = True
        while more:
            writer = Writer(folder, self._timeout)
            try:
                more = _fill(writer, left)
                for doc in deletions:
                    writer.delete(doc)
                if not more:
                    for shard, inside in merge.documents:
                        writer.add(shard.record(inside))
            except BaseException:
                writer.cancel()
                raise
            writer.commit(frozenset() if more else merge.drop)
            deletions = set()

    def purge(self) -> None:
        """See `Engine.purge`. A segment with dead text is written again, one a commit; the others stay as they are."""
        with self._home.locked("write.lock"):
            now = self._newest()
            for shard, docs in dead_text(now.view).items():
                writer = Writer(now.held.folder, self._timeout)
                try:
                    for doc in docs:
                        writer.add(shard.record(doc))
                except BaseException:
                    writer.cancel()
                    raise
                writer.commit(frozenset({shard.name}))
            self._newest()
            self._home.sweep()
            if not self._home.alone():
                raise Busy("another generation is being read or written")

    def rebuild(self, entries: Iterable[Entry]) -> int:
        """See `Engine.rebuild`."""
        home = self._home
        with home.locked("rebuild.lock"):
            with home.locked("write.lock"):
                home.remove_old()
                folder = home.new_generation()
                home.open_journal()
            left, more = map(record, entries), True
            while more:
                writer = Writer(folder, self._timeout)
                try:
                    more = _fill(writer, left)
                except BaseException:
                    writer.cancel()
                    raise
                writer.commit()
            with home.locked("write.lock"):
                changed = home.take_journal()
                built = self._load(folder, {}, "")[0]
                if changed:
                    view = self._newest().view
                    places = (view.locate(doc) for doc in view.docs_of(changed).tolist())
                    self._change(folder, built, (shard.record(doc) for shard, doc in places), changed)
                home.point(folder)
                home.close_journal()
                self._newest()
                home.remove_old()
        return built.count

    def close(self) -> None:
        """See `Engine.close`."""
        with self._swap:
            self._now = None

    def _newest(self) -> _Open:
        """The newest generation, opened if another process or thread has committed."""
        if self._pid != os.getpid():
            self._start()  # after a fork: files opened before share their position with the parent
        now = self._now
        if now is not None and self._is_newest(now):
            return now
        with self._swap:
            if self._now is None or not self._is_newest(self._now):
                self._now = self._reopen(self._now)
            return self._now

    def _is_newest(self, now: _Open) -> bool:
        return self._home.mark() == now.mark and engine_whoosh_store.generation(now.held.folder) == now.number

    def _reopen(self, old: _Open | None) -> _Open:
        held, mark = self._home.hold()
        known: dict[str, Shard] = {}
        if old is not None and old.held.folder == held.folder:
            known, held = {shard.name: shard for shard in old.view.shards}, old.held
        view, number = self._load(held.folder, known, held.folder.name)
        return _Open(view, held, mark, number)

    def _load(self, folder: Path, known: dict[str, Shard], name: str) -> tuple[View, int]:
        for left in reversed(range(_TRIES)):
            try:
                number, infos = engine_whoosh_store.segments(folder)
                shards = [known.get(info.name) or Shard(folder, info, self._names) for info in infos]
            except FileNotFoundError as error:
                if not left:  # otherwise a commit has removed a file between the table and the opening
                    raise Damaged(str(folder)) from error
            except Exception as error:  # what a spoiled file makes Whoosh raise knows no bounds
                raise Damaged(str(folder)) from error
            else:
                deleted = [info.deleted for info in infos]
                return View(shards, deleted, self._names, f"{name}.{number}", self._raw), number
        raise AssertionError


def _fill(writer: Writer, records: Iterator[Record]) -> bool:
    """Add records until the writer is full; True: there may be more."""
    for item in records:
        writer.add(item)
        if writer.full:
            return True
    return False
