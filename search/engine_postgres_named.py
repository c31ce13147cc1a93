"""Titles, names and Latin terms: what stands under the box while a person types, and what a word may have been meant to be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import islice
from typing import Any

from search import engine_postgres_ask as ask
from search import engine_postgres_terms as terms
from search import slips, sounds
from search.engine import Access
from search.engine_postgres_ask import Where
from search.plan import Stored

Run = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]

#: Entries looked at for each that is wanted, before those of one and the same title are told apart by the server.
_SPARE = 4
_ORDER = "place, char_length(ftitle), updated DESC, id DESC LIMIT %s"
_FIRST = "SELECT id, kind, number, title, ftitle FROM ({found}) a ORDER BY " + _ORDER
_FIRST_OF_TITLE = (
    "SELECT id, kind, number, title, ftitle FROM (SELECT DISTINCT ON (ftitle) * FROM ({found}) a"
    " ORDER BY ftitle, place, updated DESC, id DESC) b ORDER BY " + _ORDER
)
_ROW = "SELECT e.id, e.kind, e.number, e.title, e.ftitle, e.updated, {place} AS place FROM {{entry}} e WHERE {where}"


class Named:
    """`Snapshot.named`, `sounding` and `similar`. `run`: a statement over one state of a generation."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def named(self, text: str, letters: str, access: Access, limit: int) -> list[Stored]:
        """See `Snapshot.named`."""
        inside = Where()
        if query := terms.titled(text):
            inside += ask.matches(query)
        inside += ask.permitted(access)
        inside.add("(strpos(e.ftitle, %s) > 0 OR strpos(e.fnumber, %s) > 0)", text, text)
        begins = "CASE WHEN starts_with(e.ftitle, %s) OR starts_with(e.fnumber, %s) THEN 0 ELSE 1 END"
        parts = [_ROW.format(place=begins, where=inside)]
        values = [text, text, *inside.values]
        if letters:
            where = ask.matches(terms.begun(letters)) + ask.permitted(access)
            parts.append(_ROW.format(place="2", where=where))
            values += where.values
        found = self._first(parts, values, limit)
        if letters and len(found) < limit:
            where = ask.matches(terms.spelled(letters)) + ask.permitted(access)
            where.add("e.ftitle <> ALL(%s::text[])", list(found))
            found |= self._first([_ROW.format(place="3", where=where)], where.values, limit - len(found))
        return list(found.values())

    def _first(self, parts: Sequence[str], values: Sequence[Any], limit: int) -> dict[str, Stored]:
        """By folded title, of each title the entry that stands first."""
        found = " UNION ALL ".join(parts)
        rows = self._run(_FIRST.format(found=found), [*values, limit * _SPARE])
        if len(rows) == limit * _SPARE and len({row[-1] for row in rows}) < limit:
            rows = self._run(_FIRST_OF_TITLE.format(found=found), [*values, limit])
        named: dict[str, Stored] = {}
        for number, kind, name, title, folded in rows:
            named.setdefault(folded, Stored(number, kind, name, title, "", None))
        return dict(islice(named.items(), limit))

    def sounding(self, word: str, access: Access) -> list[tuple[str, int]]:
        """See `Snapshot.sounding`."""
        where = ask.matches(terms.sounding(word)) + ask.permitted(access)
        texts = "string_agg(e.ftitle || chr(10) || e.fnames, chr(10))"
        text = self._run(f"SELECT {texts} FROM {{entry}} e WHERE {where}", where.values)[0][0] or ""
        heard, key = sounds.key(text), sounds.key(word)
        found: Counter[str] = Counter()
        at = heard.find(key)
        while at >= 0:
            found[text[at : at + len(word)]] += 1
            at = heard.find(key, at + 1)
        found.pop(word, None)
        return list(found.items())

    def similar(self, word: str, access: Access, *, wide: bool) -> list[tuple[str, int]]:
        """See `Snapshot.similar`. `wide`: some entry has several vectors."""
        most = slips.allowed(word)
        near = self._run(
            'SELECT d.term FROM {df} d WHERE d.docs > 0 AND d.term >= %s COLLATE "C" AND d.term < %s COLLATE "C"'
            " AND char_length(d.term) BETWEEN %s AND %s",
            [word[0], chr(ord(word[0]) + 1), len(word) - most, len(word) + most],
        )  # fmt: skip
        close = [term for (term,) in near if slips.close(word, term)]
        if not close:
            return []
        allowed = ask.permitted(access)
        holding = f"SELECT e.id FROM {{entry}} e WHERE e.terms @@ n.query AND {allowed}"
        values = [close, list(map(terms.exactly, close)), *allowed.values]
        if wide:
            holding += (
                " UNION SELECT e.id FROM {entry} e JOIN {part} p ON p.id = e.id"
                f" WHERE p.terms @@ n.query AND {allowed}"
            )
            values += allowed.values
        found = self._run(
            "SELECT n.term, (SELECT count(*) FROM (" + holding + ") h)"
            " FROM unnest(%s::text[], %s::tsquery[]) n(term, query)",
            [*values[2:], *values[:2]],
        )
        return [(term, count) for term, count in found if count]
