"""What a new segment holds, gathered document by document in flat arrays, and handed out term by term."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt

from search.analysis import is_cjk

Numbers = npt.NDArray[np.uint16]
Counts = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Record:
    """What is written for one document."""

    meta: bytes
    text: str
    folded: str
    terms: dict[str, int]


class Gathered:
    """Postings of a segment in the making; its length is their number."""

    def __init__(self) -> None:
        self._ids: defaultdict[str, int] = defaultdict(count().__next__)
        self._terms, self._docs, self._times = array("I"), array("H"), array("B")

    def __len__(self) -> int:
        return len(self._terms)

    def add(self, number: int, terms: Mapping[str, int]) -> None:
        """The terms of the next document, with how often each occurs in it (255 stands for more)."""
        self._terms.extend(map(self._ids.__getitem__, terms))
        self._times.extend(_capped(terms.values()))
        self._docs.extend([number] * len(terms))

    def latin(self) -> list[str]:
        """Every term that does not begin with a Chinese character, in order."""
        return sorted(name for name in self._ids if not is_cjk(name[0]))

    def terms(self) -> Iterator[tuple[str, int, bytes]]:
        """(term, documents, their numbers as 16 bits each and then their counts as 8 bits each), in order of terms."""
        names = sorted(self._ids)
        if not names:
            return
        ranks = np.empty(len(names), dtype=np.uint32)
        ranks[[self._ids[name] for name in names]] = np.arange(len(names), dtype=np.uint32)
        keys = ranks[np.frombuffer(self._terms, np.uint32)]
        order = np.argsort(keys, kind="stable")
        docs = np.frombuffer(self._docs, np.uint16)[order]
        times = np.frombuffer(self._times, np.uint8)[order]
        start = 0
        for name, end in zip(names, np.cumsum(np.bincount(keys, minlength=len(names))).tolist(), strict=True):
            yield name, end - start, docs[start:end].tobytes() + times[start:end].tobytes()
            start = end


def _capped(counts: Collection[int]) -> bytes:
    try:
        return bytes(counts)
    except ValueError:
        return bytes(min(times, 255) for times in counts)
