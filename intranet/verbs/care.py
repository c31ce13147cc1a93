"""What is in somebody's care: the kept files of the units where they are custodian, as far as they may know of them."""

from __future__ import annotations

from sqlalchemy import ColumnElement, and_, false, true

from ..actor import Actor
from ..models import Item
from ..policy import Policy
from ..prepared import NOW, prepared


@prepared
def mine(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    """A criterion on Item, asked with the moment: `session.execute(query, {"now": now})`."""
    if not actor.has("custodian"):
        return false()
    covered = actor.roles["custodian"]
    kinds = [k.name for k in policy.kinds.values() if k.loans]
    here = true() if covered is None else Item.unit_id.in_(sorted(covered))
    return and_(policy.visible(actor, NOW, kinds), here)


@prepared
def known(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    """The kept files that the actor may know of at all, in their care or not."""
    return policy.visible(actor, NOW, [k.name for k in policy.kinds.values() if k.loans])


def in_use(policy: Policy) -> ColumnElement[bool]:
    """The files that are not disposed of: of those nothing is expected in any place."""
    final = {s.name for k in policy.kinds.values() if k.loans for s in k.states if s.final}
    return Item.state.not_in(sorted(final))
