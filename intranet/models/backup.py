"""Backup runs as the operator sees them; the truth about a snapshot is its manifest in the repository."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, String
from sqlalchemy.orm import Mapped, mapped_column

from ..extensions import Base
from .types import Moment


class BackupRun(Base):
    """One run of `what` (run, verify, drill, prune): `outcome` running, ok, problem, failed."""

    __tablename__ = "backup_run"

    id: Mapped[int] = mapped_column(primary_key=True)
    what: Mapped[str] = mapped_column(String(12))
    started: Mapped[datetime] = mapped_column(Moment, index=True)
    ended: Mapped[datetime | None] = mapped_column(Moment)
    outcome: Mapped[str] = mapped_column(String(10), default="running")
    snapshot: Mapped[str] = mapped_column(String(80), default="")
    report: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    actor: Mapped[str] = mapped_column(String(64), default="")
