"""What the office itself sets: vocabularies, repositories of resources, storage places."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base


class Term(Base):
    """A word of a vocabulary edited in the browser (seeds L106 可以进行补充分类). Retired, never deleted."""

    __tablename__ = "term"

    id: Mapped[int] = mapped_column(primary_key=True)
    vocabulary: Mapped[str] = mapped_column(String(40))
    code: Mapped[str] = mapped_column(String(80))
    title: Mapped[str] = mapped_column(String(120))
    parent: Mapped[str] = mapped_column(String(80), default="")
    order: Mapped[int] = mapped_column("position", default=0)
    active: Mapped[bool] = mapped_column(default=True)

    __table_args__ = (UniqueConstraint("vocabulary", "code"),)


class Repository(Base):
    """存储库: a part of the catalogue. `open`: all staff read it; else the units listed, and those below (row 3)."""

    __tablename__ = "repository"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    title: Mapped[str] = mapped_column(String(120))
    business: Mapped[str] = mapped_column(String(40), default="")
    open: Mapped[bool] = mapped_column(default=True)
    active: Mapped[bool] = mapped_column(default=True)


class RepositoryUnit(Base):
    __tablename__ = "repository_unit"

    repository_id: Mapped[int] = mapped_column(ForeignKey("repository.id"), primary_key=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), primary_key=True)


def _as_it_stands(context: Any) -> int:
    """A place of which nothing else is said is by itself as strong as where it stands."""
    return int(context.get_current_parameters().get("strength") or 1)


class Place(Base):
    """保管场所: a room, a cabinet in it, a shelf in that (`form`: room, cabinet, shelf). `strength` 1 工作区 2 柜子 3 锁柜 4 保密室: a
    level needs a place at least as strong (seeds L38-42). `own` is what the place is by itself; `strength` is what it is where it
    stands, never below that of the place around it (`parent_id`)."""

    __tablename__ = "place"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    form: Mapped[str] = mapped_column(String(10), default="cabinet")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("place.id"), index=True)
    strength: Mapped[int] = mapped_column(default=1)
    own: Mapped[int] = mapped_column(default=_as_it_stands)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    active: Mapped[bool] = mapped_column(default=True)
