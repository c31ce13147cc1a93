"""The result of a search as a table: exactly the entries that the page counts for this person, recorded before the first row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from .. import work
from ..actor import Actor
from ..house import House
from . import finding, sight
from .asking import Question
from .sight import Seen

MOST = 10_000
BATCH = 500
NAMED = 400  # numbers in one row of the log


@dataclass(frozen=True)
class Harvest:
    """The entries to write, in the order of the page. `total`: how many there are, also where that is more than MOST."""

    ids: Sequence[int]
    total: int


def begin(session: Session, house: House, actor: Actor, question: Question, form: str) -> Harvest:
    """What is to be exported; the audit rows are committed. Raises Denied and Unavailable.

    As in a search, the words are recorded only where they concern the secret levels: then with the number of each such entry."""
    found, query = finding.looked(
        session, house, actor, question.text, question.filters, facets=(), limit=MOST, order=question.order,
        within=question.within(house.clock(), house.zone), loose=not question.tight,
    )  # fmt: skip
    highest = finding.concerns(query, question.filters, (h.item.level for h in found.hits))
    detail = {"count": len(found.hits), "total": found.total, "form": form}
    shown = [h.item.number for h in found.hits if h.item.level >= finding.AUDITED]
    with work.begin(house, actor) as w:
        if highest is None:
            w.record("search.export", detail=detail)
        else:
            filters = {name: sorted(values) for name, values in question.filters.items()}
            dates = {"since": question.since, "until": question.until}
            detail |= {"query": question.text, "filters": filters | {k: v for k, v in dates.items() if v}}
            for at in range(0, max(1, len(shown)), NAMED):
                w.record("search.export", detail=detail | {"shown": shown[at : at + NAMED]}, level=highest)
    return Harvest([h.item.id for h in found.hits], found.total)


def rows(session: Session, house: House, actor: Actor, harvest: Harvest) -> Iterator[Seen]:
    """The entries, as they are when they are written: what may no longer be known by then is left out. One statement for
    some hundred rows."""
    for start in range(0, len(harvest.ids), BATCH):
        ids = harvest.ids[start : start + BATCH]
        seen = sight.rows(session, house, actor, ids)
        yield from (seen[i] for i in ids if i in seen)
