"""The audit chain, the outbox, leases: what makes work durable and provable."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .types import Moment


class Audit(Base):
    """One row of the audit log, chained by hash (`vault.chain`). Never changed, never deleted.

    `at` is kept as the ISO text that was hashed. `detail` names things, it never holds bodies or field values.
    """

    __tablename__ = "audit"

    seq: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(String(32), index=True)
    actor: Mapped[str] = mapped_column(String(64), index=True)
    action: Mapped[str] = mapped_column(String(40), index=True)
    outcome: Mapped[str] = mapped_column(String(10))
    item: Mapped[int | None] = mapped_column(index=True)
    number: Mapped[str] = mapped_column(String(80), default="")
    level: Mapped[int | None]
    unit: Mapped[int | None]
    detail: Mapped[str] = mapped_column(Text, default="{}")
    origin: Mapped[str] = mapped_column(String(64), default="")
    request: Mapped[str] = mapped_column(String(32), default="")
    prev: Mapped[str] = mapped_column(String(64))
    hash: Mapped[str] = mapped_column(String(64))


class ChainHead(Base):
    """The one row that whoever appends to the chain locks: two servers cannot fork it."""

    __tablename__ = "chain_head"

    id: Mapped[int] = mapped_column(primary_key=True)
    seq: Mapped[int] = mapped_column(default=0)
    hash: Mapped[str] = mapped_column(String(64))


class Outbox(Base):
    """An effect to be carried out after the commit, again and again until done (index, extract, mail)."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    topic: Mapped[str] = mapped_column(String(20))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    payload: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    created: Mapped[datetime] = mapped_column(Moment)
    ready: Mapped[datetime] = mapped_column(Moment)
    tries: Mapped[int] = mapped_column(default=0)
    error: Mapped[str] = mapped_column(String(300), default="")

    __table_args__ = (Index("ix_outbox_topic_ready", "topic", "ready"),)


class Lease(Base):
    """A job's right to run until `until`; also when it last ran well or failed. A dead holder's lease runs out."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(String(60), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80), default="")
    until: Mapped[datetime | None] = mapped_column(Moment)
    last_ok: Mapped[datetime | None] = mapped_column(Moment)
    last_error: Mapped[str] = mapped_column(String(500), default="")
    next_run: Mapped[datetime | None] = mapped_column(Moment)


class Message(Base):
    """A message in the house: what a person is told (reminders, replies, alarms), of an item or of a saved search;
    `count`: how many new entries the search had then; `counts`: of a digest, how many of what (`jobs.digest`). Nothing else: what
    may be known is looked up when it is shown."""

    __tablename__ = "message"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"))
    search_id: Mapped[int | None] = mapped_column(ForeignKey("saved_search.id"), index=True)
    count: Mapped[int] = mapped_column(default=0)
    counts: Mapped[dict[str, int]] = mapped_column(JSON, default=dict)
    at: Mapped[datetime] = mapped_column(Moment)
    code: Mapped[str] = mapped_column(String(40))
    key: Mapped[str] = mapped_column(String(120), unique=True)
    read: Mapped[datetime | None] = mapped_column(Moment)

    __table_args__ = (Index("ix_message_person_id_read", "person_id", "read"),)
