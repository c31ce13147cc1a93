"""Entries whose lexemes one vector cannot hold (whole books, sheets of numbers): few, and asked needle by needle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from search import engine_postgres_terms as terms
from search.plan import Plan, Rung
from search.query import Needle, Word
from search.scoring import Bools

Run = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
Ids = npt.NDArray[np.int64]
#: For each tsquery the entries of which one vector or another answers it. Not one of several needles, which may stand in several.
_HOLDING = (
    "SELECT n.at, h.ids FROM unnest(%s::tsquery[]) WITH ORDINALITY n(query, at) CROSS JOIN LATERAL"
    " (SELECT array_agg(DISTINCT p.id) AS ids FROM {part} p WHERE p.terms @@ n.query) h"
)


class Wide:
    """What they hold, as one snapshot sees it."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._holding: dict[str, Ids] = {}

    def rungs(self, plan: Plan, ids: Ids) -> npt.NDArray[np.int16]:
        """The first rung of each of these entries; -1: none."""
        words = plan.query.words
        found = np.full(len(ids), -1, np.int16)
        if not len(ids) or not words:
            return np.zeros(len(ids), np.int16)
        self._read(words)
        for number, rung in reversed(list(enumerate(plan.rungs))):
            found[self._points(words, rung, ids) >= rung.least] = number
        return found

    def _read(self, words: Sequence[Word]) -> None:
        needles = [one for word in words for near in (word, *word.slips) for one in near.needles]
        asked = {query for one in needles for way in terms.ways(one) for query in way}
        asked |= {terms.spelled(word.letters) for word in words if word.letters}
        new = sorted(asked - self._holding.keys())
        if new:
            for at, ids in self._run(_HOLDING, [new]):
                self._holding[new[at - 1]] = ids if ids is not None else np.empty(0, np.int64)

    def _points(self, words: Sequence[Word], rung: Rung, ids: Ids) -> npt.NDArray[np.int16]:
        points = np.zeros(len(ids), np.int16)
        for word in words:
            mine = np.zeros(len(ids), np.int16)
            for one in word.needles:
                mine += self._holds(one, ids)
            if word.whole:
                mine[mine < len(word.needles)] = 0
            whole = [self._has(terms.spelled(word.letters), ids)] if word.letters else []
            whole += [
                np.all([self._holds(one, ids) for one in slip.needles], axis=0)
                for slip in (word.slips if rung.slips else ())
            ]
            for held in whole:
                mine[held] = len(word.needles)
            points += mine
        return points

    def _holds(self, one: Needle, ids: Ids) -> Bools:
        ways = [np.all([self._has(query, ids) for query in way], axis=0) for way in terms.ways(one)]
        held: Bools = np.any(ways, axis=0)
        return held

    def _has(self, query: str, ids: Ids) -> Bools:
        return np.isin(ids, self._holding[query])
