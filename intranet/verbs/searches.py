"""Saved searches: kept by a person's own wish, theirs alone, and what is new to each of them (FEATURES row 45).

What is new is always worked out anew, with the rights of this moment, and never from 秘密 upwards: looking there is
recorded, and nobody sits in front of this. `known` and `told` hold ids only, and are asked, never shown.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from flask_babel import gettext as _
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from ..actor import Actor
from ..errors import Invalid, Missing
from ..house import House
from ..models import Message, SavedSearch
from ..policy import Permission
from ..work import Work
from . import asking, finding
from .asking import Question
from .entries import stamp

MOST = 50  # searches of one person
NAME = 60
ADDRESS = 4000
KEPT = 5000  # ids that `known` begins with; what is older is known by `floor`


@dataclass(frozen=True)
class There:
    """The entries that answer at one moment: the newest of them by id, and the moment before which all others were saved."""

    ids: frozenset[int] = frozenset()
    floor: int = 0


@dataclass(frozen=True)
class News:
    """What is new to a saved search: how many entries, and the newest of them."""

    total: int = 0
    hits: Sequence[finding.Hit] = field(default_factory=tuple)


def mine(session: Session, house: House, actor: Actor) -> Sequence[SavedSearch]:
    """One's own, by name. One statement."""
    house.policy.demand(actor, Permission.SEARCH)
    query = select(SavedSearch).where(SavedSearch.person_id == actor.id)
    return session.scalars(query.order_by(SavedSearch.name, SavedSearch.id)).all()


def get(session: Session, house: House, actor: Actor, search_id: int) -> SavedSearch:
    """One of one's own. Another's and none at all are the same: Missing."""
    house.policy.demand(actor, Permission.SEARCH)
    kept = session.get(SavedSearch, search_id, populate_existing=True)
    if kept is None or kept.person_id != actor.id:
        raise Missing()
    return kept


def there(session: Session, house: House, actor: Actor, question: Question) -> There:
    """What answers now: what a search that is being saved, or has just been looked through, already knows."""
    within = question.within(house.clock(), house.zone)
    total, hits = finding.answers(
        session, house, actor, question.text, question.filters, within=within, limit=KEPT
    )
    floor = min(stamp(h.item.updated) for h in hits) + 1 if total > len(hits) > 0 else 0
    return There(frozenset(h.item.id for h in hits), floor)


def news(
    session: Session,
    house: House,
    actor: Actor,
    kept: SavedSearch,
    *,
    limit: int = 0,
    gone: frozenset[int] | None = None,
) -> News:
    """What is new to it for its owner now. `gone`: see `finding.answers`."""
    question = asking.parse(kept.query)
    since, until = question.within(house.clock(), house.zone)
    within = (max(since or 0, kept.floor) or None, until)
    total, hits = finding.answers(
        session, house, actor, question.text, question.filters, within=within, known=kept.known, gone=gone,
        limit=limit,
    )  # fmt: skip
    return News(total, hits)


def save(w: Work, question: Question, name: str, before: There, *, alerts: bool) -> tuple[SavedSearch, bool]:
    """Keep the search; what was `there` is not new. The one that is kept already, and False, where it is the same question."""
    w.house.policy.demand(w.actor, Permission.SEARCH)
    own = select(SavedSearch).where(SavedSearch.person_id == w.actor.id)
    address = question.address()
    if not question.asks:
        raise Invalid({"": _("先检索，再保存")})
    if len(address) > ADDRESS:
        raise Invalid({"": _("条件太多，无法保存；请减少几个")})
    if same := w.session.scalars(own.where(SavedSearch.query == address)).first():
        return same, False
    if (w.session.scalar(select(func.count()).select_from(own.subquery())) or 0) >= MOST:
        raise Invalid({"": _("最多保存 %(n)s 个检索，请先删去不用的", n=MOST)})
    kept = SavedSearch(
        person_id=w.actor.id, name=_name(name or question.text), query=address, created=w.now, alerts=alerts,
        known=before.ids, floor=before.floor,
    )  # fmt: skip
    w.session.add(kept)
    w.session.flush()
    return kept, True


def rename(w: Work, search_id: int, name: str) -> SavedSearch:
    kept = _own(w, search_id)
    kept.name = _name(name)
    return kept


def alert(w: Work, search_id: int, *, on: bool) -> SavedSearch:
    """Whether its owner is told of what is new. What was told and not looked at is put away with it."""
    kept = _own(w, search_id)
    kept.alerts = on
    if not on:
        put_away(w, kept)
    return kept


def seen(w: Work, search_id: int, ids: Collection[int]) -> SavedSearch:
    """These entries are new no longer; its messages are put away."""
    kept = _own(w, search_id)
    return _seen(w, kept, kept.known | frozenset(ids))


def all_seen(w: Work, search_id: int, now: There) -> SavedSearch:
    """Nothing that is there now is new any longer."""
    kept = _own(w, search_id)
    known = kept.known | now.ids
    kept.floor = max(kept.floor, now.floor)
    return _seen(w, kept, known if len(known) <= 2 * KEPT else now.ids)


def remove(w: Work, search_id: int) -> str:
    """Gone with its messages. Its name."""
    kept = _own(w, search_id)
    w.session.execute(delete(Message).where(Message.search_id == kept.id))
    w.session.delete(kept)
    return kept.name


def _own(w: Work, search_id: int) -> SavedSearch:
    """One's own, held until the end of the transaction."""
    w.house.policy.demand(w.actor, Permission.SEARCH)
    own = select(SavedSearch).where(SavedSearch.id == search_id, SavedSearch.person_id == w.actor.id)
    kept = w.session.scalar(own.with_for_update().execution_options(populate_existing=True))
    if kept is None:
        raise Missing()
    return kept


def _seen(w: Work, kept: SavedSearch, known: frozenset[int]) -> SavedSearch:
    kept.known, kept.told = known, kept.told - known
    kept.round += 1  # what the worker has just looked up is out of date
    put_away(w, kept)
    return kept


def put_away(w: Work, kept: SavedSearch) -> None:
    """Its messages are shown no longer."""
    waiting = update(Message).where(Message.search_id == kept.id, Message.read.is_(None))
    w.session.execute(waiting.values(read=w.now))


def _name(typed: str) -> str:
    """Raises Invalid for none."""
    name = "".join(c if c.isprintable() else " " for c in typed).strip()[:NAME].strip()
    if not name:
        raise Invalid({"name": _("请给这个检索起个名字")})
    return name
