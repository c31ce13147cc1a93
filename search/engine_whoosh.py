"""The search engine of one machine: Whoosh keeps, numpy finds.

Whoosh's searchers need 100 ms to seconds for a query over 50,000 documents and leak in known ways when filtered
(see tests/search/test_traps.py). Here Whoosh is the store with its safe commits; a view of each generation is held
in memory and asked with array operations; permission is one array of booleans for each class of persons.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path

from search import engine_whoosh_store
from search.engine import After, Busy, Damaged, Entry
from search.engine_whoosh_files import Held, Home
from search.engine_whoosh_half import Half
from search.engine_whoosh_merge import dead_text, living, to_merge
from search.engine_whoosh_postings import Record
from search.engine_whoosh_record import record
from search.engine_whoosh_search import Look
from search.engine_whoosh_shard import Cache, Names, Shard
from search.engine_whoosh_store import Writer
from search.engine_whoosh_view import RawCache, View
from search.finder import Finder
from search.plan import Snapshot

_RAW = 12 << 20
_TRIES = 20
#: A rebuild puts away what it has after so many documents, later after half as many as it has: a kill costs a third of the
#: work at most, and the segments stay few.
STEP = 1000
#: Documents that a purge moves at a time: about a second in which writers wait.
MOVED = 1000
#: Carrying over what was written meanwhile is repeated while it is more than this, so that writers hardly wait at the swap.
_FEW, _ROUNDS = 50, 5


class _Open:
    """A view with what tells whether it is still the newest."""

    def __init__(self, view: View, held: Held, mark: tuple[int, int], number: int) -> None:
        self.view, self.held, self.mark, self.number = view, held, mark, number


class WhooshEngine(Finder):
    """`search.engine.Engine` over a folder, for threads and processes. `timeout`: seconds to wait for a writer.
    `fsync=False` gives up what was written last before a power cut, never anything to a killed process."""

    def __init__(self, folder: Path, *, timeout: float = 20.0, fsync: bool = True) -> None:
        self._folder, self._timeout, self._fsync = folder, timeout, fsync
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._home = Home(self._folder, self._timeout, fsync=self._fsync)
        self._swap = threading.Lock()
        self._now: _Open | None = None
        self._names = Names()
        self._raw: RawCache = Cache(_RAW, lambda raw: raw[0].nbytes + raw[1].nbytes + 700 if raw else 400)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See `Finder.snapshot`. The view holds what it reads open, so nothing has to be given back."""
        yield Look(self._newest().view)

    def ids(self) -> Iterator[tuple[int, int]]:
        """See `Engine.ids`."""
        view = self._newest().view
        return view.pairs(view.updated)

    def fingerprints(self) -> Iterator[tuple[int, int]]:
        """See `Engine.fingerprints`."""
        view = self._newest().view
        return view.pairs(view.fingerprints)

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
            self._home.remove_old()

    def _change(self, folder: Path, view: View, records: Iterable[Record], gone: Collection[int]) -> None:
        """Deletions first, then the records in as many commits as memory asks for. Under write.lock."""
        docs = set(view.docs_of(set(gone)).tolist())
        merge = to_merge(view, docs)
        left = iter(records)
        deletions = docs
        more = True
        while more:
            writer = self._writer(folder)
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

    def purge(self, between: Callable[[], None] = lambda: None) -> None:
        """See `Engine.purge`. Segments with dead text are written again, a piece at a time; the others stay as they are."""
        home = self._home
        with home.locked("write.lock"):
            names = [shard.name for shard in dead_text(self._newest().view)]
        for name in names:
            more = True
            while more:
                with home.locked("write.lock"):
                    now = self._newest()
                    more = self._rewrite(now.held.folder, now.view, name)
                    self._newest()
                between()
        with home.locked("write.lock"):
            engine_whoosh_store.tidy(self._newest().held.folder)
            half = home.half()
            # One that rests would keep the text until somebody goes on.
            if half is not None and not home.rebuilding():
                self._settle(half)
            home.remove_old()
            if not home.alone():
                raise Busy("another generation is being read or written")

    def _settle(self, half: Half) -> None:
        view = self._sound(half)
        while view is not None and (dead := dead_text(view)):
            self._rewrite(half.folder, view, next(iter(dead)).name)
            view = self._load(half.folder, _named(view), "")[0]
        if view is not None:
            engine_whoosh_store.tidy(half.folder)

    def _rewrite(self, folder: Path, view: View, name: str) -> bool:
        """Move what lives in a segment into a new one, MOVED documents at most; without any left it goes. True: there is more."""
        at = next((at for at, shard in enumerate(view.shards) if shard.name == name), None)
        if at is None:
            return False
        docs = living(view, view.alive)[view.shards[at]]
        moved, more = docs[:MOVED], len(docs) > MOVED
        writer = self._writer(folder)
        try:
            for doc in moved:
                writer.add(view.shards[at].record(doc))
                if more:
                    writer.delete(view.bases[at] + doc)
        except BaseException:
            writer.cancel()
            raise
        writer.commit(frozenset() if more else frozenset({name}))
        return more

    def rebuild(self, entries: After, *, source: str = "", anew: bool = False) -> int:
        """See `Engine.rebuild`."""
        home = self._home
        with home.locked("rebuild.lock"):
            with home.locked("write.lock"):
                half, after = self._begun(source, anew)
            self._build(half, map(record, entries(after)))
            seen, built = 0, self._load(half.folder, {}, "")[0]
            for _ in range(_ROUNDS):
                with home.locked("write.lock"):  # what is noted is written by then
                    changed, seen = half.changed(seen)
                    now = self._newest() if changed else None
                built = self._carry(half, built, now, changed)
                if len(changed) <= _FEW:
                    break
            with home.locked("write.lock"):
                changed, _ = half.changed(seen)
                built = self._carry(half, built, self._newest() if changed else None, changed)
                home.point(half.folder)
                half.end()
                with self._swap:
                    self._now = self._reopen(self._now, built)
                home.remove_old()
        return built.count

    def building(self) -> int | None:
        """See `Engine.building`."""
        half = self._home.half()
        with contextlib.suppress(OSError):
            return None if half is None else half.building()
        return None

    def _begun(self, source: str, anew: bool) -> tuple[Half, int]:
        """What is being built, and the id after which to go on. Under both locks."""
        half = self._home.half()
        if half is not None and not anew and half.of(source, self._home.current().name):
            view = self._sound(half)
            if view is not None:
                return half, int(view.ids[view.alive].max(initial=0))
        return self._home.begin(source), 0

    def _sound(self, half: Half) -> View | None:
        """What is put away in it and still right; None, and it is given up, where that cannot be said. Under write.lock.

        What was written since goes: it is carried over at the end, and must not count as what was last put away."""
        try:
            changed, _ = half.changed()
            if changed:
                self._newest()  # it must hold what is noted
            return self._carry(half, self._load(half.folder, {}, "")[0], None, changed)
        except (Damaged, OSError):
            half.end()
            return None

    def _build(self, half: Half, records: Iterator[Record]) -> None:
        more = True
        while more:
            most = max(STEP, half.building() // 2)
            writer = self._writer(half.folder)
            try:
                more = _fill(writer, records, most)
            except BaseException:
                writer.cancel()
                if not half.building():
                    half.end()  # there is nothing to go on with
                raise
            writer.commit()

    def _carry(self, half: Half, built: View, now: _Open | None, ids: set[int]) -> View:
        """Replace the entries of these ids by those of now, or take them out where it is None."""
        if not ids:
            return built
        places = [now.view.locate(doc) for doc in now.view.docs_of(ids).tolist()] if now is not None else []
        self._change(half.folder, built, (shard.record(doc) for shard, doc in places), ids)
        return self._load(half.folder, _named(built), "")[0]

    def close(self) -> None:
        """See `Engine.close`."""
        with self._swap:
            self._now = None

    def _writer(self, folder: Path) -> Writer:
        return Writer(folder, self._timeout, fsync=self._fsync)

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

    def _reopen(self, old: _Open | None, built: View | None = None) -> _Open:
        """`built`: of the newest generation, where it is there already."""
        held, mark = self._home.hold()
        known = _named(built) if built is not None else {}
        if old is not None and old.held.folder == held.folder:
            known, held = _named(old.view), old.held
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


def _named(view: View) -> dict[str, Shard]:
    return {shard.name: shard for shard in view.shards}


def _fill(writer: Writer, records: Iterator[Record], most: int | None = None) -> bool:
    """Add records until the writer is full, or has `most`; True: there may be more."""
    for number, item in enumerate(records, 1):
        writer.add(item)
        if writer.full or number == most:
            return True
    return False
