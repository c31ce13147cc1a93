"""Words that may no longer stand in clear, taken out of what lags behind: the index and the write-ahead log."""

from __future__ import annotations

from sqlalchemy import select

from ..errors import Unavailable
from ..extensions import db
from ..house import House
from ..models import Outbox
from . import index
from .alarm import forget_pages
from .outbox import Row


def text(house: House, row: Row) -> None:
    """The index keeps what it replaced until it tidies up, and the database what it wrote on the way: not these words.
    Raises where somebody still reads them, it is tried again; doing it twice is no error. Whoever saves meanwhile does not
    wait for it."""
    session = db.session()
    session.rollback()
    waiting = select(Outbox.id).where(Outbox.topic == "index", Outbox.item_id == row.item_id)
    if session.scalar(waiting.limit(1)) is not None:
        raise Unavailable("index")
    session.rollback()
    house.engine.purge(lambda: index.catch_up(house))
    forget_pages()
