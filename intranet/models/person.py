"""Persons, the roles they hold in units, and what sign-in needs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .types import Moment


class Person(Base):
    """`clearance`: 0-4, the highest level this person may read. `epoch` is in every session: raising it ends them all."""

    __tablename__ = "person"

    id: Mapped[int] = mapped_column(primary_key=True)
    login: Mapped[str] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    pinyin: Mapped[str] = mapped_column(String(160), index=True, default="")
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    title: Mapped[str] = mapped_column(String(80), default="")
    phone: Mapped[str] = mapped_column(String(40), default="")
    email: Mapped[str] = mapped_column(String(120), default="")
    clearance: Mapped[int] = mapped_column(default=1)
    password: Mapped[str] = mapped_column(String(200), default="")
    must_change: Mapped[bool] = mapped_column(default=False)
    totp: Mapped[str] = mapped_column(String(400), default="")
    totp_step: Mapped[int] = mapped_column(default=0)
    epoch: Mapped[int] = mapped_column(default=0)
    active: Mapped[bool] = mapped_column(default=True)
    language: Mapped[str] = mapped_column(String(2), default="")
    theme: Mapped[str] = mapped_column(String(5), default="")
    created: Mapped[datetime] = mapped_column(Moment)
    last_seen: Mapped[datetime | None] = mapped_column(Moment)


class Role(Base):
    """A role held in a unit and all units below it; without a unit, everywhere."""

    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    role: Mapped[str] = mapped_column(String(40))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))

    __table_args__ = (UniqueConstraint("person_id", "role", "unit_id"),)


class Attempt(Base):
    """One failed try at something guarded by a secret (sign-in, tracking code): what the lock-out counts.
    `what` "ended": a session by its name that was signed out of; its cookie, copied before, is refused."""

    __tablename__ = "attempt"

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(120))
    at: Mapped[datetime] = mapped_column(Moment)

    __table_args__ = (Index("ix_attempt_what_key_at", "what", "key", "at"),)
