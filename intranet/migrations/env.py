"""Alembic's environment: the database of the running application, online only."""

from alembic import context
from flask import current_app

from intranet.models.types import Moment

db = current_app.extensions["migrate"].db


def plain(kind: str, thing: object, _context: object) -> str | bool:
    """Migrations outlive our types: a moment is written as the plain column it is."""
    return "sa.DateTime()" if kind == "type" and isinstance(thing, Moment) else False


def run() -> None:
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,
            compare_type=True,
            render_item=plain,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
