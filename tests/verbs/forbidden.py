"""One row of the table of what must be refused: the rule, what comes before, the act that breaks it, how it is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.office import Clock, Office


@dataclass(frozen=True)
class Case:
    """`before` does what is allowed and gives what the act needs; `act(desk, given)` must raise `error` (one of
    `intranet.errors`) and change no row of the tables of custody."""

    rule: str
    name: str
    before: Callable[[Office, Clock], Any]
    act: Callable[[Office, Any], Any]
    error: type[Exception]
