"""One writer at a time, over a store that knows neither locks nor replacing.

The lease is the object ``lease/<number>`` with the highest number; it says who holds it and until when, or
that it is free. Taking, renewing and releasing all write the next number. Objects are written once, so of
two writers of the same number one fails; and because the highest number always stays, nobody who slept
through his lease can believe that he still has it: he looks again after he wrote.

A lease that ran out may be taken by anybody, so a killed run blocks the next one for `ttl` at most. A lease
that claims to last much longer than any lease can comes from a wrong clock and counts as run out.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from types import TracebackType
from typing import Self

from vault.backup_types import Busy, LeaseLost, utc
from vault.store import Exists, NotFound, Store, StoreError

PREFIX = "lease/"
_FREE = "free"


class Lease:
    """A context manager: taken at the start (raises Busy), released at the end whatever happens.

    `at` is the time now; from then on `elapsed` (seconds of any clock that does not jump) tells how it
    goes on, so the library needs no clock of its own.
    """

    def __init__(
        self, store: Store, purpose: str, *, at: datetime, elapsed: Callable[[], float], ttl: timedelta
    ) -> None:
        self._store = store
        self._purpose = purpose
        self._at = utc(at)
        self._elapsed = elapsed
        self._ttl = ttl
        self._started = self._renewed = elapsed()
        self._number = 0
        self._holder = secrets.token_hex(8)

    def __enter__(self) -> Self:
        self._number, purpose, until = self._latest()
        if purpose != _FREE and self._now() < until <= self._now() + 2 * self._ttl:
            raise Busy(purpose, until)
        try:
            self._advance(self._purpose)
        except LeaseLost:
            _, purpose, until = self._latest()
            raise Busy(purpose, until) from None
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A release that fails must not hide the outcome: the lease then ends by itself.
        with suppress(StoreError, LeaseLost):
            self._advance(_FREE)

    def keep(self) -> None:
        """Renew when a third of the time has gone; cheap otherwise. Raises LeaseLost."""
        if self._elapsed() - self._renewed >= self._ttl.total_seconds() / 3:
            self._advance(self._purpose)

    def confirm(self) -> None:
        """Return when the lease is ours beyond doubt: look into the store. Raises LeaseLost."""
        self.keep()
        if self._numbers()[-1:] != [self._number]:
            raise LeaseLost(self._purpose)

    def _now(self) -> datetime:
        return self._at + timedelta(seconds=self._elapsed() - self._started)

    def _numbers(self) -> list[int]:
        return sorted(int(found.name.removeprefix(PREFIX), 16) for found in self._store.list(PREFIX))

    def _latest(self) -> tuple[int, str, datetime]:
        """Number, purpose and end of the lease that counts now."""
        while True:
            number = max(self._numbers(), default=0)
            if number == 0:
                return 0, _FREE, self._at
            try:
                text = b"".join(self._store.get(_name(number)))
            except NotFound:
                continue  # released or renewed between the two calls
            try:
                record = json.loads(text)
                return number, str(record["purpose"]), utc(datetime.fromisoformat(record["until"]))
            except (ValueError, KeyError, TypeError):
                # Damaged: nobody can tell whose it is, but the store knows how old it is.
                with suppress(NotFound):
                    return number, "unknown", self._store.stat(_name(number)).modified + self._ttl

    def _advance(self, purpose: str) -> None:
        number = self._number + 1
        until = (self._now() + self._ttl).isoformat()
        record = json.dumps({"holder": self._holder, "purpose": purpose, "until": until})
        try:
            self._store.put(_name(number), [record.encode()])
        except Exists:
            raise LeaseLost(self._purpose) from None
        numbers = self._numbers()
        if numbers[-1:] != [number]:
            self._store.delete(_name(number))
            raise LeaseLost(self._purpose)
        self._number, self._renewed = number, self._elapsed()
        with suppress(StoreError):  # a target that refuses deletion still works
            for old in numbers[:-1]:
                self._store.delete(_name(old))


def _name(number: int) -> str:
    return f"{PREFIX}{number:012x}"
