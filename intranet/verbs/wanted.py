"""What waits for a person's word: approvals that others ask for, and levels that are to be looked at again. Questions of the desk."""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    Date,
    Integer,
    Select,
    Subquery,
    and_,
    bindparam,
    cast,
    false,
    func,
    null,
    or_,
    select,
    union_all,
)

from ..actor import Actor
from ..models import Approval, Item, ItemValue
from ..policy import Policy
from ..prepared import prepared, visible

ROWS = 30
TODAY = bindparam("today", type_=Date)  # where the office is


def _wanted(policy: Policy, actor: Actor) -> Subquery:
    """(item, approval) that the actor decides, and (item, none) whose level the actor is to look at again. Both begin at the few rows
    that wait, never at the items."""
    asked = (
        select(Approval.item_id.label("item_id"), Approval.id.label("approval_id"))
        .join(Item, Item.id == Approval.item_id)
        .where(Approval.outcome == "", Approval.asked_by != actor.id, policy.deciding(actor))
    )
    living = [
        and_(Item.kind == k.name, Item.state.in_([s.name for s in k.states if not s.final]))
        for k in policy.kinds.values()
        if k.dual
    ]
    due = (
        select(ItemValue.item_id, cast(null(), Integer))
        .join(Item, Item.id == ItemValue.item_id)
        .where(
            ItemValue.field == "review", ItemValue.date <= TODAY, policy.keeping(actor), or_(false(), *living)
        )
    )
    return union_all(asked, due).subquery("wanted")


@prepared
def my_word(policy: Policy, actor: Actor) -> Select[Any]:
    """(item, approval or none, how many there are), what was asked first before the rest. Asked with `now` and `today`."""
    wanted = _wanted(policy, actor)
    query = select(Item, Approval, func.count().over()).select_from(wanted)
    query = query.join(Item, Item.id == wanted.c.item_id)
    query = query.outerjoin(Approval, Approval.id == wanted.c.approval_id).where(visible(policy, actor))
    return query.order_by(
        Approval.id.is_(None), Approval.due.is_(None), Approval.due, Approval.id, Item.due
    ).limit(ROWS)


def words_wanted(policy: Policy, actor: Actor) -> Select[tuple[int]]:
    """How many `my_word` would give without its limit."""
    wanted = _wanted(policy, actor)
    query = select(func.count()).select_from(wanted).join(Item, Item.id == wanted.c.item_id)
    return query.where(visible(policy, actor))
