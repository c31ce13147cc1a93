"""Units: the tree of offices, sections and centres (seeds L130-137)."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base


class Unit(Base):
    """`path` is the ids from the root down, `/1/4/`: everything below a unit has its path as prefix."""

    __tablename__ = "unit"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    name_en: Mapped[str] = mapped_column(String(120), default="")
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"))
    path: Mapped[str] = mapped_column(String(200), index=True, default="")
    order: Mapped[int] = mapped_column("position", default=0)
    active: Mapped[bool] = mapped_column(default=True)
