"""Saved searches with alerts: looked through after the index has changed, each as its owner is now, who is told once.

What is told is the search and a number. The search is asked again when its page is opened, so that nothing remains of what
its owner may have lost by then. No query leaves this process, not even into a log.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta
from itertools import groupby

from sqlalchemy import or_, select

from search.engine import Access

from .. import work
from ..extensions import db
from ..house import House
from ..models import Message, Person, SavedSearch
from ..verbs import finding, people, searches
from ..work import Work
from . import lease

log = logging.getLogger("intranet.jobs")
EVERY = timedelta(minutes=3)  # between two looks at one search
ROUND = 60  # searches looked through in one go: the index does not wait for long
CODE = "search.new"
_NOBODY = Access(-1, frozenset())


def alerts(house: House) -> int:
    """Look through those whose turn it is, the longest unseen first. How many messages were sent."""
    session = db.session()
    session.rollback()
    generation = house.engine.search("", _NOBODY, limit=0).generation
    turn = or_(SavedSearch.looked.is_(None), SavedSearch.looked <= house.clock() - EVERY)
    query = (
        select(SavedSearch.person_id, SavedSearch.id)
        .join(Person, Person.id == SavedSearch.person_id)
        .where(SavedSearch.alerts, Person.active, SavedSearch.generation != generation, turn)
        .order_by(SavedSearch.looked.is_not(None), SavedSearch.looked, SavedSearch.id)
    )
    rows = sorted(session.execute(query.limit(ROUND)).all())
    session.rollback()
    return sum(
        _of_one(house, person, [row[1] for row in mine], generation)
        for person, mine in groupby(rows, lambda row: row[0])
    )


def _of_one(house: House, person_id: int, ids: Sequence[int], generation: str) -> int:
    """The searches of one person: looked up without holding anything, then told in one transaction."""
    session = db.session()
    session.rollback()
    actor = people.actor_of(session, session.get_one(Person, person_id), origin=lease.WORKER.origin)
    gone = finding.hidden(session, house, finding.typist(actor))
    found: dict[int, tuple[int, searches.News | None]] = {}
    for kept in session.scalars(select(SavedSearch).where(SavedSearch.id.in_(ids))).all():
        before, news = kept.round, None
        try:
            news = searches.news(session, house, actor, kept, gone=gone, limit=searches.KEPT)
        except Exception as error:  # noqa: BLE001  one that cannot be asked holds up no other; its words stay out of the log
            log.warning("search", extra={"search": kept.id, "why": type(error).__name__})
        found[kept.id] = (before, news)
    sent = 0
    with work.begin(house, lease.WORKER) as w:
        own = (
            select(SavedSearch).where(SavedSearch.id.in_(found), SavedSearch.alerts).order_by(SavedSearch.id)
        )
        for kept in w.session.scalars(own.with_for_update().execution_options(populate_existing=True)):
            before, news = found[kept.id]
            if kept.round != before:
                continue  # its owner was there meanwhile; it keeps its turn
            kept.looked = w.now
            if news is not None:
                sent += _tell(w, kept, news)
                kept.generation = generation
    return sent


def _tell(w: Work, kept: SavedSearch, news: searches.News) -> int:
    """One message, in the place of one that was not looked at yet, if something is new that none was about."""
    fresh = frozenset(hit.item.id for hit in news.hits) - kept.told
    if not fresh:
        return 0
    kept.told |= fresh
    kept.round += 1
    searches.put_away(w, kept)
    key = f"{CODE}:{kept.id}:{kept.round}"
    w.session.add(
        Message(person_id=kept.person_id, search_id=kept.id, count=news.total, at=w.now, code=CODE, key=key)
    )
    return 1
