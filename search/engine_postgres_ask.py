"""A question as conditions of a statement: who may see, what must be held, how many needles are enough.

"At least k of n" is written out as one tsquery of ands and ors, so that the GIN index itself begins with the rarest terms and leaves
out whatever cannot come to k; only of long questions a part is written out, and what it lets through is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from search import analysis
from search import engine_postgres_terms as terms
from search.engine import Access
from search.plan import Plan, Rung
from search.query import Form, Needle, Query, Word

#: Needles of which "at least k" is written out: a hundred lexemes at most.
WRITTEN_OUT = 10
#: Title, number, names, text: where the text of a phrase may stand. It holds no seam, so that it stands in one of them.
_STANDS = " OR ".join(f"strpos({{0}}.{name}, %s) > 0" for name in ("ftitle", "fnumber", "fnames", "folded"))


@dataclass(slots=True)
class Where:
    """Conditions that add up, with their values."""

    parts: list[str] = field(default_factory=list)
    values: list[Any] = field(default_factory=list)

    def add(self, condition: str, *values: Any) -> None:
        """One more."""
        self.parts.append(condition)
        self.values += values

    def __add__(self, other: Where) -> Where:
        return Where(self.parts + other.parts, self.values + other.values)

    def __str__(self) -> str:
        return " AND ".join(self.parts) or "true"


def permitted(access: Access, row: str = "e") -> Where:
    """The rule of `search.engine.Access`."""
    where = Where()
    where.add(f"{row}.level <= %s::bigint", access.clearance)
    tokens = [token for token in access.tokens if "\0" not in token]
    where.add(f"{row}.labels && ARRAY(SELECT l.code FROM {{label}} l WHERE l.name = ANY(%s::text[]))", tokens)
    if access.hidden:
        where.add(f"{row}.id NOT IN (SELECT unnest(%s::bigint[]))", list(access.hidden))
    return where


def matches(query: str, row: str = "e") -> Where:
    """Entries that answer a tsquery."""
    where = Where()
    where.add(f"{row}.terms @@ %s::tsquery", query)
    return where


def stands(text: str, row: str = "e") -> Where:
    """Entries in which the folded text stands."""
    where = Where()
    where.add(f"({_STANDS.format(row)})", *[text] * 4)
    return where


def beside_words(query: Query, access: Access, *, indexed: bool) -> Where:
    """Everything of a query but its words, without the facets among its fields. `indexed`: every entry's lexemes are in the vector
    of its row; otherwise its texts are asked."""
    where = Where()
    for phrase in query.phrases:
        if indexed:
            where += matches(terms.holding(phrase))
        if not (indexed and phrase.exact):
            where += stands(phrase.text)
    for word in query.without:
        if not indexed:
            missing = stands(word.text)
            where.add(f"NOT {missing}", *missing.values)
            continue
        # A set of its own, and not "NOT" for each entry: the index finds it without reading a vector.
        held = permitted(access, "x") + matches(terms.holding(word), "x")
        if not word.exact:
            held += stands(word.text, "x")
        where.add(f"e.id NOT IN (SELECT x.id FROM {{entry}} x WHERE {held})", *held.values)
    if "number" in query.fields:
        where.add(
            "EXISTS (SELECT FROM unnest(%s::text[]) n WHERE strpos(e.fnumber, n) > 0)",
            list(query.fields["number"]),
        )
    if "number" in query.without_fields:
        where.add(
            "NOT EXISTS (SELECT FROM unnest(%s::text[]) n WHERE strpos(e.fnumber, n) > 0)",
            list(query.without_fields["number"]),
        )
    return where  # fmt: skip


def instead(word: Word, rung: Rung) -> list[str]:
    """tsqueries of which one alone stands for all needles of a word."""
    found = [terms.spelled(word.letters)] if word.letters else []
    return found + [terms.holding(slip) for slip in word.slips if rung.slips]


def on_rung(words: Sequence[Word], rung: Rung, weights: Mapping[Needle, float]) -> Where:
    """Entries that stand on a rung."""
    where = Where()
    total = sum(len(word.needles) for word in words)
    if rung.least <= 0:
        return where
    if rung.least > total:
        where.add("false")
    elif rung.least == total:
        where += matches(
            terms.every(terms.some([terms.holding(word), *instead(word, rung)]) for word in words)
        )
    else:
        atoms = [
            (weights.get(one, 0.0), terms.some([held, *instead(word, rung)]))
            for word in words
            for one in word.needles
            for held in [terms.holding(word) if word.whole else terms.needle(one)]
        ]
        rarest = [query for _, query in sorted(atoms, key=lambda atom: -atom[0])]
        # Who has k of n has one of any n - k + 1 of them, and so on.
        chosen = rarest[: max(WRITTEN_OUT, total - rung.least + 1)]
        where += matches(_at_least(rung.least - (total - len(chosen)), chosen))
        if len(chosen) < total:
            where += _counted(words, rung)
    return where


def _at_least(least: int, queries: Sequence[str]) -> str:
    """A tsquery for what answers so many of these: some of the first half and the rest of the second."""
    if least == len(queries):
        return terms.every(queries)
    if least == 1:
        return terms.some(queries)
    half = len(queries) // 2
    first, second = queries[:half], queries[half:]
    ways = range(max(0, least - len(second)), min(least, half) + 1)
    return terms.some(
        terms.every(
            [
                *([_at_least(way, first)] if way else []),
                *([_at_least(least - way, second)] if least - way else []),
            ]
        )
        for way in ways
    )


def _counted(words: Sequence[Word], rung: Rung) -> Where:
    """The same, by looking at the vector of each."""
    where = Where()
    parts: list[str] = []
    values: list[Any] = []
    for word in words:
        needles = [terms.holding(word) if word.whole else terms.needle(one) for one in word.needles]
        points = " + ".join(["(v.terms @@ %s::tsquery)::integer"] * len(needles))
        other = terms.some(instead(word, rung))
        if other:
            points = f"CASE WHEN v.terms @@ %s::tsquery THEN {len(needles)} ELSE {points} END"
            values.append(other)
        parts.append(points)
        values += needles
    read_once = "(SELECT strip(e.terms) AS terms OFFSET 0) v"
    where.add(f"(SELECT {' + '.join(parts)} FROM {read_once}) >= {rung.least}", *values)
    return where


def needles(query: Query) -> list[Needle]:
    """Of words, phrases and slips, each once."""
    words: Iterable[Word] = [
        *query.words,
        *query.phrases,
        *(slip for word in query.words for slip in word.slips),
    ]
    return list(dict.fromkeys(needle for word in words for needle in word.needles))


def prior(plan: Plan, weights: Mapping[Needle, float], number_first: float) -> Where:
    """One expression: what speaks for an entry before it is weighed, that many can be left unweighed. A number or a title typed in
    full, and the rarest needles among the terms that matter most to the entry, more the more they matter."""
    where = Where()
    if key := analysis.number_key(plan.query.text):
        where.add("CASE WHEN e.key = %s THEN %s::float8 ELSE 0 END", key, number_first)
    if title := analysis.fold(plan.query.text):
        where.add("CASE WHEN e.ftitle = %s THEN 100 ELSE 0 END", title)
    ranked = sorted(weights, key=lambda one: -weights[one])
    for one in [needle for needle in ranked if weights[needle] > 0 and needle.form is not Form.CHAR][:4]:
        # 1.25 for the first of 64 terms of two bytes, 0.75 for the last, 0 for what is not among them.
        where.add(
            "mod(320 - position(%s::bytea in e.hot), 320) * %s::float8",
            terms.hot(one.text), weights[one] / 256,
        )  # fmt: skip
    return where
