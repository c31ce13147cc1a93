"""文件传递单: a copy goes round within a scope, hand to hand, and comes back (seeds L48-51)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .types import Moment

LIVE = "state IN ('draft', 'pending', 'moving', 'returned')"


class Slip(Base):
    """One circulation of one copy. `state`: draft, pending (waits for approval), moving, returned (waits for the check), closed;
    rejected, withdrawn, lost. `starts`-`ends`: the cycle. `direct`: hops need not go through the custodian. `holder_id`: who has the
    copy now, None while it is in its place; `checker_id` is never the last holder."""

    __tablename__ = "slip"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(80), unique=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    copy_id: Mapped[int] = mapped_column(ForeignKey("copy.id"))
    state: Mapped[str] = mapped_column(String(10), default="draft")
    purpose: Mapped[str] = mapped_column(String(500))
    starts: Mapped[date | None]
    ends: Mapped[date | None]
    direct: Mapped[bool] = mapped_column(default=False)
    created: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    decided: Mapped[datetime | None] = mapped_column(Moment)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    said: Mapped[str] = mapped_column(String(300), default="")
    holder_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    returned: Mapped[datetime | None] = mapped_column(Moment)
    returned_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    checked: Mapped[datetime | None] = mapped_column(Moment)
    checker_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    result: Mapped[str] = mapped_column(String(300), default="")

    __table_args__ = (
        Index("ix_slip_item_id", "item_id"),
        Index("ix_slip_state_ends", "state", "ends"),
        # No second open slip for one copy: said by the database too.
        Index(
            "ix_slip_copy_id_live",
            "copy_id",
            unique=True,
            sqlite_where=text(LIVE),
            postgresql_where=text(LIVE),
        ),
    )


class SlipScope(Base):
    """Who may be on the way of a slip: a person, or everybody of a unit. `dropped`: taken off again while it was a draft."""

    __tablename__ = "slip_scope"

    id: Mapped[int] = mapped_column(primary_key=True)
    slip_id: Mapped[int] = mapped_column(ForeignKey("slip.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    dropped: Mapped[datetime | None] = mapped_column(Moment)


class Hop(Base):
    """传递: one hand-over. `given` is the giver's signature, `taken` the taker's; without it the copy is still the giver's.
    `back`: returned to the custodian's place. `refused`: the taker did not take it; the next hop is another row."""

    __tablename__ = "hop"

    id: Mapped[int] = mapped_column(primary_key=True)
    slip_id: Mapped[int] = mapped_column(ForeignKey("slip.id"))
    seq: Mapped[int]
    giver_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    taker_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    given: Mapped[datetime] = mapped_column(Moment)
    taken: Mapped[datetime | None] = mapped_column(Moment)
    refused: Mapped[datetime | None] = mapped_column(Moment)
    condition: Mapped[str] = mapped_column(String(300), default="")
    back: Mapped[bool] = mapped_column(default=False)

    __table_args__ = (UniqueConstraint("slip_id", "seq"),)
