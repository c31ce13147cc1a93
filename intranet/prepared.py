"""Statements that are built once and sent often: building one of the policy's costs more than the database's answer.

What is kept is the question, never an answer. It is kept under all of the person's standing (`Actor.key`), so that whoever
has lost a role by the next request asks another question. What differs between two requests is no part of it: such values
are bind parameters (`NOW` and the like), and a statement sent without the value of one fails.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import Any, TypeVar, TypeVarTuple

from sqlalchemy import BindParameter, ColumnElement, bindparam

from .actor import Actor
from .models.types import Moment
from .policy import Policy

More = TypeVarTuple("More")
S = TypeVar("S")
KEPT = 32  # of each statement: so many persons; all the statements of one are about half a megabyte

#: The moment of asking: `session.execute(statement, {"now": now})`.
NOW: BindParameter[Moment] = bindparam("now", type_=Moment)


class _Asked:
    """The arguments of a question, equal to those of whoever asks the same. The actor is here to build it, once."""

    __slots__ = ("actor", "key", "more", "policy")

    def __init__(self, policy: Policy, actor: Actor, more: tuple[Any, ...]) -> None:
        self.policy, self.actor, self.more = policy, actor, more
        self.key = policy, actor.key, more

    def __hash__(self) -> int:
        return hash(self.key)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Asked) and self.key == other.key


def prepared(build: Callable[[Policy, Actor, *More], S]) -> Callable[[Policy, Actor, *More], S]:
    """`build(policy, actor, …)`, made once for equal arguments. It may use nothing else: no clock, no session, no setting."""

    @lru_cache(maxsize=KEPT)
    def known(asked: _Asked) -> S:
        return build(asked.policy, asked.actor, *asked.more)

    @wraps(build)
    def once(policy: Policy, actor: Actor, *more: *More) -> S:
        return known(_Asked(policy, actor, more))

    return once


@prepared
def visible(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    """`Policy.visible` at NOW: one object in all the statements of a person that ask it."""
    return policy.visible(actor, NOW)


@prepared
def waiting(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    """`Policy.waiting` at NOW."""
    return policy.waiting(actor, NOW)
