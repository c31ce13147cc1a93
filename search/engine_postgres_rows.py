"""Entries as rows: what is worked out of them once, when they are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from search import analysis
from search import engine_postgres_terms as terms
from search.engine import Entry
from search.engine_postgres_link import Connection, Vector
from search.engine_postgres_schema import COLUMNS, TERMS
from search.engine_postgres_tables import Tables

Code = dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Prepared:
    """An entry and what its words come to."""

    entry: Entry
    number: str
    title: str
    text: str
    folded: str
    aligned: bool
    folded_number: str
    folded_title: str
    folded_names: tuple[str, ...]
    words: terms.Words

    @property
    def wide(self) -> bool:
        """Whether one vector cannot hold its lexemes."""
        return len(self.words.vectors) > 1

    @property
    def nbytes(self) -> int:
        """About as many bytes as it has in memory."""
        return sum(map(len, self.words.vectors)) + 6 * len(self.text)


def prepared(entry: Entry) -> Prepared:
    """Everything but the numbers of labels and facets."""
    number, title = _clean(entry.number), _clean(entry.title)
    text, folded, aligned = analysis.align(_clean(entry.text))
    folded_number, folded_title = analysis.fold(number), analysis.fold(title)
    names = tuple(analysis.fold(_clean(name)) for name in entry.names)
    words = terms.words(folded_title, folded_number, names, folded)
    return Prepared(entry, number, title, text, folded, aligned, folded_number, folded_title, names, words)


def _clean(text: str) -> str:
    """What PostgreSQL can keep. What goes says nothing to the eye nor, folded, to a search."""
    return text.encode(errors="replace").decode().replace("\0", "")


def copy(connection: Connection, tables: Tables, number: int, rows: Sequence[Prepared]) -> None:
    """Put entries into a generation that has none of their ids. As part of a transaction."""
    labels = _labels(connection, tables, {_clean(label) for one in rows for label in one.entry.labels})
    facets = _facets(connection, tables, {pair for one in rows for pair in _pairs(one.entry)})
    with connection.cursor() as cursor:
        with cursor.copy(tables.sql("COPY {entry} FROM STDIN (FORMAT BINARY)", number)) as out:
            out.set_types(list(COLUMNS.values()))
            for one in rows:
                out.write_row(_row(one, labels, facets))
        wide = [one for one in rows if one.wide]
        if not wide:
            return
        with cursor.copy(tables.sql("COPY {part} FROM STDIN (FORMAT BINARY)", number)) as out:
            out.set_types(["int8", "tsvector"])
            for one in wide:
                for vector in one.words.vectors:
                    out.write_row((one.entry.id, Vector(vector)))


def _row(one: Prepared, labels: dict[str, int], facets: Code) -> tuple[Any, ...]:
    entry = one.entry
    codes = [facets[pair] for pair in _pairs(entry)]
    return (
        entry.id, entry.updated, entry.fingerprint(), entry.fresh, one.words.length, entry.level, one.aligned, one.wide,
        sorted({labels[_clean(label)] for label in entry.labels}), np.array(codes, ">i4").tobytes(), one.words.hot,
        analysis.number_key(one.folded_number), one.folded_title, one.folded_number,
        analysis.NAME_SEAM.join(one.folded_names), _clean(entry.kind), one.number, one.title,
        Vector(one.words.vectors[0]), one.text, one.folded,
    )  # fmt: skip


def _pairs(entry: Entry) -> list[tuple[str, str]]:
    """(facet, value), each once."""
    return [(_clean(name), _clean(value)) for name, values in entry.all_facets().items() for value in values]


def _labels(connection: Connection, tables: Tables, wanted: Collection[str]) -> dict[str, int]:
    """The number of each label, given where it has none."""
    known = "SELECT name, code FROM {label} WHERE name = ANY(%s)"
    found: dict[str, int] = dict(connection.execute(tables.sql(known), [list(wanted)]).fetchall())
    if missing := sorted(wanted - found.keys()):
        _give(connection, tables, "{label}")
        give = "INSERT INTO {label} (name) SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"
        connection.execute(tables.sql(give), [missing])
        found = dict(connection.execute(tables.sql(known), [list(wanted)]).fetchall())
    return found


def _facets(connection: Connection, tables: Tables, wanted: Collection[tuple[str, str]]) -> Code:
    """The number of each value of a facet, given where it has none."""
    known = tables.sql(
        "SELECT f.name, f.value, f.code FROM {facet} f"
        " JOIN unnest(%s::text[], %s::text[]) w(name, value) USING (name, value)"
    )
    columns = [[name for name, _ in wanted], [value for _, value in wanted]]

    def look() -> Code:
        return {(name, value): code for name, value, code in connection.execute(known, columns)}

    found = look()
    if missing := sorted(wanted - found.keys()):
        _give(connection, tables, "{facet}")
        give = "INSERT INTO {facet} (name, value) SELECT * FROM unnest(%s::text[], %s::text[]) ON CONFLICT DO NOTHING"
        connection.execute(tables.sql(give), [[name for name, _ in missing], [value for _, value in missing]])
        found = look()
    return found


def _give(connection: Connection, tables: Tables, table: str) -> None:
    """One at a time, to the end of the transaction: who has seen a number has then seen all smaller ones."""
    connection.execute(tables.sql(f"LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))


def take_out(connection: Connection, tables: Tables, number: int, ids: Sequence[int]) -> tuple[int, int]:
    """Take the entries of these ids out of a generation; how many there were, and how many words of them."""
    gone = connection.execute(
        tables.sql(
            "WITH gone AS (DELETE FROM {entry} WHERE id = ANY(%s) RETURNING length)"
            " SELECT count(*), coalesce(sum(length), 0)::bigint FROM gone",
            number,
        ),
        [list(ids)],
    ).fetchone()
    connection.execute(tables.sql("DELETE FROM {part} WHERE id = ANY(%s)", number), [list(ids)])
    return gone or (0, 0)


def lexemes(connection: Connection, tables: Tables, number: int, ids: Sequence[int]) -> Counter[str]:
    """Terms of these entries of a generation, with how many of them have each."""
    found = connection.execute(
        tables.sql(
            f"SELECT t.lexeme, count(*) FROM {TERMS} t GROUP BY t.lexeme",
            number,
            among=" AND e.id = ANY(%(ids)s)",
        ),
        {"ids": list(ids)},
    )
    return Counter(dict(found.fetchall()))


def count(connection: Connection, tables: Tables, number: int, changes: Iterable[tuple[str, int]]) -> None:
    """Add to how many entries of a generation have a term."""
    pairs = sorted((term, more) for term, more in changes if more)
    if pairs:
        connection.execute(
            tables.sql(
                "INSERT INTO {df} AS d SELECT * FROM unnest(%s::text[], %s::bigint[])"
                " ON CONFLICT (term) DO UPDATE SET docs = d.docs + excluded.docs",
                number,
            ),
            [[term for term, _ in pairs], [more for _, more in pairs]],
        )
