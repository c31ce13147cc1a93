"""BM25 over pairs of Chinese characters in one field, and nothing else: what every engine is measured against.

Okapi BM25 with k1 = 1.2, b = 0.75; a query is an OR of its pairs and Latin runs. No bonus, no proximity, no phrases.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from search import analysis
from search.engine import Entry

K1 = 1.2
B = 0.75


class PlainBM25:
    """An index in memory over entries whose ids are their places: 0, 1, 2 …"""

    def __init__(self, entries: Iterable[Entry]) -> None:
        docs: dict[str, list[int]] = defaultdict(list)
        times: dict[str, list[int]] = defaultdict(list)
        lengths: list[int] = []
        for entry in entries:
            assert entry.id == len(lengths)
            terms = analysis.count_terms(
                analysis.entry_text(entry.title, entry.number, entry.names, entry.text)
            )
            for term, count in terms.items():
                docs[term].append(entry.id)
                times[term].append(count)
            lengths.append(sum(terms.values()))
        length = np.array(lengths, dtype=np.float64)
        self._factors = K1 * (1 - B + B * length / length.mean())
        self._docs = {term: np.array(found, dtype=np.int64) for term, found in docs.items()}
        self._times = {term: np.array(found, dtype=np.float64) for term, found in times.items()}

    def search(self, query: str, limit: int = 100) -> list[int]:
        """Ids of the best entries, best first; between equals, the first. An entry without any term is not found."""
        scores: npt.NDArray[np.float64] = np.zeros(len(self._factors))
        for term in _terms(query):
            if term in self._docs:
                docs, times = self._docs[term], self._times[term]
                idf = math.log(1 + (len(scores) - len(docs) + 0.5) / (len(docs) + 0.5))
                scores[docs] += idf * times * (K1 + 1) / (times + self._factors[docs])
        order = np.argsort(-scores, kind="stable")[:limit]
        return [int(doc) for doc in order if scores[doc] > 0]


def _terms(query: str) -> list[str]:
    """The pairs and the Latin runs of a query, each once; a Chinese character that stands alone is a term itself."""
    folded = analysis.fold(query)
    terms: dict[str, None] = {}
    for start, end, cjk in analysis.runs(folded):
        run = folded[start:end]
        pairs = [run[at : at + 2] for at in range(len(run) - 1)] if cjk and len(run) > 1 else [run]
        terms.update(dict.fromkeys(pairs))
    return list(terms)
