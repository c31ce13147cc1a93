"""Which segments to write again with the next commit: they stay few, and deleted text does not stay for ever."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from search.engine_whoosh_shard import Shard
from search.engine_whoosh_view import View
from search.scoring import Bools

#: Segments of a size class (powers of eight) before they become one.
_FAN = 8
#: Documents one commit writes again at most: about a second.
_MOST = 2048


@dataclass(frozen=True, slots=True)
class Merge:
    """`drop`: names of the segments that go; `documents`: what lives in them."""

    drop: frozenset[str] = frozenset()
    _living: dict[Shard, list[int]] = field(default_factory=dict)

    @property
    def documents(self) -> Iterator[tuple[Shard, int]]:
        for shard, docs in self._living.items():
            for doc in docs:
                yield shard, doc


def to_merge(view: View, leaving: Collection[int]) -> Merge:
    """Choose; `leaving`: documents that the same commit deletes."""
    alive = view.alive.copy()
    alive[list(leaving)] = False
    living = _living(view, alive)
    classes: dict[int, list[Shard]] = defaultdict(list)
    chosen: list[Shard] = []
    for shard, docs in living.items():
        if len(docs) * 2 <= shard.count:
            chosen.append(shard)  # half of it or more is deleted text
        else:
            classes[(len(docs).bit_length() - 1) // 3].append(shard)
    for group in classes.values():
        if len(group) >= _FAN:
            chosen += group
    kept: dict[Shard, list[int]] = {}
    room = _MOST
    for shard in sorted(chosen, key=lambda one: len(living[one])):
        room -= len(living[shard])
        if room < 0:
            break
        kept[shard] = living[shard]
    return Merge(frozenset(shard.name for shard in kept), kept)


def dead_text(view: View) -> dict[Shard, list[int]]:
    """The segments in which deleted text still stands, with what lives in each."""
    return {shard: docs for shard, docs in _living(view, view.alive).items() if len(docs) < shard.count}


def _living(view: View, alive: Bools) -> dict[Shard, list[int]]:
    return {
        shard: alive[base : base + shard.count].nonzero()[0].tolist()
        for shard, base in zip(view.shards, view.bases, strict=False)
    }
