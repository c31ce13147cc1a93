"""Entries that a statement found, as arrays, and the values of their facets as numbers."""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from search import analysis
from search.engine_postgres_link import Connection
from search.engine_postgres_tables import State, Tables
from search.scoring import Bools

Longs = npt.NDArray[np.int64]
#: A column of `Rows` each, as a statement gives it. `prior`: what speaks for an entry before it is weighed.
AGGREGATES = (
    "array_agg(e.id), array_agg(e.updated), array_agg({prior}), string_agg(e.facets, ''),"
    " array_agg(octet_length(e.facets))"
)


@dataclass(frozen=True, slots=True)
class Rows:
    """Entries in no order. `codes`: the numbers of all their facets' values, entry after entry; `sizes`: how many are of each."""

    ids: Longs
    updated: Longs
    prior: npt.NDArray[np.float64]
    codes: npt.NDArray[np.int32]
    sizes: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.ids)

    def where(self, mask: Bools) -> Rows:
        """Those of them."""
        kept = self.codes[np.repeat(mask, self.sizes)]
        return Rows(self.ids[mask], self.updated[mask], self.prior[mask], kept, self.sizes[mask])

    def having(self, codes: Collection[int]) -> Bools:
        """Which have one of these values."""
        found = np.isin(self.codes, np.fromiter(codes, np.int32, len(codes)))
        mask = np.zeros(len(self), np.bool_)
        mask[np.repeat(np.arange(len(self)), self.sizes)[found]] = True
        return mask


def rows(answer: Sequence[Any] | None) -> Rows:
    """From what `AGGREGATES` give."""
    if answer is None or answer[0] is None:
        nothing = np.empty(0, np.int64)
        return Rows(
            nothing, nothing, nothing.astype(float), nothing.astype(np.int32), nothing.astype(np.int32)
        )
    ids, updated, prior, codes, sizes = answer
    return Rows(ids, updated, prior, np.frombuffer(codes, ">i4").astype(np.int32), sizes // 4)


def joined(parts: Sequence[Rows]) -> Rows:
    """All of them, one after another."""
    columns = (np.concatenate([getattr(part, name) for part in parts]) for name in Rows.__slots__)
    return Rows(*columns)


class Facets:
    """What the numbers stand for. A number never changes its meaning: what one transaction has seen, others may use."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._born, self._known = "", 0
        self._values: dict[int, tuple[str, str]] = {}
        self._codes: dict[str, dict[str, int]] = {}

    def refresh(self, connection: Connection, tables: Tables, state: State) -> None:
        """Read those that are new."""
        with self._lock:
            if self._born != state.born:
                self._born, self._known, self._values, self._codes = state.born, 0, {}, {}
            found = connection.execute(
                tables.sql("SELECT code, name, value FROM {facet} WHERE code > %s ORDER BY code"),
                [self._known],
            )
            for code, name, value in found.fetchall():
                self._values[code] = name, value
                self._codes.setdefault(name, {})[value] = code
                self._known = code

    def known(self, name: str, values: Collection[str]) -> list[int]:
        """Numbers of exactly these values."""
        codes = self._codes.get(name, {})
        return [codes[value] for value in set(values) if value in codes]

    def folded(self, name: str, values: Collection[str]) -> list[int]:
        """Numbers of the values that fold to one of these."""
        codes = list(self._codes.get(name, {}).items())
        return [code for value, code in codes if analysis.fold(value) in values]

    def counts(self, found: Rows) -> dict[str, list[tuple[str, int]]]:
        """Of each facet the values that occur, with how many entries have each; most frequent first."""
        times = np.bincount(found.codes, minlength=1)
        counted: dict[str, list[tuple[str, int]]] = {}
        for code in np.flatnonzero(times).tolist():
            name, value = self._values[code]
            counted.setdefault(name, []).append((value, int(times[code])))
        return {name: sorted(values, key=lambda one: (-one[1], one[0])) for name, values in counted.items()}
