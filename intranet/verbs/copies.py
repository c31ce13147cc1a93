"""份: the copies of a kept file, each numbered for itself. What one loan, slip or inspection does to a copy is said here once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask_babel import gettext as _
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from ..errors import Conflict, Missing
from ..models import Copy, Item
from ..work import Work

#: What the state of a file says of its copies: the first of these that some living copy is in.
SUMMARY = (
    ("held", "held"),
    ("lent", "lent"),
    ("circulating", "lent"),
    ("returned", "returned"),
    ("missing", "missing"),
)
LIVING = frozenset({"held", "lent", "circulating", "returned", "missing"})
OUT = frozenset({"lent", "circulating", "returned"})
ENDING = frozenset({"disposal", "destroyed", "transferred"})  # of the file: on a disposal list, or over


def register(
    w: Work, item: Item, count: int, *, made_from: int | None = None, reason: str = ""
) -> list[Copy]:
    """Further copies of a file, numbered on from the highest number it ever had. Raises Conflict of one that ends."""
    _lives(item)
    last = w.session.scalar(select(func.max(Copy.number)).where(Copy.item_id == item.id)) or 0
    rows = [
        Copy(
            item_id=item.id, number=last + n, since=w.now, place_id=int(item.data["place"]), inspected=w.today,
            made_from=made_from, reason=reason,
        )
        for n in range(1, count + 1)
    ]  # fmt: skip
    w.session.add_all(rows)
    w.session.flush()
    return rows


def of_item(session: Session, item_id: int) -> list[Copy]:
    """All copies of a file by number, those that are gone too. One statement."""
    return list(session.scalars(select(Copy).where(Copy.item_id == item_id).order_by(Copy.number)))


def lock(w: Work, copy_id: int) -> Copy:
    """One copy for this transaction. The caller has locked its item, and with it decided on it."""
    copy = w.session.get(Copy, copy_id, with_for_update=True, populate_existing=True)
    if copy is None:
        raise Missing()
    return copy


def free(w: Work, item: Item, number: int | None = None) -> Copy:
    """A copy that stands in its place: the one of this number, or the first. Raises Conflict where it (or each) is out, or the
    file waits for its end."""
    _lives(item)
    query = select(Copy).where(Copy.item_id == item.id, Copy.state == "held").order_by(Copy.number).limit(1)
    if number is not None:
        query = query.where(Copy.number == number)
    copy = w.session.scalar(query.with_for_update())
    if copy is None and number is not None:
        raise Conflict(_("第 %(n)s 份目前不在库", n=number), item=item.id)
    if copy is None:
        raise Conflict(_("此文件目前没有在库的份"), item=item.id)
    return copy


def _lives(item: Item) -> None:
    if item.state in ENDING:
        raise Conflict(_("待处置或已处置的文件不能借出、流转或增加份数"), item=item.id)


def turn(w: Work, copy: Copy, state: str) -> None:
    """A copy is from now on in this state."""
    copy.state, copy.since = state, w.now


def moved(w: Work, item: Item, before: int, after: int) -> None:
    """The file has another place: so have the copies that stood in the one before."""
    w.session.execute(
        update(Copy)
        .where(Copy.item_id == item.id, Copy.place_id == before, Copy.state.in_(LIVING))
        .values(place_id=after)
    )


def ended(w: Work, item: Item, state: str) -> None:
    """The file is destroyed or transferred: all its copies are. One whose loss was settled stays missing: nobody has seen it go."""
    w.session.execute(
        update(Copy).where(Copy.item_id == item.id, Copy.state == "held").values(state=state, since=w.now)
    )


def places(session: Session, item_id: int) -> Sequence[int]:
    """Where the living copies are kept."""
    query = select(Copy.place_id).where(Copy.item_id == item_id, Copy.state.in_(LIVING)).distinct()
    return session.scalars(query).all()


def out(session: Session, item_id: int) -> bool:
    """Whether any copy of a file is in somebody's hands, or back and not yet checked."""
    query = select(Copy.id).where(Copy.item_id == item_id, Copy.state.in_(OUT)).limit(1)
    return session.scalar(query) is not None


def summary(states: Iterable[str]) -> str:
    """What these copies together make of the file; "" where none is living."""
    there = set(states)
    return next((of_item for of_copy, of_item in SUMMARY if of_copy in there), "")
