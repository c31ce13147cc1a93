"""Items: everything people look up, with values, revisions, grants, links, comments (ARCHITECTURE §3)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .types import Moment


class Item(Base):
    """One row of one ledger. Never deleted: the number and the register row outlive what they name (seeds L45, L47).

    `version` counts saves (optimistic lock); `previous_id`: who did the step before; `due`: the nearest running clock.
    """

    __tablename__ = "item"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(40))
    number: Mapped[str] = mapped_column(String(80), unique=True)
    title: Mapped[str] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(40))
    level: Mapped[int]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    previous_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    repository_id: Mapped[int | None] = mapped_column(ForeignKey("repository.id"), index=True)
    created: Mapped[datetime] = mapped_column(Moment)
    updated: Mapped[datetime] = mapped_column(Moment)
    due: Mapped[datetime | None] = mapped_column(Moment, index=True)
    version: Mapped[int] = mapped_column(default=1)
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (
        # With all that the policy asks of an item, so that a ledger is counted from the index alone.
        Index(
            "ix_item_kind_state_updated",
            *("kind", "state", "updated", "level", "repository_id", "unit_id", "owner_id"),
        ),
        Index("ix_item_kind_updated_id", "kind", "updated", "id"),
        Index("ix_item_unit_id_kind", "unit_id", "kind"),
    )
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  SQLAlchemy's own way to say it


class ItemValue(Base):
    """The fields of an item that lists filter and sort by."""

    __tablename__ = "value"

    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    field: Mapped[str] = mapped_column(String(40), primary_key=True)
    text: Mapped[str | None] = mapped_column(String(200))
    number: Mapped[int | None] = mapped_column(BigInteger)
    date: Mapped[date | None]

    __table_args__ = (
        Index("ix_value_field_text", "field", "text", "item_id"),
        Index("ix_value_field_number", "field", "number", "item_id"),
        Index("ix_value_field_date", "field", "date", "item_id"),
    )


class Revision(Base):
    """The item as it was after one save: who, when, why; the difference of two is the change."""

    __tablename__ = "revision"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    version: Mapped[int]
    at: Mapped[datetime] = mapped_column(Moment)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    action: Mapped[str] = mapped_column(String(40))
    reason: Mapped[str] = mapped_column(Text, default="")
    title: Mapped[str] = mapped_column(String(300))
    state: Mapped[str] = mapped_column(String(40))
    level: Mapped[int]
    data: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    __table_args__ = (UniqueConstraint("item_id", "version"),)


class Grant(Base):
    """A role on one item for one person or one unit, until a moment or until revoked (知悉范围)."""

    __tablename__ = "grant"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    role: Mapped[str] = mapped_column(String(20))
    until: Mapped[datetime | None] = mapped_column(Moment)
    revoked: Mapped[datetime | None] = mapped_column(Moment)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(String(300), default="")

    __table_args__ = (
        Index("ix_grant_person_id_item_id", "person_id", "item_id"),
        Index("ix_grant_unit_id_item_id", "unit_id", "item_id"),
    )


class Link(Base):
    """A named relation of two items: `version` (newer -> older), `from` (order -> complaint), `see`."""

    __tablename__ = "link"

    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True, index=True)
    relation: Mapped[str] = mapped_column(String(20), primary_key=True)


class Comment(Base):
    """What is said on an item. `outward`: the complainant reads it on the tracking page; no author: he wrote it."""

    __tablename__ = "comment"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    at: Mapped[datetime] = mapped_column(Moment)
    body: Mapped[str] = mapped_column(Text)
    outward: Mapped[bool] = mapped_column(default=False)


class Tracking(Base):
    """The private code of a complaint, hashed: the number is public, the code is the key."""

    __tablename__ = "tracking"

    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)


class Counter(Base):
    """The last number given under one prefix; taken in the transaction that uses it, never set back."""

    __tablename__ = "counter"

    name: Mapped[str] = mapped_column(String(120), primary_key=True)
    last: Mapped[int] = mapped_column(default=0)
