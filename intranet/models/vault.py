"""Blobs (sealed files) and loans."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import BigInteger, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .types import Moment


class Blob(Base):
    """A sealed file. `state`: pending (name reserved, object may be in flight), stored, destroyed (header gone).

    The object in the store is the age payload, `header` its age header: without the row nothing opens.
    `key`: what the header is bound to, so that two swapped rows are detected. `fingerprint`: keyed, for duplicates.
    """

    __tablename__ = "blob"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="pending", index=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    header: Mapped[bytes] = mapped_column(LargeBinary, default=b"")
    level: Mapped[int]
    size: Mapped[int] = mapped_column(BigInteger, default=0)
    stored: Mapped[int] = mapped_column(BigInteger, default=0)
    digest: Mapped[str] = mapped_column(String(64), default="")
    fingerprint: Mapped[str] = mapped_column(String(64), default="", index=True)
    filename: Mapped[str] = mapped_column(String(255))
    mime: Mapped[str] = mapped_column(String(120), default="application/octet-stream")
    field: Mapped[str] = mapped_column(String(40), default="files")
    created: Mapped[datetime] = mapped_column(Moment)
    by_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    verified: Mapped[datetime | None] = mapped_column(Moment)
    text_note: Mapped[str] = mapped_column(String(40), default="waiting")


class BlobText(Base):
    """Text extracted from a blob, kept only up to the level that `search_body_level` allows in clear."""

    __tablename__ = "blob_text"

    blob_id: Mapped[int] = mapped_column(ForeignKey("blob.id"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)


class Loan(Base):
    """借阅: applied -> lent -> returned -> checked, or refused, or withdrawn. Rows are only added and stepped on."""

    __tablename__ = "loan"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int] = mapped_column(ForeignKey("item.id"))
    borrower_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    state: Mapped[str] = mapped_column(String(12), default="applied")
    purpose: Mapped[str] = mapped_column(String(500))
    until: Mapped[date]
    applied: Mapped[datetime] = mapped_column(Moment)
    decided: Mapped[datetime | None] = mapped_column(Moment)
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    refusal: Mapped[str] = mapped_column(String(300), default="")
    returned: Mapped[datetime | None] = mapped_column(Moment)
    checked: Mapped[datetime | None] = mapped_column(Moment)
    checked_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    condition: Mapped[str] = mapped_column(String(300), default="")

    __table_args__ = (
        Index("ix_loan_item_id_state", "item_id", "state"),
        Index("ix_loan_borrower_id_state", "borrower_id", "state"),
    )
