"""Statements that are built once and sent often: building one of the policy's costs more than the database's answer.

What is kept is the question, never an answer. It is kept under all of the person's standing (`Actor.key`), so that whoever
has lost a role by the next request asks another question. What differs between two requests is no part of it: such values
are bind parameters (`NOW` and the like), and a statement sent without the value of one fails.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import BindParameter, bindparam

from .actor import Actor
from .models.types import Moment
from .policy import Policy

P = ParamSpec("P")
S = TypeVar("S")
KEPT = 100  # of each statement, for so many persons; then all are built anew

#: The moment of asking: `session.execute(statement, {"now": now})`.
NOW: BindParameter[Moment] = bindparam("now", type_=Moment)


def prepared(
    build: Callable[Concatenate[Policy, Actor, P], S],
) -> Callable[Concatenate[Policy, Actor, P], S]:
    """`build(policy, actor, …)`, made once for equal arguments. It may use nothing else: no clock, no session, no setting."""
    kept: dict[Hashable, S] = {}

    @wraps(build)
    def once(policy: Policy, actor: Actor, *shape: P.args, **more: P.kwargs) -> S:
        key = (policy, actor.key, shape, *more.items())
        statement = kept.get(key)
        if statement is None:
            if len(kept) >= KEPT:
                kept.clear()
            statement = kept[key] = build(policy, actor, *shape, **more)
        return statement

    return once
