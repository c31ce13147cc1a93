"""`search.plan.Snapshot` over one transaction of PostgreSQL: what it finds is counted and put in order here, with arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from search import analysis
from search import engine_postgres_ask as ask
from search.engine import ALWAYS, Access
from search.engine_postgres_ask import Where
from search.engine_postgres_facets import AGGREGATES, Facets, Rows, joined, rows
from search.engine_postgres_link import Connection
from search.engine_postgres_named import Named
from search.engine_postgres_tables import State, Tables
from search.engine_postgres_weigh import Weigher
from search.engine_postgres_wide import Wide
from search.plan import HEAD, Found, Head, Picked, Plan, Stored
from search.query import Needle
from search.rank import NUMBER_FIRST
from search.scoring import Bools, Bytes

#: Entries that are weighed exactly; of more those with the greatest `ask.prior`. The others follow them, as they are.
WEIGHED = 300


class Look:
    """One state of the index. An entry's handle is its id."""

    def __init__(self, connection: Connection, tables: Tables, state: State, facets: Facets) -> None:
        self._connection, self._tables, self._state, self._facets = connection, tables, state, facets
        self._number = state.current.number
        self.generation = f"{state.born}.{self._number}.{state.serial}"
        self._found: dict[str, Rows] = {}
        self._named = Named(self.run)
        self._wide = Wide(self.run)
        self._weigher = Weigher(self.run, state.current)

    def run(self, statement: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """The rows of a statement over this generation."""
        return self._connection.execute(
            self._tables.sql(statement, self._number), values, binary=True
        ).fetchall()

    def anything(self, access: Access) -> bool:
        """See `Snapshot.anything`."""
        if not access.tokens:
            return False
        where = ask.permitted(access)
        return bool(self.run(f"SELECT EXISTS (SELECT FROM {{entry}} e WHERE {where})", where.values)[0][0])

    def pick(self, plan: Plan, wanted: int) -> Picked:
        """See `Snapshot.pick`."""
        query = plan.query
        if query.empty:
            return Picked()
        weights = self._weigher.rarity(ask.needles(query))
        found, rungs = self._answers(plan, weights)
        typed = self._typed(plan, found)
        found, rungs = found.where(typed), rungs[typed]
        if not len(found):
            return Picked()
        chosen = {
            name: found.having(self._facets.known(name, values)) for name, values in plan.filters.items()
        }
        if plan.within != ALWAYS:
            chosen[""] = _during(found, plan)
        full = _all(chosen.values(), len(found))
        return Picked(
            matched=len(found),
            widest=int(rungs.max()),
            total=int(np.count_nonzero(full)),
            strict=int(np.count_nonzero(rungs[full] == 0)),
            found=self._best(plan, found.where(full), rungs[full], weights, len(found), wanted),
            facets=self._counts(plan, found, chosen, full),
            weights={one.text: weight for one, weight in weights.items()},
        )

    def _answers(self, plan: Plan, weights: Mapping[Needle, float]) -> tuple[Rows, Bytes]:
        """Permitted entries that answer all of the question but its facets, and the first rung of each."""
        self._facets.refresh(self._connection, self._tables, self._state)
        query, wide = plan.query, self._state.current.wide
        fixed = ask.permitted(plan.access)
        prior = ask.prior(plan, weights, NUMBER_FIRST)
        columns = AGGREGATES.format(prior=f"({' + '.join(prior.parts) or '0'})::float8")
        narrow = fixed + ask.beside_words(query, plan.access, indexed=True)
        if wide:
            narrow.add("NOT e.wide")
        parts: list[Rows] = []
        rungs: list[Bytes] = []
        for number, rung in enumerate(plan.rungs if query.words else plan.rungs[:1]):
            where = ask.on_rung(query.words, rung, weights) + narrow if query.words else narrow
            parts.append(self._rows(columns, prior, where))
            rungs.append(np.full(len(parts[-1]), number, np.uint8))
        key = analysis.number_key(query.text)
        if query.words and key:  # its number is the whole question
            numbered = fixed + ask.beside_words(query, plan.access, indexed=False)
            numbered.add("e.key = %s", key)
            parts.append(self._rows(columns, prior, numbered))
            rungs.append(np.zeros(len(parts[-1]), np.uint8))
        if wide:
            texts = fixed + ask.beside_words(query, plan.access, indexed=False)
            texts.add("e.wide")
            some = self._rows(columns, prior, texts)
            standing = self._wide.rungs(plan, some.ids)
            parts.append(some.where(standing >= 0))
            rungs.append(standing[standing >= 0].astype(np.uint8))
        every, on = joined(parts), np.concatenate(rungs)
        if len(parts) == 1:
            return every, on
        order = np.lexsort((on, every.ids))
        first = np.ones(len(order), np.bool_)
        first[1:] = every.ids[order][1:] != every.ids[order][:-1]
        kept = np.zeros(len(order), np.bool_)
        kept[order[first]] = True
        return every.where(kept), on[kept]

    def _rows(self, columns: str, prior: Where, where: Where) -> Rows:
        """Remembered: a question that is loosened asks for the entries of its first rungs again."""
        key = f"{where} {where.values}"
        if key not in self._found:
            statement = f"SELECT {columns} FROM {{entry}} e WHERE {where}"
            self._found[key] = rows(self.run(statement, prior.values + where.values)[0])
        return self._found[key]

    def _typed(self, plan: Plan, found: Rows) -> Bools:
        """Which have the fields that were typed."""
        kept = np.ones(len(found), np.bool_)
        for name, values in plan.query.fields.items():
            if name != "number":
                kept &= found.having(self._facets.folded(name, values))
        for name, values in plan.query.without_fields.items():
            if name != "number":
                kept &= ~found.having(self._facets.folded(name, values))
        return kept

    def _counts(
        self, plan: Plan, found: Rows, chosen: Mapping[str, Bools], full: Bools
    ) -> dict[str, list[tuple[str, int]]]:
        """Of each facet: all filters apply but its own."""
        counted = self._facets.counts(found.where(full)) if plan.facets else {}
        for name in chosen.keys() & set(plan.facets):
            others = _all([mask for other, mask in chosen.items() if other != name], len(found))
            counted[name] = self._facets.counts(found.where(others)).get(name, [])
        return {name: counted.get(name, []) for name in plan.facets}

    def _best(
        self,
        plan: Plan,
        found: Rows,
        rungs: Bytes,
        weights: Mapping[Needle, float],
        matched: int,
        wanted: int,
    ) -> list[Found]:
        """The first `wanted` of them. Which are weighed does not depend on how many are wanted: pages of one list fit together."""
        if plan.order == "updated" or not (plan.query.words or plan.query.phrases):
            newest = np.lexsort((-found.ids, -found.updated))[:wanted]
            return _named(found.ids[newest], np.zeros(len(newest)), rungs[newest])
        prior = found.prior
        if len(found) > WEIGHED and plan.rungs[int(rungs.max())].least < plan.query.points:
            prior = prior + self._weigher.held(plan, found, weights)
        tiers = np.array([rung.tier for rung in plan.rungs], np.uint8)[rungs]
        order = np.lexsort((-found.ids, -found.updated, -prior, tiers))
        first = order[:WEIGHED]
        scores = self._weigher.weighed(plan, found.ids[first], weights, matched)
        inside = np.lexsort((-found.ids[first], -found.updated[first], -scores, tiers[first]))
        order = np.concatenate((first[inside], order[WEIGHED:]))[:wanted]
        gained = np.zeros(len(order))
        gained[: len(first)] = scores[inside][:wanted]
        return _named(found.ids[order], gained, rungs[order])

    def heads(self, ats: Sequence[int]) -> list[Head]:
        """See `Snapshot.heads`."""
        found = self.run(
            "SELECT e.id, e.ftitle, e.fnumber, left(e.folded, %s::integer), e.updated, e.fresh"
            " FROM {entry} e WHERE e.id = ANY(%s::bigint[])",
            [HEAD, list(ats)],
        )
        heads = {row[0]: Head(*row[1:]) for row in found}
        return [heads[at] for at in ats]

    def stored(self, ats: Sequence[int]) -> list[Stored]:
        """See `Snapshot.stored`."""
        found = self.run(
            "SELECT e.id, e.kind, e.number, e.title, e.text, CASE WHEN e.aligned THEN e.folded END"
            " FROM {entry} e WHERE e.id = ANY(%s::bigint[])",
            [list(ats)],
        )
        kept = {row[0]: Stored(*row) for row in found}
        return [kept[at] for at in ats]

    def named(self, text: str, letters: str, access: Access, limit: int) -> list[Stored]:
        """See `Snapshot.named`."""
        return self._named.named(text, letters, access, limit)

    def sounding(self, word: str, access: Access) -> list[tuple[str, int]]:
        """See `Snapshot.sounding`."""
        return self._named.sounding(word, access)

    def similar(self, word: str, access: Access) -> list[tuple[str, int]]:
        """See `Snapshot.similar`."""
        return self._named.similar(word, access, wide=self._state.current.wide)


def _named(
    ids: npt.NDArray[np.int64], scores: npt.NDArray[np.float64], rungs: npt.NDArray[np.uint8]
) -> list[Found]:
    return [
        Found(number, score, rung, number)
        for number, score, rung in zip(ids.tolist(), scores.tolist(), rungs.tolist(), strict=True)
    ]


def _all(masks: Any, size: int) -> Bools:
    kept = np.ones(size, np.bool_)
    for mask in masks:
        kept &= mask
    return kept


def _during(found: Rows, plan: Plan) -> Bools:
    since, until = plan.within
    kept = np.ones(len(found), np.bool_)
    if since is not None:
        kept &= found.updated >= since
    if until is not None:
        kept &= found.updated < until
    return kept
