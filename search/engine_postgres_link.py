"""Connections to the PostgreSQL that holds an index: kept for the next question, made anew when the server has dropped them, never
shared with the child of a fork. Whatever the server refuses becomes an error of `search.engine`, without any value of a statement.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import psycopg
from psycopg import errors, pq
from psycopg.abc import Buffer
from psycopg.adapt import Dumper, Loader

from search.engine import Busy, Damaged, SearchError, Unreachable

Connection = psycopg.Connection[tuple[Any, ...]]

#: Connections kept for the next question, and seconds after which an idle one is not trusted any more.
_KEPT, _IDLE = 8, 300.0
#: Seconds: to connect, for one statement of a question, until silence of the network counts as the end of a connection.
_CONNECT, _STATEMENT, _SILENCE = 10, 30, 30
_SESSION = (
    f"SET statement_timeout = '{_STATEMENT}s'",
    "SET jit = off",  # compiling takes longer than any of these statements
    "SET max_parallel_workers_per_gather = 0",
    "SET plan_cache_mode = force_generic_plan",  # words are not what decides: it is always the GIN index first
    "SET client_min_messages = warning",
)


class Vector(bytes):
    """A tsvector in binary form."""


class _VectorDumper(Dumper):
    oid = 3614
    format = pq.Format.BINARY

    def dump(self, obj: Any) -> Buffer:
        return bytes(obj)


class _ArrayLoader(Loader):
    """An array of fixed-size values as numpy's."""

    format = pq.Format.BINARY
    dtype: np.dtype[Any]

    def load(self, data: Buffer) -> npt.NDArray[Any]:
        if len(data) <= 12:  # no dimension
            return np.empty(0, self.dtype.newbyteorder("="))
        pairs = np.frombuffer(data, np.dtype([("size", ">i4"), ("value", self.dtype)]), offset=20)
        return pairs["value"].astype(self.dtype.newbyteorder("="))


class _Ints(_ArrayLoader):
    dtype = np.dtype(">i4")


class _Longs(_ArrayLoader):
    dtype = np.dtype(">i8")


class _Floats(_ArrayLoader):
    dtype = np.dtype(">f8")


class Link:
    """The way to one database. `url`: as libpq takes it, also with the driver's name as SQLAlchemy writes it."""

    def __init__(self, url: str) -> None:
        self._url = url.replace("postgresql+psycopg://", "postgresql://", 1)
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._idle: list[tuple[float, Connection]] = []
        self._left = getattr(self, "_left", [])  # of the parent: to close one here would close it there

    @contextlib.contextmanager
    def alone(self) -> Iterator[Connection]:
        """A connection for long work, without a limit of time, closed at the end: locks of its session go with it."""
        with translated():
            connection = self._open()
            try:
                connection.execute("SET statement_timeout = 0")
                yield connection
            finally:
                connection.close()

    def close(self) -> None:
        """Let go of every connection that nobody uses just now."""
        if self._pid == os.getpid():
            with self._lock:
                idle, self._idle = self._idle, []
            for _, connection in idle:
                connection.close()

    def begin(self, statement: str) -> Connection:
        """A connection on which this statement has begun a transaction; to be given back by `commit` or `undo`."""
        kept = self._take()
        if kept is not None:
            try:
                kept.execute(statement)
            except (psycopg.OperationalError, psycopg.InterfaceError):
                kept.close()
                self.close()  # what cut this one has cut the others
            else:
                return kept
        connection = self._open()
        try:
            connection.execute(statement)
        except BaseException:
            connection.close()
            raise
        return connection

    def _take(self) -> Connection | None:
        if self._pid != os.getpid():
            self._left += self._idle
            self._start()
        old: list[Connection] = []
        found = None
        with self._lock:
            while self._idle and found is None:
                since, connection = self._idle.pop()
                if time.monotonic() - since > _IDLE:
                    old.append(connection)
                else:
                    found = connection
        for connection in old:
            connection.close()
        return found

    def _open(self) -> Connection:
        connection = psycopg.connect(
            self._url,
            autocommit=True,
            connect_timeout=_CONNECT,
            keepalives_idle=_SILENCE,
            keepalives_interval=10,
            keepalives_count=3,
            tcp_user_timeout=_SILENCE * 1000,
            application_name="intranet-search",
            client_encoding="utf8",
        )
        try:
            _prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def commit(self, connection: Connection) -> None:
        """Make what was done last, and give the connection back."""
        connection.execute("COMMIT")
        self._keep(connection)

    def undo(self, connection: Connection) -> None:
        """Undo the transaction, whatever has become of it, and give the connection back."""
        try:
            if connection.info.transaction_status == pq.TransactionStatus.ACTIVE:
                raise psycopg.OperationalError("interrupted")
            connection.execute("ROLLBACK")
        except psycopg.Error:
            connection.close()
        else:
            self._keep(connection)

    def _keep(self, connection: Connection) -> None:
        with self._lock:
            keep = len(self._idle) < _KEPT
            if keep:
                self._idle.append((time.monotonic(), connection))
        if not keep:
            connection.close()


def _prepare(connection: Connection) -> None:
    if connection.info.parameter_status("server_encoding") != "UTF8":
        raise SearchError("the database of the index must be encoded in UTF8")
    connection.execute("; ".join(_SESSION))
    connection.adapters.register_dumper(Vector, _VectorDumper)
    for name, loader in (("int4", _Ints), ("int8", _Longs), ("float8", _Floats)):
        info = psycopg.adapters.types[name]
        connection.adapters.register_loader(info.array_oid, loader)


#: What the server says -> what it means here. The first that fits.
_MEANINGS: tuple[tuple[type[psycopg.Error], type[SearchError]], ...] = (
    (errors.LockNotAvailable, Busy),
    (errors.DeadlockDetected, Busy),
    (errors.SerializationFailure, Busy),
    (errors.UndefinedTable, Damaged),
    (errors.UndefinedColumn, Damaged),
    (errors.UndefinedObject, Damaged),
    (errors.InvalidSchemaName, Damaged),
    (errors.DataCorrupted, Damaged),
    (errors.IndexCorrupted, Damaged),
    (errors.UndefinedFile, Damaged),
    (psycopg.OperationalError, Unreachable),
    (psycopg.InterfaceError, Unreachable),
)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Errors of the driver as those of `search.engine`. They name kind and code only: messages may quote what was typed."""
    try:
        yield
    except psycopg.Error as error:
        meaning = next((mine for theirs, mine in _MEANINGS if isinstance(error, theirs)), SearchError)
        raise meaning(f"PostgreSQL: {type(error).__name__} {error.sqlstate or ''}".rstrip()) from None
