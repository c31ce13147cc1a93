"""What a needle is worth, and what an entry is worth by the needles that it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from search import analysis, scoring
from search import engine_postgres_ask as ask
from search import engine_postgres_terms as terms
from search.engine_postgres_facets import Rows
from search.engine_postgres_tables import Generation
from search.plan import Plan
from search.query import Form, Needle
from search.rank import NUMBER_FIRST
from search.scoring import K1, B

Run = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
Floats = npt.NDArray[np.float64]
#: Entries looked at for the rarest needles of a loosened question.
_LOOKED = 10_000

_WEIGH = f"""
SELECT array_agg(s.id), array_agg(s.score) FROM (
    SELECT e.id,
        coalesce((SELECT sum(n.weight * t.times / (t.times + {K1 * (1 - B)} + {K1 * B} * e.length / %s::float8))
            FROM unnest(%s::tsquery[], %s::float8[], %s::float8[]) n(query, lexemes, weight),
            LATERAL (SELECT n.lexemes * ts_rank('{{{terms.RANKS}}}', e.terms, n.query)) t(times)), 0)
        + coalesce((SELECT sum(b.bonus) FROM unnest(%s::text[], %s::float8[]) b(word, bonus)
            WHERE strpos(e.ftitle, b.word) > 0 OR strpos(e.fnumber, b.word) > 0), 0)
        + coalesce((SELECT sum(b.bonus) FROM unnest(%s::tsquery[], %s::float8[]) b(query, bonus)
            WHERE e.terms @@ b.query), 0)
        + CASE WHEN e.ftitle = %s THEN %s::float8 ELSE 0 END
        + CASE WHEN e.key <> '' AND e.key = %s THEN %s::float8 ELSE 0 END AS score
    FROM {{entry}} e WHERE e.id = ANY(%s::bigint[])) s
"""
_RARITY = """
SELECT d.term, d.docs FROM {df} d WHERE d.term = ANY(%s::text[])
UNION ALL
SELECT n.text, (SELECT coalesce(sum(d.docs), 0)::bigint FROM {df} d
    WHERE d.term >= n.text COLLATE "C" AND d.term < (n.text || %s) COLLATE "C") FROM unnest(%s::text[]) n(text)
"""
_LAST = chr(0x10FFFF)


class Weigher:
    """Of one state of a generation. `run`: a statement over it."""

    def __init__(self, run: Run, generation: Generation) -> None:
        self._run, self._total = run, generation.count
        self._mean = max(1.0, generation.words / max(1, generation.count))
        self._having: dict[str, int] = {}

    def rarity(self, needles: Sequence[Needle]) -> dict[Needle, float]:
        """Rarity of each: of one that is open, rarity of all terms that begin with it together."""
        whole = [one.text for one in needles if one.form is Form.EXACT]
        beginnings = [one.text for one in needles if one.form is not Form.EXACT]
        if not needles:
            return {}
        found = self._run(_RARITY, [whole, _LAST, beginnings])
        having = self._having = {text: max(0, docs) for text, docs in found}
        total = self._total
        return {
            one: scoring.idf(total, min(total, having[one.text])) if having.get(one.text) else 0.0
            for one in needles
        }

    def held(self, plan: Plan, found: Rows, weights: Mapping[Needle, float]) -> Floats:
        """The rarity that each of these entries holds of a loosened question: of the rarest needles, as long as few entries have
        them. Other needles are in so many that they hardly tell one from another."""
        held = np.zeros(len(found))
        chosen: list[Needle] = []
        room = _LOOKED
        for one in sorted(weights, key=lambda needle: -weights[needle]):
            room -= self._having.get(one.text, 0)
            if room < 0:
                break
            chosen.append(one)
        allowed = ask.permitted(plan.access)
        looked = self._run(
            "SELECT n.at, (SELECT array_agg(e.id) FROM {entry} e"
            f" WHERE e.terms @@ n.query AND {allowed}) FROM unnest(%s::tsquery[]) WITH ORDINALITY n(query, at)",
            [*allowed.values, [terms.needle(one) for one in chosen]],
        )
        for at, ids in looked:
            if ids is not None:
                held[np.isin(found.ids, ids)] += weights[chosen[at - 1]]
        return held

    def weighed(
        self, plan: Plan, ids: npt.NDArray[np.int64], weights: Mapping[Needle, float], matched: int
    ) -> Floats:
        """BM25 over what ts_rank says of how often a needle occurs, and the bonuses of `scoring`, for each of these entries."""
        query, total = plan.query, self._total
        asked = [one for one, weight in weights.items() if weight > 0]
        # ts_rank divides by the number of lexemes that it is asked for.
        lexemes = [sum(map(len, terms.ways(one))) * terms.SCALE for one in asked]
        whole, titles, spelled = 0.0, [], []
        for word in query.words + query.phrases:
            most = (K1 + 1) * sum(weights[one] for one in word.needles)
            whole += most
            if len(word.text) > 1:
                titles.append((word.text, scoring.TITLE_BONUS * most))
            if word.letters:
                bonus = scoring.TITLE_BONUS * scoring.idf(total, min(total, matched))
                spelled.append((terms.spelled(word.letters), bonus))
        found = self._run(
            _WEIGH,
            [
                self._mean, list(map(terms.needle, asked)), lexemes,
                [weights[one] * (K1 + 1) for one in asked], *_columns(titles), *_columns(spelled),
                analysis.fold(query.text), scoring.SAME_TITLE_BONUS * whole,
                analysis.number_key(query.text), NUMBER_FIRST, ids.tolist(),
            ],
        )[0]  # fmt: skip
        scores = np.zeros(len(ids))
        if found[0] is not None:
            order = np.argsort(ids)
            scores[order[np.searchsorted(ids[order], found[0])]] = found[1]
        return scores


def _columns(pairs: Sequence[tuple[str, float]]) -> tuple[list[str], list[float]]:
    return [one for one, _ in pairs], [other for _, other in pairs]
