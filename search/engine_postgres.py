"""The search engine of several hosts: PostgreSQL keeps and finds, in the database of the application or in another.

The tokens are those of every engine (`search.analysis`), one tsvector an entry under a GIN index; permission is part of each
statement that looks for entries. What a statement finds comes back as arrays, and is counted and put in order here: PostgreSQL
needs longer for the counts of eight facets than for finding what they count.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence

from search.engine import After, Busy, Entry
from search.engine_postgres_build import Build
from search.engine_postgres_facets import Facets
from search.engine_postgres_link import Link
from search.engine_postgres_look import Look
from search.engine_postgres_rows import copy, count, lexemes, prepared, take_out
from search.engine_postgres_tables import Tables
from search.finder import Finder
from search.plan import Snapshot

#: Where the index stands in its database. Backups leave it out: it is made anew.
SCHEMA = "search"
#: Seconds that a write and a purge wait for those who still read a generation that is gone.
_HARDLY, _PATIENTLY = 0.05, 2.0


class PostgresEngine(Finder):
    """`search.engine.Engine` over a schema of a database; made at first use, by whichever host comes first.

    `timeout`: seconds to wait for another writer. The role owns the schema, or may make one in this database."""

    def __init__(self, url: str, schema: str = SCHEMA, *, timeout: float = 20.0) -> None:
        self._link = Link(url)
        self._tables = Tables(self._link, schema, timeout)
        self._facets = Facets()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """See `Finder.snapshot`: one transaction."""
        with self._tables.reading() as (connection, state):
            yield Look(connection, self._tables, state, self._facets)

    def write(self, add: Sequence[Entry], remove: Collection[int] = ()) -> None:
        """See `Engine.write`."""
        fresh = {entry.id: prepared(entry) for entry in add}
        ids = sorted(fresh.keys() | set(remove))
        if not ids:
            return
        tables = self._tables
        with tables.writing() as (connection, state):
            number = state.current.number
            changes = Counter(term for one in fresh.values() for term in one.words.terms)
            changes.subtract(lexemes(connection, tables, number, ids))
            gone, words = take_out(connection, tables, number, ids)
            copy(connection, tables, number, list(fresh.values()))
            count(connection, tables, number, changes.items())
            tables.note(connection, ids)
            connection.execute(
                tables.sql(
                    "UPDATE {generation} SET count = count + %s, words = words + %s, dead = dead + %s, wide = wide OR %s"
                    " WHERE number = {n}",
                    number,
                ),
                [
                    len(fresh) - gone,
                    sum(one.words.length for one in fresh.values()) - words,
                    gone,
                    any(one.wide for one in fresh.values()),
                ],
            )
        if state.role("doomed") is not None:
            tables.sweep(_HARDLY)

    def rebuild(self, entries: After, *, source: str = "", anew: bool = False) -> int:
        """See `Engine.rebuild`."""
        with self._link.alone() as connection:
            found = Build(self._tables, connection, wait=True).rebuild(entries, source, anew=anew)
        self._tables.sweep(_PATIENTLY)
        return found

    def building(self) -> int | None:
        """See `Engine.building`."""
        with self._tables.looking() as (_, state):
            half = state.role("building")
        return half.count or None if half is not None else None

    def purge(self, between: Callable[[], None] = lambda: None) -> None:
        """See `Engine.purge`. The living rows are copied into fresh tables, where the old ones hold anything else."""
        with self._link.alone() as connection:
            Build(self._tables, connection, wait=False).compact(between)
        if not self._tables.sweep(_PATIENTLY):
            raise Busy("a generation that is gone is still being read")

    def ids(self) -> Iterator[tuple[int, int]]:
        """See `Engine.ids`."""
        return self._pairs("updated")

    def fingerprints(self) -> Iterator[tuple[int, int]]:
        """See `Engine.fingerprints`."""
        return self._pairs("print")

    def _pairs(self, column: str) -> Iterator[tuple[int, int]]:
        with self._tables.reading() as (connection, state):
            found = connection.execute(
                self._tables.sql(
                    f"SELECT array_agg(id), array_agg({column}) FROM {{entry}}", state.current.number
                ),
                binary=True,
            )
            ids, values = found.fetchone() or (None, None)
        return zip(ids.tolist(), values.tolist(), strict=True) if ids is not None else iter(())

    def count(self) -> int:
        """See `Engine.count`."""
        with self._tables.reading() as (_, state):
            return state.current.count

    def close(self) -> None:
        """See `Engine.close`: connections."""
        self._link.close()
