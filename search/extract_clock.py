"""How long the child has been reading. Time in which it waits for a program counts for that program."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

SPARE_SECONDS = 2  # for the answer of a reader that has stopped itself: what it has read so far is kept

_PARENT = os.getppid()  # as this process begins


class Clock:
    """Runs from its making, for `seconds`. `hard`: a little later the process is ended by SIGALRM.

    The parent ends a reader that hangs; should the parent die, nobody else would.
    """

    def __init__(self, seconds: float, *, hard: bool = False) -> None:
        self._until = time.monotonic() + seconds
        self._hard = hard
        if hard:
            signal.setitimer(signal.ITIMER_REAL, seconds + SPARE_SECONDS)

    @property
    def over(self) -> bool:
        """Whether it is time to stop and to answer."""
        return time.monotonic() >= self._until

    @contextmanager
    def waiting(self, seconds: float) -> Iterator[None]:
        """Stands still while a program works that is given `seconds`. Without a parent nobody waits for the answer."""
        if self._hard and os.getppid() != _PARENT:
            os._exit(0)
        begun = time.monotonic()
        left = signal.setitimer(signal.ITIMER_REAL, seconds + SPARE_SECONDS)[0] if self._hard else 0.0
        try:
            yield
        finally:
            if self._hard:
                signal.setitimer(signal.ITIMER_REAL, left)
            self._until += time.monotonic() - begun
