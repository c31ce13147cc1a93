"""Searches that persons keep, by their own wish: the only queries that stand in the database (FEATURES rows 45, 51)."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .types import Ids, Moment


class SavedSearch(Base):
    """`query`: the address of the search, its parameters in their fixed order. `alerts`: its owner is told of new entries.

    An entry is new when it answers and is neither in `known` (there when it was saved, or seen since) nor last saved before
    `floor` (microseconds since the epoch; 0 unless there are more answers than `known` may hold). `told`: what a message was
    about since. `round` counts the changes of both. `looked`, `generation`: when it was last looked through, and in which state
    of the index."""

    __tablename__ = "saved_search"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    query: Mapped[str] = mapped_column(Text)
    created: Mapped[datetime] = mapped_column(Moment)
    alerts: Mapped[bool] = mapped_column(default=False)
    known: Mapped[frozenset[int]] = mapped_column(Ids, default=frozenset)
    told: Mapped[frozenset[int]] = mapped_column(Ids, default=frozenset)
    floor: Mapped[int] = mapped_column(BigInteger, default=0)
    round: Mapped[int] = mapped_column(default=0)
    looked: Mapped[datetime | None] = mapped_column(Moment)
    generation: Mapped[str] = mapped_column(String(80), default="")
