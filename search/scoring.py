"""BM25 and the order of hits, on arrays of document numbers.

k1 = 1.2, b = 0.75, one field with title and body together: measured best for Chinese pairs.
Above it a modest bonus for words that stand in the title or the number.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

K1 = 1.2
B = 0.75
#: Part of a word's greatest possible weight that an entry gains when the word stands in its title or number.
TITLE_BONUS = 0.4
#: The same when the title is the query and nothing else.
SAME_TITLE_BONUS = 0.6

Bools = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Docs = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Postings:
    """Documents of a needle, ascending, with what each gains by it; `weight`: the needle's rarity (idf)."""

    docs: Docs
    gains: Floats
    weight: float

    @property
    def nbytes(self) -> int:
        return self.docs.nbytes + self.gains.nbytes + 200


def idf(count: int, having: int) -> float:
    """Rarity of a term that `having` of `count` entries have; never negative."""
    return math.log(1 + (count - having + 0.5) / (having + 0.5))


def length_factors(lengths: npt.NDArray[np.int32], mean: float) -> Floats:
    """The part of BM25 that depends on the entry alone."""
    return (K1 * (1 - B + B * lengths / max(mean, 1.0))).astype(np.float32)


def gains(times: npt.NDArray[Any], factors: Floats, weight: float) -> Floats:
    """What `times` occurrences of a term of this weight give to entries with these length factors."""
    counted = times.astype(np.float32)
    return (weight * (K1 + 1) * counted / (counted + factors)).astype(np.float32)


def by_rung(found: Docs, rungs: Bytes, scores: Floats | None, recency: Docs, wanted: int) -> Docs:
    """The first `wanted` of `found`: lower rungs first, within a rung as `best` orders them."""
    mine = rungs[found]
    ranked: list[Docs] = []
    for rung in np.unique(mine).tolist():
        ranked.append(best(found[mine == rung], scores, recency, wanted))
        wanted -= len(ranked[-1])
    return np.concatenate(ranked) if ranked else found[:0]


def best(found: Docs, scores: Floats | None, recency: Docs, wanted: int) -> Docs:
    """The first `wanted` of `found` by score, where there are scores, then by recency (a distinct rank, greater is newer)."""
    if wanted <= 0 or not len(found):
        return found[:0]
    if scores is None:
        ranks = recency[found]
        if wanted < len(found):
            found = found[np.argpartition(ranks, -wanted)[-wanted:]]
        return found[np.argsort(-recency[found])]
    mine = scores[found]
    if wanted < len(found):
        limit = np.partition(mine, -wanted)[-wanted]
        keep = mine >= limit  # ties at the limit stay in, so that recency decides between them
        found, mine = found[keep], mine[keep]
    return found[np.lexsort((-recency[found], -mine))][:wanted]
