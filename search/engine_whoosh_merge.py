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
    inside = living(view, alive)
    classes: dict[int, list[Shard]] = defaultdict(list)
    worn: list[Shard] = []
    for shard, docs in inside.items():
        if len(docs) * 2 <= shard.count:
            worn.append(shard)  # half of it or more is deleted text
        else:
            classes[(len(docs).bit_length() - 1) // 3].append(shard)
    room = _MOST
    chosen, room = _fitting(worn, inside, room)
    for group in classes.values():
        if len(group) >= _FAN:
            some, left = _fitting(group, inside, room)
            if len(some) > 1:  # one alone would only be written again, with each commit
                chosen, room = chosen + some, left
    return Merge(frozenset(shard.name for shard in chosen), {shard: inside[shard] for shard in chosen})


def _fitting(shards: list[Shard], inside: dict[Shard, list[int]], room: int) -> tuple[list[Shard], int]:
    """The smallest ones that have room together, and what room is left."""
    found: list[Shard] = []
    for shard in sorted(shards, key=lambda one: len(inside[one])):
        if len(inside[shard]) > room:
            break
        room -= len(inside[shard])
        found.append(shard)
    return found, room


def dead_text(view: View) -> dict[Shard, list[int]]:
    """The segments in which deleted text still stands, with what lives in each."""
    return {shard: docs for shard, docs in living(view, view.alive).items() if len(docs) < shard.count}


def living(view: View, alive: Bools) -> dict[Shard, list[int]]:
    """Numbers inside each segment of the documents that live."""
    return {
        shard: alive[base : base + shard.count].nonzero()[0].tolist()
        for shard, base in zip(view.shards, view.bases, strict=False)
    }
