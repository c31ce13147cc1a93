"""How good a ranking is, given the grades of what is relevant. Both measures are between 0 and 1, 1 is best."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence


def ndcg(ranked: Sequence[str], grades: Mapping[str, int], depth: int = 10) -> float:
    """Normalised discounted cumulative gain (Järvelin and Kekäläinen 2002, gain 2^grade - 1 as in Burges 2005).

    An article at rank r (from 1) counts (2^grade - 1) / log2(r + 1); the sum of the first `depth` is divided by that of
    the best possible ranking.
    """
    best = _dcg(sorted(grades.values(), reverse=True)[:depth])
    return _dcg([grades.get(key, 0) for key in ranked[:depth]]) / best if best else 0.0


def _dcg(grades: Sequence[int]) -> float:
    return sum((2**grade - 1) / math.log2(rank + 1) for rank, grade in enumerate(grades, 1))


def recall(ranked: Sequence[str], grades: Mapping[str, int], depth: int = 100) -> float:
    """Which part of what is relevant, whatever its grade, stands among the first `depth`."""
    relevant = {key for key, grade in grades.items() if grade > 0}
    return len(relevant.intersection(ranked[:depth])) / len(relevant) if relevant else 0.0
