"""Copies of controlled files, and what becomes of them: loans, reading sessions, approvals (seeds L45-51)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .types import Moment

OUT = "state IN ('lent', 'returned')"
WAITING = "outcome = ''"


class Copy(Base):
    """份: one copy of a controlled file, tracked singly. `number` (份号) counts within the file and is never reissued.

    `state`: held, lent (a loan), circulating (a slip), returned (waits for the check), missing, destroyed, transferred; `since`
    when. `place_id`: where it stands, or stood before it went out. `inspected`: when somebody last saw it in its place.
    `made_from`: the copy that it was made from; None for those that were registered with the file."""

    __tablename__ = "copy"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    number: Mapped[int]
    state: Mapped[str] = mapped_column(String(12), default="held")
    since: Mapped[datetime] = mapped_column(Moment)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    inspected: Mapped[date]
    made_from: Mapped[int | None] = mapped_column(ForeignKey("copy.id"))
    reason: Mapped[str] = mapped_column(String(300), default="")

    __table_args__ = (
        UniqueConstraint("item_id", "number"),
        Index("ix_copy_state_inspected", "state", "inspected"),
    )


class Loan(Base):
    """借阅: applied -> approved -> lent -> returned -> checked; or refused, withdrawn, expired. Rows are only added and stepped
    on: what was once written of a step stays (`migrations.guards` lets the database refuse the rest).

    `asked_copy_id`, `asked_until`: as applied for. `copy_id`: the copy handed out; `until`: when it is due, later than asked where
    it was extended. `decided`: approved or refused; `handed`: given out; `received`: the borrower's own word for it; `ended`:
    withdrawn, or run out uncollected. `download`: whether the borrower may also save the body (with the mark)."""

    __tablename__ = "loan"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    asked_copy_id: Mapped[int | None] = mapped_column(ForeignKey("copy.id"))
    copy_id: Mapped[int | None] = mapped_column(ForeignKey("copy.id"))
    borrower_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(12), default="applied")
    purpose: Mapped[str] = mapped_column(String(500))
    asked_until: Mapped[date]
    until: Mapped[date]
    download: Mapped[bool] = mapped_column(default=False)
    applied: Mapped[datetime] = mapped_column(Moment)
    decided: Mapped[datetime | None] = mapped_column(Moment)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    refusal: Mapped[str] = mapped_column(String(300), default="")
    handed: Mapped[datetime | None] = mapped_column(Moment)
    handed_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    received: Mapped[datetime | None] = mapped_column(Moment)
    returned: Mapped[datetime | None] = mapped_column(Moment)
    returned_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    checked: Mapped[datetime | None] = mapped_column(Moment)
    checked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    condition: Mapped[str] = mapped_column(String(300), default="")
    ended: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        Index("ix_loan_item_id_state", "item_id", "state"),
        Index("ix_loan_state_until", "state", "until"),
        Index("ix_loan_borrower_id_state", "borrower_id", "state"),
        # One copy is with one person: said by the database too.
        Index(
            "ix_loan_copy_id_out", "copy_id", unique=True, sqlite_where=text(OUT), postgresql_where=text(OUT)
        ),
    )


class Extension(Base):
    """续借: a later date that the borrower asked for before the loan was due. `outcome`: "" while it waits, then granted, refused,
    or withdrawn (given back meanwhile). `said`: the custodian's reason."""

    __tablename__ = "loan_extension"

    id: Mapped[int] = mapped_column(primary_key=True)
    loan_id: Mapped[int] = mapped_column(ForeignKey("loan.id"), index=True)
    asked: Mapped[datetime] = mapped_column(Moment)
    until: Mapped[date]
    why: Mapped[str] = mapped_column(String(300))
    outcome: Mapped[str] = mapped_column(String(10), default="")
    decided: Mapped[datetime | None] = mapped_column(Moment)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    said: Mapped[str] = mapped_column(String(300), default="")

    __table_args__ = (
        Index(
            "ix_loan_extension_waiting",
            "loan_id",
            unique=True,
            sqlite_where=text(WAITING),
            postgresql_where=text(WAITING),
        ),
    )


class Approval(Base):
    """A second person's word: who asked for what and why, who decided and how. Never the same person.

    `what`: level (another level, in `payload`), copy (a further copy), open (two-person opening of 绝密), glass (break-glass: opened at
    once, reviewed until `due`). `outcome`: "" while it waits, then approved, refused, withdrawn; of a glass good or bad. `until`: how
    long an approval holds; None for good. `said`: the decider's reason, or the finding of the review."""

    __tablename__ = "approval"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    what: Mapped[str] = mapped_column(String(10))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    why: Mapped[str] = mapped_column(String(500))
    asked: Mapped[datetime] = mapped_column(Moment)
    asked_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    due: Mapped[datetime | None] = mapped_column(Moment)
    outcome: Mapped[str] = mapped_column(String(10), default="")
    decided: Mapped[datetime | None] = mapped_column(Moment)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    said: Mapped[str] = mapped_column(String(500), default="")
    until: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        Index("ix_approval_item_id_what_outcome", "item_id", "what", "outcome"),
        Index("ix_approval_outcome_due", "outcome", "due"),
    )


class Reading(Base):
    """阅读: a session in which one person reads the body in the page, from `opened` until `until` or `closed`.

    `way`: loan, two (a second person agreed), glass (break-glass). Each page seen is an audit row that names the session."""

    __tablename__ = "reading"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    way: Mapped[str] = mapped_column(String(10))
    loan_id: Mapped[int | None] = mapped_column(ForeignKey("loan.id"))
    approval_id: Mapped[int | None] = mapped_column(ForeignKey("approval.id"))
    opened: Mapped[datetime] = mapped_column(Moment)
    until: Mapped[datetime] = mapped_column(Moment)
    closed: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (Index("ix_reading_item_id_person_id", "item_id", "person_id"),)
