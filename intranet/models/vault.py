"""Blobs: sealed files, their headers, their text."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..extensions import Base
from .types import Moment


class Blob(Base):
    """A sealed file. `state`: pending (name reserved, object may be in flight), stored, destroyed (header gone).

    The object in the store is the age payload, its age header stands apart in `BlobHeader`: without it nothing opens.
    `fingerprint`: keyed, for duplicates. `verified`: when its last byte was read and compared, `damaged`: since when that
    shows something else than was deposited (None: it is good). `text_note`: what became of its text, as in
    `search.extract_notes`, or why it was not looked at: waiting, level, sealed (no key here), item (its words stand there).
    """

    __tablename__ = "blob"

    id: Mapped[int] = mapped_column(primary_key=True)
    item_id: Mapped[int | None] = mapped_column(ForeignKey("item.id"), index=True)
    state: Mapped[str] = mapped_column(String(10), default="pending", index=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
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
    damaged: Mapped[datetime | None] = mapped_column(Moment)
    text_note: Mapped[str] = mapped_column(String(40), default="waiting")
    sealed: Mapped[BlobHeader | None] = relationship(back_populates="blob", cascade="all, delete-orphan")

    @property
    def header(self) -> bytes:
        """The age header, b"" where there is none (not deposited yet, or destroyed)."""
        return self.sealed.header if self.sealed is not None else b""

    def seal(self, header: bytes, key_id: str) -> None:
        """Keep a header, in the place of the one before."""
        if self.sealed is None:
            self.sealed = BlobHeader(header=header, key_id=key_id)
        else:
            self.sealed.header, self.sealed.key_id = header, key_id

    def unseal(self) -> None:
        """Let the header go: from here on nobody opens the object."""
        self.sealed = None


class BlobHeader(Base):
    """The only way back to a sealed body, in a table of its own: dumps of the database leave it out, copies of it have a
    short life of their own (decision 017). `key_id`: for which recipients it is sealed (`vault.keyring.key_id`)."""

    __tablename__ = "blob_header"

    blob_id: Mapped[int] = mapped_column(ForeignKey("blob.id"), primary_key=True)
    key_id: Mapped[str] = mapped_column(String(16), default="", index=True)
    header: Mapped[bytes] = mapped_column(LargeBinary)
    blob: Mapped[Blob] = relationship(back_populates="sealed")


class BlobText(Base):
    """Text extracted from a blob, kept only up to the level that `search_body_level` allows in clear."""

    __tablename__ = "blob_text"

    blob_id: Mapped[int] = mapped_column(ForeignKey("blob.id"), primary_key=True)
    text: Mapped[str] = mapped_column(Text)


class StoreInForce(Base):
    """At most one row: the store that new files go to, as the SHA-256 of its address without credentials. None: every
    process's own is right. A dump leaves it out, what is restored lies elsewhere."""

    __tablename__ = "store_in_force"

    id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(64))
