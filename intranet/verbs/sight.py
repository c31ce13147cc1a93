"""What one person may see, asked of the database by id. Columns only: a line of a list needs no object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Select, and_, bindparam, case, exists, or_, select, union
from sqlalchemy.orm import Session

from ..actor import Actor
from ..house import House
from ..models import Grant, Item, Outbox
from ..models.types import Moment
from ..policy import Policy
from ..prepared import NOW, prepared, visible

BATCH = 1000  # ids in one statement
LATELY = timedelta(days=30)  # what ended before has been taken down and indexed since
_LATELY: Any = bindparam("lately", type_=Moment)
_GIVEN: Any = bindparam("given", expanding=True)


class Seen(NamedTuple):
    """What a list of results shows of an item. `issued`: the date of its version, where the ledger has one; `behind`: the
    index has not yet heard of its last change."""

    id: int
    kind: str
    number: str
    title: str
    state: str
    level: int
    unit_id: int
    created: datetime
    updated: datetime
    issued: str | None
    behind: bool


#: Promised entries that should be written by now; one for the day on which a grant ends is not.
_BEHIND = and_(Outbox.topic == "index", or_(Outbox.ready <= NOW, Outbox.tries > 0))
_COLUMNS = (
    Item.id, Item.kind, Item.number, Item.title, Item.state, Item.level, Item.unit_id, Item.created, Item.updated,
    Item.data["issued"].as_string(), exists().where(Outbox.item_id == Item.id, _BEHIND),
)  # fmt: skip


def rows(session: Session, house: House, actor: Actor, ids: Sequence[int]) -> dict[int, Seen]:
    """Those of the ids that the actor may know of, as the database is now. One statement for each thousand."""
    found: dict[int, Seen] = {}
    for start in range(0, len(ids), BATCH):
        given = {"given": list(ids[start : start + BATCH]), "now": house.clock()}
        for row in session.execute(_rows(house.policy, actor), given):
            found[row[0]] = Seen(*row)
    return found


def numbered(session: Session, house: House, actor: Actor, numbers: Iterable[str]) -> Seen | None:
    """The item of one of these numbers, if the actor may know of it."""
    given = {"given": list(numbers), "now": house.clock()}
    row = session.execute(_numbered(house.policy, actor), given).first()
    return Seen(*row) if row is not None else None


def hidden(session: Session, house: House, actor: Actor) -> frozenset[int]:
    """Items that the index may still show to this person, but the database no longer does. One statement.

    Candidates: what waits to be indexed, what a grant that ran out once gave to this person, and what has ended by its day. What
    waits and holds words that must go (a file taken off, a level raised) is found by nobody until the index has heard of it."""
    now = house.clock()
    return frozenset(session.scalars(_hidden(house.policy, actor), {"now": now, "lately": now - LATELY}))


@prepared
def _rows(policy: Policy, actor: Actor) -> Select[Any]:
    # By id, and only then whether it may be known: asked as one condition, SQLite walks through whole ledgers for fifteen ids.
    seen = case((visible(policy, actor), 1), else_=0) == 1
    return select(*_COLUMNS).where(Item.id.in_(_GIVEN), seen)


@prepared
def _numbered(policy: Policy, actor: Actor) -> Select[Any]:
    return select(*_COLUMNS).where(Item.number.in_(_GIVEN), visible(policy, actor)).limit(1)


@prepared
def _hidden(policy: Policy, actor: Actor) -> Select[tuple[int]]:
    mine = Grant.person_id == actor.id
    if actor.units:
        mine = or_(mine, Grant.unit_id.in_(actor.units))
    waiting = select(Outbox.item_id).where(Outbox.topic == "index", Outbox.item_id.is_not(None))
    behind = select(Outbox.item_id).where(Outbox.item_id.is_not(None), _BEHIND)
    ended = select(Grant.item_id).where(Grant.until.is_not(None), Grant.until <= NOW, mine)
    over = select(Item.id).where(Item.due > _LATELY, policy.over(NOW)).correlate(None)
    lost = select(Outbox.item_id).where(Outbox.topic == "forget", Outbox.item_id.in_(behind))
    candidates = union(waiting, ended, over)
    return select(Item.id).where(Item.id.in_(candidates), or_(~visible(policy, actor), Item.id.in_(lost)))
