"""Domain errors. Verbs raise them, `web/page.py` turns them into HTTP in one table, the CLI into exit codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class DomainError(Exception):
    """Base: `why` is for the person, already in their language when shown (lazy text)."""

    def __init__(self, why: Any = "", **facts: Any) -> None:
        super().__init__(str(why))
        self.why = why
        self.facts = facts


class Denied(DomainError):
    """Refused by policy. `hidden`: the thing may not even be known, answer as if it did not exist."""

    def __init__(
        self, why: Any = "", *, hidden: bool = False, permission: str = "", thing: Any = None
    ) -> None:
        super().__init__(why)
        self.hidden = hidden
        self.permission = permission
        self.thing = thing


class Missing(DomainError):
    """There is no such thing."""


class Conflict(DomainError):
    """Somebody was first, or the thing is not in the state that the step starts from."""


class Invalid(DomainError):
    """What was typed does not fit: `errors` by field name; the key "" is for the whole."""

    def __init__(self, errors: Mapping[str, Any]) -> None:
        super().__init__("; ".join(f"{k}: {v}" if k else str(v) for k, v in errors.items()))
        self.errors = dict(errors)


class Locked(DomainError):
    """Too many tries; wait."""


class Unavailable(DomainError):
    """A part is away (store, disk): nothing was changed, try again."""
