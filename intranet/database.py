"""The connection: SQLite made safe (WAL, foreign keys, writers take their place at BEGIN), and nothing dialect-only."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Engine, event

from .extensions import db
from .settings import Settings


def options(settings: Settings) -> dict[str, Any]:
    """Engine options for Flask-SQLAlchemy. An error never carries the values of its statement into a log or a page."""
    if settings.sqlite is not None:
        return {"connect_args": {"timeout": 20}, "hide_parameters": True}
    return {"hide_parameters": True, "pool_pre_ping": True, "pool_size": 10, "max_overflow": 10}


def tune(engine: Engine) -> None:
    """Install the SQLite pragmas and transaction control on an engine; other databases need nothing."""
    if engine.dialect.name != "sqlite":
        return

    @event.listens_for(engine, "connect")
    def _connect(dbapi: Any, _record: Any) -> None:
        dbapi.isolation_level = None  # we say BEGIN ourselves, see below
        cursor = dbapi.cursor()
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=20000",
            "secure_delete=ON",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(conn: Any) -> None:
        # A transaction that begins as a reader and then writes can only fail with "database is locked".
        conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get("immediate") else "BEGIN")


def session() -> Any:
    """The session of this request or command."""
    return db.session()
