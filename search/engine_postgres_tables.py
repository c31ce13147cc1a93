"""The tables of an index, in a schema of its own: which generation is current, who may write, what a rebuild must not forget.

home                who writes holds its one row; `serial` rises with every write
generation          number and role of each: current, building (a rebuild), copying (a purge), doomed (to be dropped)
journal             ids written beside a generation that is building or copying: ids only, no text
label, facet        readers' labels, and values of facets, as numbers; never given twice, never removed
entry_7             one row an entry: what decides first, narrow, its long values out of line
part_7              all lexemes of entries that one vector cannot hold
df_7                how many entries have a term
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from psycopg import errors

from search.engine import Busy, Damaged
from search.engine_postgres_link import Connection, Link, translated
from search.engine_postgres_schema import DROP, FORMAT, INDEXES, SCHEMA, TABLES

_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
_TRIES = 5


@dataclass(frozen=True, slots=True)
class Generation:
    """`count`: entries; `words`: of all of them together; `dead`: rows replaced or removed since its files were made; `wide`: some entry has several vectors."""

    number: int
    role: str
    format: int
    source: str
    count: int
    words: int
    dead: int
    wide: bool


@dataclass(frozen=True, slots=True)
class State:
    """What an index says of itself. `born`: another one where the schema was made anew."""

    born: str
    serial: int
    generations: tuple[Generation, ...]

    def role(self, name: str) -> Generation | None:
        """The generation of this role."""
        return next((one for one in self.generations if one.role == name), None)

    @property
    def current(self) -> Generation:
        """The one that answers. Raises Damaged."""
        found = self.role("current")
        if found is None or found.format != FORMAT:
            raise Damaged("no generation of this format")
        return found


class Tables:
    """The tables under one schema, made at first use. `timeout`: seconds to wait for another writer."""

    def __init__(self, link: Link, schema: str, timeout: float) -> None:
        if not re.fullmatch(r"[a-z_][a-z0-9_]{0,40}", schema):
            raise ValueError("the name of a schema: small letters, digits and underscores")
        self.link, self._schema, self._timeout = link, schema, timeout
        digest = hashlib.blake2b(schema.encode(), digest_size=8).digest()
        self._key = int.from_bytes(digest, "big", signed=True)

    def sql(self, text: str, number: int = 0, **more: str) -> str:
        """A statement with the names of tables in it; of generation `number` those that each generation has."""
        one_each = {name: f"{self._schema}.{name}_{number}" for name in ("entry", "part", "df")}
        names = {
            name: f"{self._schema}.{name}" for name in ("home", "generation", "journal", "label", "facet")
        }
        return text.format(schema=self._schema, n=number, **names, **one_each, **more)

    def run(self, connection: Connection, statements: Sequence[str], number: int) -> None:
        """Statements without values, one after another."""
        for statement in statements:
            connection.execute(self.sql(statement, number))

    def state(self, connection: Connection) -> State:
        """As this transaction sees it."""
        rows = connection.execute(
            self.sql(
                "SELECT h.born, h.serial, g.number, g.role, g.format, g.source, g.count, g.words, g.dead, g.wide"
                " FROM {home} h LEFT JOIN {generation} g ON true ORDER BY g.number"
            )
        ).fetchall()
        if not rows:
            raise Damaged("an index without a home")
        found = tuple(Generation(*row[2:]) for row in rows if row[2] is not None)
        return State(rows[0][0], rows[0][1], found)

    @contextlib.contextmanager
    def reading(self) -> Iterator[tuple[Connection, State]]:
        """One and the same state of everything; the current generation is kept from being dropped. Raises Damaged."""
        with translated(), self._ended(*self._begun(_READING, self._hold)) as found:
            yield found

    @contextlib.contextmanager
    def looking(self) -> Iterator[tuple[Connection, State]]:
        """The same, whether or not any generation can be read."""
        with translated(), self._ended(*self._begun(_READING, self.state)) as found:
            yield found

    @contextlib.contextmanager
    def writing(self) -> Iterator[tuple[Connection, State]]:
        """The one writer, until the end of the block. Raises Busy."""
        with translated(), self._ended(*self._begun(_WRITING, self._lock)) as (connection, state):
            yield connection, state
            connection.execute(self.sql("UPDATE {home} SET serial = serial + 1"))

    def _hold(self, connection: Connection) -> State:
        state = self.state(connection)
        connection.execute(self.sql("LOCK TABLE {entry} IN ACCESS SHARE MODE", state.current.number))
        return state

    def _lock(self, connection: Connection) -> State:
        connection.execute(
            f"SET LOCAL lock_timeout = {max(1, round(self._timeout * 1000))}; SET LOCAL statement_timeout = 0"
        )
        connection.execute(self.sql("SELECT FROM {home} FOR UPDATE"))
        return self.state(connection)

    def _begun(self, begin: str, first: Any) -> tuple[Connection, State]:
        for left in reversed(range(_TRIES)):
            connection = self.link.begin(begin)
            try:
                return connection, first(connection)
            except (errors.UndefinedTable, errors.UndefinedColumn):
                # Nothing was made yet, or by an older version, or a generation was dropped between the two looks.
                self.link.undo(connection)
                if not left:
                    raise
                self._make()
            except BaseException:
                self.link.undo(connection)
                raise
        raise AssertionError

    @contextlib.contextmanager
    def _ended(self, connection: Connection, state: State) -> Iterator[tuple[Connection, State]]:
        try:
            yield connection, state
            self.link.commit(connection)
        except BaseException:
            self.link.undo(connection)
            raise

    def _make(self) -> None:
        connection = self.link.begin(_WRITING)
        try:
            connection.execute("SELECT pg_advisory_xact_lock(%s)", [self._key + 1])
            for statement in SCHEMA:
                values = [secrets.token_hex(8)] if "%s" in statement else None
                connection.execute(self.sql(statement), values)
            if not self.state(connection).generations:
                number = self.create(connection, "current")
                self.run(connection, INDEXES, number)
            self.link.commit(connection)
        except BaseException:
            self.link.undo(connection)
            raise

    def create(self, connection: Connection, role: str, source: str = "") -> int:
        """An empty generation without indexes; its number. As the one writer."""
        row = connection.execute(self.sql("UPDATE {home} SET made = made + 1 RETURNING made")).fetchone()
        number = int(row[0]) if row else 0
        self.run(connection, TABLES, number)
        connection.execute(
            self.sql("INSERT INTO {generation} (number, role, format, source) VALUES (%s, %s, %s, %s)"),
            [number, role, FORMAT, source],
        )
        return number

    def note(self, connection: Connection, ids: Sequence[int]) -> None:
        """Let no generation that is being made forget these ids. As the one writer."""
        connection.execute(
            self.sql(
                "INSERT INTO {journal} SELECT g.number, i FROM {generation} g, unnest(%s::bigint[]) i"
                " WHERE g.role IN ('building', 'copying') ON CONFLICT DO NOTHING"
            ),
            [list(ids)],
        )

    def sweep(self, patience: float) -> bool:
        """Drop the generations that are doomed and that nobody reads. `patience`: seconds to wait for those who do. Whether none
        is left."""
        with self.looking() as (_, state):
            doomed = [one.number for one in state.generations if one.role == "doomed"]
        for number in doomed:
            try:
                with translated(), self._ended(*self._begun(_WRITING, self.state)) as (connection, _):
                    connection.execute(f"SET LOCAL lock_timeout = {round(patience * 1000)}")
                    self.run(connection, DROP, number)
            except Busy:
                return False
        return True

    def only_builder(self, connection: Connection, *, wait: bool) -> None:
        """Hold, until this connection is closed, the lock of the one that builds a generation. Raises Busy."""
        with translated():
            connection.execute(f"SET lock_timeout = {max(1, round(self._timeout * 1000)) if wait else 1}")
            connection.execute("SELECT pg_advisory_lock(%s)", [self._key])
            connection.execute("RESET lock_timeout")
