"""Who is measured in the search benchmark: one line of `ENGINES` for each of our engines. Their peer is in `bench.peer`."""

from __future__ import annotations

import importlib
import importlib.util
import json
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import corpus, office, postgres
from bench.corpus import FACETS, NOW, READER
from bench.office import CACHE
from bench.questions import LIVE, SUGGESTED, Question
from search.engine import Engine

HITS, LIVE_HITS = 10, 8


class OfEngine:
    """One of ours, asked as `intranet.verbs.finding` asks it."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def ask(self, kind: str, question: Question) -> int:
        """See `bench.measure.Asker`."""
        if kind in SUGGESTED:
            return len(self.engine.suggest(question.text, READER, LIVE_HITS))
        if kind in LIVE:
            self.engine.suggest(question.text, READER, LIVE_HITS)
        limit = LIVE_HITS if kind in LIVE else HITS
        return self.engine.search(question.text, READER, {}, FACETS, limit, now=NOW).strict

    def close(self) -> None:
        """Let go of the index."""
        self.engine.close()


@dataclass(frozen=True)
class Contender:
    """`make`: address -> engine. `limits`: name of a figure at `AT` documents -> the most, for rates and ratios the least.

    `home`: starts what the engine needs and tells the address of the index of so many documents; None: a folder that stays
    for the next run."""

    name: str
    make: Callable[[str], Engine]
    sizes: tuple[int, ...]
    limits: Mapping[str, float]
    home: Callable[[ExitStack], Callable[[int], str]] | None = None

    @property
    def there(self) -> bool:
        """Whether this engine is written, and what it needs installed."""
        written = importlib.util.find_spec(f"search.engine_{self.name}") is not None
        return written and (self.home is None or postgres.installed())


def ready(
    name: str, count: int, sources: list[Path], build: Callable[[Path], dict[str, Any]]
) -> tuple[Path, dict[str, Any]]:
    """The place of an index that stays for the next run, and what was measured when it was made.

    Others of the same name and size go: they were made of other documents or by other sources."""
    folder = CACHE / f"search-{name}-{count}-{corpus.FORMAT}-{office.digest(sources)}"
    for old in CACHE.glob(f"search-{name}-{count}-*"):
        if old != folder or not (old / "made.json").exists():
            shutil.rmtree(old)
    if not folder.exists():
        folder.mkdir(parents=True)
        made = build(folder / "index")
        (folder / "made.json").write_text(json.dumps(made))
    found: dict[str, Any] = json.loads((folder / "made.json").read_text())
    return folder / "index", found


def sources(name: str) -> list[Path]:
    """What decides what an index of this engine holds and how it is made."""
    return office.sources(*(f"engine_{c.name}" for c in ENGINES if c.name != name))


def _whoosh(address: str) -> Engine:
    from search.engine_whoosh import WhooshEngine

    return WhooshEngine(Path(address))


def _postgres(address: str) -> Engine:
    engine: Engine = importlib.import_module("search.engine_postgres").PostgresEngine(address)
    return engine


#: The size at which limits hold and the peer is asked.
AT = 50_000
_WHOOSH_LIMITS = {
    "2-4 words, cold": 120, "2-4 words, warm": 15, "phrase": 40, "worker": 300, "rebuild": 300, "change": 0.5, "threads": 1,
}  # fmt: skip
_POSTGRES_LIMITS = {"one word": 60, "2-4 words, cold": 60, "2-4 words, warm": 60, "phrase": 60}
ENGINES = (
    Contender("whoosh", _whoosh, (5_000, AT, 200_000), _WHOOSH_LIMITS),
    Contender("postgres", _postgres, (AT,), _POSTGRES_LIMITS, postgres.served),
)
