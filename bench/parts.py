"""The parts of the search benchmark, each a program of its own: `python -m bench.parts PART …` prints one JSON document."""

from __future__ import annotations

import json
import os
import random
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from bench import corpus, measure, peer, questions
from bench.contenders import ENGINES, OfEngine
from bench.corpus import FACETS, READER
from bench.measure import now
from bench.questions import Question
from search.engine import Engine, Entry

CHANGED, ROUNDS, SAVES = 40, 7, 24
AT_ONCE, TURNS = 4, 5
_MARK = "鏖"  # with a character of the round behind it: in no text of the corpus


class _Fed:
    """The documents one after another, and what making them took: that is no part of indexing."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.wall = self.cpu = 0.0

    def after(self, last: int) -> Iterator[Entry]:
        """Those after this one."""
        made = corpus.entries(self.count - last, last + 1)
        while True:
            wall, cpu = now(), time.process_time()
            batch = list(islice(made, corpus.BATCH))
            self.wall += now() - wall
            self.cpu += time.process_time() - cpu
            if not batch:
                return
            yield from batch


def _made(name: str, address: str) -> Engine:
    return next(c for c in ENGINES if c.name == name).make(address)


def build(name: str, address: str, count: str) -> dict[str, float]:
    """Documents a second of a full rebuild, by wall and processor time; MB on disk; the most memory meanwhile."""
    engine = _made(name, address)
    found = _built(int(count), lambda fed: engine.rebuild(fed.after, anew=True))
    engine.close()
    return found | ({"disk": measure.on_disk(Path(address))} if Path(address).is_dir() else {})


def build_peer(_name: str, address: str, count: str) -> dict[str, float]:
    """The same of the peer."""
    path = Path(address)
    return _built(int(count), lambda fed: peer.build(path, fed.after(0))) | {"disk": measure.on_disk(path)}


def _built(count: int, how: Callable[[_Fed], Any]) -> dict[str, float]:
    next(corpus.entries(1))  # the words are made before the clock runs
    fed = _Fed(count)
    cpu, wall = time.process_time(), now()
    how(fed)
    wall, cpu = now() - wall - fed.wall, time.process_time() - cpu - fed.cpu
    return {"rate": count / wall, "cpu_rate": count / cpu, "peak": measure.resident(peak=True)}


def ask(name: str, address: str, opens: str, *kinds: str) -> dict[str, Any]:
    """Times of the kinds of questions (none named: all)."""
    asks = {kind: some for kind, some in questions.questions().items() if not kinds or kind in kinds}
    return measure.asked(lambda: OfEngine(_made(name, address)), asks, int(opens), 3)


def ask_peer(address: str, opens: str, counting: str) -> dict[str, Any]:
    """Times of the kinds of questions that the peer can be asked."""
    path = Path(address)
    asks = {kind: some for kind, some in questions.questions().items() if kind in peer.KINDS}
    return measure.asked(lambda: peer.Fts5(path, counting=counting == "facets"), asks, int(opens), 2)


def memory(name: str, address: str) -> dict[str, float]:
    """Resident MB of a worker process: the application, the index, and after every question was asked twice."""
    from bench import office

    with tempfile.TemporaryDirectory() as folder:
        office.opened(Path(folder))
    empty = measure.resident()
    asker = OfEngine(_made(name, address))
    asker.engine.count()
    opened = measure.resident()
    for _ in range(2):
        for kind, some in questions.questions().items():
            for question in some:
                asker.ask(kind, question)
    return {
        "empty": empty,
        "opened": opened,
        "asked": measure.resident(),
        "peak": measure.resident(peak=True),
    }


def change(name: str, address: str) -> dict[str, float]:
    """Seconds from the call of `write` until the new words are found: 40 items, one item; and of a second process's first
    search after that, in its own wall time. ms of a new question after each save."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        where = address
        if Path(address).is_dir():
            where = shutil.copytree(address, Path(folder) / "index").as_posix()
        engine, other = OfEngine(_made(name, where)), _made(name, where)
        asks = questions.questions()["2-4 words"]
        for question in asks[:60]:
            engine.ask("", question)
        other.count()
        chance = random.Random(20260103)
        fresh = iter(asks[60:])
        many = [_saved(engine, other, chance, CHANGED, n) for n in range(ROUNDS)]
        one = [_saved(engine, other, chance, 1, n + ROUNDS, next(fresh)) for n in range(SAVES)]
        engine.close()
        other.close()
    found = {
        f"many {key}": statistics.median(m[key] for m in many) for key in ("write", "found", "cpu", "other")
    }
    found |= {
        f"one {key}": statistics.median(m[key] for m in one) for key in ("write", "found", "cpu", "other")
    }
    return found | {
        "many worst": max(m["found"] for m in many),
        "after": measure.at([m["after"] for m in one], 95) * 1000,
    }


def _saved(
    asker: OfEngine,
    other: Engine,
    chance: random.Random,
    count: int,
    number: int,
    then: Question | None = None,
) -> dict[str, float]:
    mark = _MARK + chr(0x4E00 + number)
    chosen = [next(corpus.entries(1, n)) for n in chance.sample(range(1, questions.AMONG), count)]
    changed = [
        replace(e, text=f"{e.text}\n{mark}。", level=0, labels=e.labels | {"staff"}, updated=e.updated + 1)
        for e in chosen
    ]
    cpu, start = time.process_time(), now()
    asker.engine.write(changed)
    written = now() - start
    total = asker.engine.search(mark, READER, {}, FACETS, 10, loose=False).total
    found, spent = now() - start, time.process_time() - cpu
    if total != count:
        raise SystemExit(f"{total} of {count} changed items are found")
    start = now()
    if then is not None:
        asker.ask("", then)
    after = now() - start
    start = now()
    if other.search(mark, READER, {}, FACETS, 10, loose=False).total != count:
        raise SystemExit("another engine on the same index does not see the change")
    return {
        "write": written,
        "found": found,
        "cpu": spent,
        "after": after,
        "other": now() - start,
    }


def threads(name: str, address: str, cores: str) -> dict[str, float]:
    """Warm questions a second with one thread and with four, in turns; processor milliseconds of one question.

    On one core a second is one in which the core worked for this process or had nothing to do; on all a second of the clock."""
    if cores == "all":
        os.sched_setaffinity(0, range(os.cpu_count() or 1))
    asker = OfEngine(_made(name, address))
    found = questions.questions()
    asks = [(kind, question) for kind in ("one word", "2-4 words", "phrase") for question in found[kind]]
    random.Random(1).shuffle(asks)
    _at_once(asker, asks, 1)
    rates: dict[int, list[float]] = {1: [], AT_ONCE: []}
    spent: dict[int, list[float]] = {1: [], AT_ONCE: []}
    for _ in range(TURNS):
        for count, several in rates.items():
            cpu, start, idle = time.process_time(), time.perf_counter(), measure.idle()
            _at_once(asker, asks, count)
            cpu, wall = time.process_time() - cpu, time.perf_counter() - start
            several.append(len(asks) / (wall if cores == "all" else cpu + measure.idle() - idle))
            spent[count].append(cpu * 1000 / len(asks))
    one, four = (statistics.median(several) for several in rates.values())
    return {
        "one": one, "four": four, "ratio": four / one,
        "cpu one": statistics.median(spent[1]), "cpu four": statistics.median(spent[AT_ONCE]),
    }  # fmt: skip


def _at_once(asker: OfEngine, asks: Sequence[tuple[str, Question]], count: int) -> None:
    def some(first: int) -> None:
        for kind, question in asks[first::count]:
            asker.ask(kind, question)

    running = [threading.Thread(target=some, args=(n,)) for n in range(count)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()


PARTS: dict[str, Callable[..., dict[str, Any]]] = {
    "build": build, "build-peer": build_peer, "ask": ask, "ask-peer": ask_peer, "memory": memory, "change": change,
    "threads": threads,
}  # fmt: skip

if __name__ == "__main__":
    measure.pin()
    print(json.dumps(PARTS[sys.argv[1]](*sys.argv[2:])))
