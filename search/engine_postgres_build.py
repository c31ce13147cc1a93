"""A generation made beside the living one, and the change from one to the other: for a rebuild, and for a purge.

Whatever is written meanwhile is noted in the journal by its id, also when nobody is building: a rebuild that was killed can go on at
any later time, because what it had put away is right as long as its id is not in the journal.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

from search.engine import After, Damaged, Entry, SearchError
from search.engine_postgres_link import Connection
from search.engine_postgres_rows import Prepared, copy, count, lexemes, prepared, take_out
from search.engine_postgres_schema import COLUMNS, DROP, FORMAT, INDEXES, TERMS
from search.engine_postgres_tables import Generation, State, Tables

#: Entries, and bytes of them, after which a rebuild puts away what it has.
STEP, _BYTES = 500, 16 << 20
#: Entries carried over at once: a writer waits as long.
_FEW = 200
#: Seconds between two looks whether the server has done its work.
_PAUSE = 0.25

_ALL = ", ".join(COLUMNS)


class Build:
    """The one who builds, as long as the connection lives. Every method may raise Busy."""

    def __init__(self, tables: Tables, connection: Connection, *, wait: bool) -> None:
        self._tables, self._connection = tables, connection
        tables.only_builder(connection, wait=wait)

    def rebuild(self, entries: After, source: str, *, anew: bool) -> int:
        """See `Engine.rebuild`."""
        number, last = self._begun(source, anew=anew)
        try:
            self._fill(number, entries(last), last)
        except BaseException:
            with contextlib.suppress(SearchError):
                self._forget_if_empty(number)
            raise
        self._finish(number)
        return self._swap(number)

    def compact(self, between: Callable[[], None]) -> None:
        """Leave nothing in any file but what lives, where something else may stand there. `between` is called again and again."""
        with self._tables.looking() as (_, state):
            half, dirty = state.role("building"), state.current.dead > 0
        if half is not None:
            self._meanwhile(between, self._rest, half)
        if dirty:
            with self._tables.writing() as (connection, state):
                self._drop(connection, state, "copying")
                number = self._tables.create(connection, "copying")
                current = state.current.number
            self._meanwhile(between, self._copy, number, current)
            self._meanwhile(between, self._finish, number)
            self._swap(number)

    def _meanwhile(self, between: Callable[[], None], work: Callable[..., None], *arguments: Any) -> None:
        """Let the server work, which takes it a minute, and not stand still here."""
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(work, *arguments)
            try:
                while wait([done], _PAUSE).not_done:
                    between()
            except BaseException:
                self._connection.cancel()
                raise
            done.result()

    def _begun(self, source: str, *, anew: bool) -> tuple[int, int]:
        """The generation that is being built, and the id after which to go on."""
        with self._tables.writing() as (connection, state):
            half = state.role("building")
            if half is not None and not anew and self._sound(connection, state, half, source):
                return half.number, self._number(
                    connection, "SELECT coalesce(max(id), 0) FROM {entry}", half.number
                )
            self._drop(connection, state, "building", "copying")
            return self._tables.create(connection, "building", source), 0

    def _sound(self, connection: Connection, state: State, half: Generation, source: str) -> bool:
        """Whether one can go on with it, and carry over what is noted beside it."""
        try:
            numbers = (half.number, state.current.number)
        except Damaged:
            return False
        names = [self._tables.sql(table, number) for table in ("{entry}", "{part}") for number in numbers]
        there = connection.execute(
            "SELECT bool_and(to_regclass(n) IS NOT NULL) FROM unnest(%s::text[]) n", [names]
        )
        noted = self._number(connection, "SELECT count(*) FROM {journal} WHERE generation = {n}", half.number)
        same = half.source == source and half.format == FORMAT and noted <= half.count
        return same and there.fetchone() == (True,)

    def _fill(self, number: int, entries: Iterable[Entry], last: int) -> None:
        for rows in _steps(entries, last):
            with self._connection.transaction():
                copy(self._connection, self._tables, number, rows)
                self._connection.execute(
                    self._tables.sql("UPDATE {generation} SET count = count + %s WHERE number = {n}", number),
                    [len(rows)],
                )

    def _forget_if_empty(self, number: int) -> None:
        with self._tables.writing() as (connection, state):
            if any(one.number == number and not one.count for one in state.generations):
                self._tables.run(connection, DROP, number)

    def _copy(self, number: int, current: int) -> None:
        with self._connection.transaction():
            self._connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            self._insert(self._connection, number, current, " ORDER BY id")

    def _insert(
        self, connection: Connection, number: int, current: int, which: str, ids: list[int] | None = None
    ) -> None:
        for table, columns in (("{entry}", _ALL), ("{part}", "id, terms")):
            target, origin = self._tables.sql(table, number), self._tables.sql(table, current)
            connection.execute(
                f"INSERT INTO {target} ({columns}) SELECT {columns} FROM {origin}{which}",
                None if ids is None else [ids],
            )

    def _drop(self, connection: Connection, state: State, *roles: str) -> None:
        for one in state.generations:
            if one.role in roles:
                self._tables.run(connection, DROP, one.number)

    def _finish(self, number: int) -> None:
        """What is made best when all rows are there."""
        with self._connection.transaction():
            self._connection.execute("SET LOCAL work_mem = '64MB'")
            self._connection.execute(self._tables.sql("TRUNCATE {df}", number))
            counted = f"INSERT INTO {{df}} SELECT t.lexeme, count(*) FROM {TERMS} t GROUP BY t.lexeme"
            self._connection.execute(self._tables.sql(counted, number, among=""))
            self._tables.run(self._connection, INDEXES, number)
        self._tables.run(self._connection, ("ANALYZE {entry}", "ANALYZE {df}"), number)

    def _swap(self, number: int) -> int:
        """Carry over what was written meanwhile, few at a time, and with the last of it let this generation answer."""
        while True:
            self._connection.execute("SELECT")  # still the only one who builds
            with self._tables.writing() as (connection, state):
                changed = self._changed(connection, number)
                self._carry(connection, number, state, changed)
                if len(changed) < _FEW:
                    return self._answers(connection, number)

    def _changed(self, connection: Connection, number: int) -> list[int]:
        taken = connection.execute(
            self._tables.sql(
                "DELETE FROM {journal} WHERE generation = {n} AND id IN"
                " (SELECT id FROM {journal} WHERE generation = {n} ORDER BY id LIMIT %s) RETURNING id",
                number,
            ),
            [_FEW],
        )
        return [row[0] for row in taken.fetchall()]

    def _carry(self, connection: Connection, number: int, state: State, ids: list[int]) -> None:
        """Replace the entries of these ids by those of now."""
        if not ids:
            return
        changes = lexemes(connection, self._tables, number, ids)
        gone, _ = take_out(connection, self._tables, number, ids)
        self._insert(connection, number, state.current.number, " WHERE id = ANY(%s)", ids)
        after = lexemes(connection, self._tables, number, ids)
        after.subtract(changes)
        count(connection, self._tables, number, after.items())
        connection.execute(
            self._tables.sql("UPDATE {generation} SET dead = dead + %s WHERE number = {n}", number), [gone]
        )

    def _answers(self, connection: Connection, number: int) -> int:
        self._tables.run(
            connection,
            (
                "UPDATE {generation} SET role = 'doomed' WHERE role = 'current'",
                (
                    "UPDATE {generation} SET role = 'current', (count, words, wide) ="
                    " (SELECT count(*), coalesce(sum(length), 0), coalesce(bool_or(wide), false) FROM {entry})"
                    " WHERE number = {n}"
                ),
                "DELETE FROM {journal} WHERE generation = {n}",
            ),
            number,
        )
        return self._number(connection, "SELECT count FROM {generation} WHERE number = {n}", number)

    def _rest(self, half: Generation) -> None:
        """Take out of a rebuild that rests what was written since: it is carried over at the end."""
        tables, connection = self._tables, self._connection
        with connection.transaction():
            which = " WHERE id IN (SELECT id FROM {journal} WHERE generation = {n})"
            gone = connection.execute(tables.sql("DELETE FROM {entry}" + which, half.number)).rowcount
            connection.execute(tables.sql("DELETE FROM {part}" + which, half.number))
            connection.execute(
                tables.sql(
                    "UPDATE {generation} SET count = count - %s, dead = dead + %s WHERE number = {n}",
                    half.number,
                ),
                [gone, gone],
            )
            connection.execute(tables.sql("TRUNCATE {df}", half.number))
        if gone or half.dead:
            # Nobody reads it: it may be locked as long as that takes.
            tables.run(
                connection,
                (
                    "VACUUM (FULL) {entry}",
                    "VACUUM (FULL) {part}",
                    "UPDATE {generation} SET dead = 0 WHERE number = {n}",
                ),
                half.number,
            )

    def _number(self, connection: Connection, statement: str, number: int) -> int:
        row = connection.execute(self._tables.sql(statement, number)).fetchone()
        return int(row[0]) if row else 0


def _steps(entries: Iterable[Entry], last: int) -> Iterator[list[Prepared]]:
    rows: list[Prepared] = []
    size = 0
    for entry in entries:
        if entry.id <= last:
            raise ValueError("entries for a rebuild come by ascending id")
        last = entry.id
        rows.append(prepared(entry))
        size += rows[-1].nbytes
        if len(rows) >= STEP or size >= _BYTES:
            yield rows
            rows, size = [], 0
    if rows:
        yield rows
