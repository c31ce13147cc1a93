"""Keeping and ending: inspections and shelf checks, holds, disposal lists (seeds L44, L47)."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import JSON, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .types import Moment

NOT_RELEASED = "released IS NULL"
NOT_DROPPED = "dropped IS NULL"


class ShelfCheck(Base):
    """清点: one round through one place (and those within it). Closed once; what was not scanned by then is missing. `dropped`: given
    up, nothing was found by it. `strays`: what was scanned and leads to nothing that the checker keeps, for the checker's eyes only."""

    __tablename__ = "shelf_check"

    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"), index=True)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    started: Mapped[datetime] = mapped_column(Moment)
    closed: Mapped[datetime | None] = mapped_column(Moment)
    dropped: Mapped[bool] = mapped_column(default=False)
    strays: Mapped[list[str]] = mapped_column(JSON, default=list)


class Inspection(Base):
    """检查: what somebody found of one copy. `found`: present, missing, damaged, misplaced, or struck (a line of a shelf check that was
    taken back before the check was closed); `place_id` where it belongs,
    `seen_place_id` where it was seen. `check_id`: the shelf check that it is a line of. `incident_id`: what a missing one opened."""

    __tablename__ = "inspection"

    id: Mapped[int] = mapped_column(primary_key=True)
    copy_id: Mapped[int] = mapped_column(ForeignKey("copy.id"), index=True)
    check_id: Mapped[int | None] = mapped_column(ForeignKey("shelf_check.id"), index=True)
    at: Mapped[datetime] = mapped_column(Moment)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    found: Mapped[str] = mapped_column(String(10))
    place_id: Mapped[int] = mapped_column(ForeignKey("place.id"))
    seen_place_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"))
    note: Mapped[str] = mapped_column(String(500), default="")
    action: Mapped[str] = mapped_column(String(500), default="")
    incident_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"))


class Hold(Base):
    """冻结: no change and no disposal until it is released; who holds and why is shown."""

    __tablename__ = "hold"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    reason: Mapped[str] = mapped_column(String(500))
    at: Mapped[datetime] = mapped_column(Moment)
    by_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    released: Mapped[datetime | None] = mapped_column(Moment)
    released_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    release_reason: Mapped[str] = mapped_column(String(500), default="")

    __table_args__ = (
        Index("ix_hold_item_id", "item_id"),
        Index(
            "ix_hold_live",
            "item_id",
            unique=True,
            sqlite_where=text(NOT_RELEASED),
            postgresql_where=text(NOT_RELEASED),
        ),
    )


class DisposalList(Base):
    """处置清单: files to be destroyed or handed to the archives together. `way`: destroy, transfer. `state`: proposed, approved, done,
    rejected, withdrawn. `level`: the highest of its files when it was proposed. Destruction takes two signatures of two persons,
    neither of them the approver. Of a transfer the first is who entered the archives' receipt (`receiver`, its number `receipt`, its
    day `received`), the second who confirmed it; `package`: the SHA-256 of the manifest of the package that was handed over."""

    __tablename__ = "disposal_list"

    id: Mapped[int] = mapped_column(primary_key=True)
    number: Mapped[str] = mapped_column(String(80), unique=True)
    way: Mapped[str] = mapped_column(String(10))
    state: Mapped[str] = mapped_column(String(10), default="proposed")
    reason: Mapped[str] = mapped_column(String(500))
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    level: Mapped[int]
    proposed: Mapped[datetime] = mapped_column(Moment)
    proposed_by: Mapped[int] = mapped_column(ForeignKey("person.id"))
    decided: Mapped[datetime | None] = mapped_column(Moment)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    said: Mapped[str] = mapped_column(String(500), default="")
    first_signed: Mapped[datetime | None] = mapped_column(Moment)
    first_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    second_signed: Mapped[datetime | None] = mapped_column(Moment)
    second_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    done: Mapped[datetime | None] = mapped_column(Moment)
    receiver: Mapped[str] = mapped_column(String(200), default="")
    receipt: Mapped[str] = mapped_column(String(200), default="")
    received: Mapped[date | None]
    package: Mapped[str] = mapped_column(String(64), default="")

    __table_args__ = (Index("ix_disposal_list_state", "state"),)


class DisposalRow(Base):
    """One file on a disposal list. `dropped`: taken off again before the list was done, alone or with the whole list. A file is on
    one list only that is not: said by the database too."""

    __tablename__ = "disposal_row"

    list_id: Mapped[int] = mapped_column(ForeignKey("disposal_list.id"), primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True, index=True)
    dropped: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (
        Index(
            "ix_disposal_row_live",
            "item_id",
            unique=True,
            sqlite_where=text(NOT_DROPPED),
            postgresql_where=text(NOT_DROPPED),
        ),
    )
