"""Alembic's environment: the database of the running application, online only."""

from alembic import context
from flask import current_app

db = current_app.extensions["migrate"].db


def run() -> None:
    with db.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            render_as_batch=True,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()


run()
