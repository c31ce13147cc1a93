"""The migrations make exactly the tables that the models say, there and back, with rows in them."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect

from intranet.extensions import Base, db
from tests.office import MIGRATIONS, Office


def differences() -> list[object]:
    with db.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "render_as_batch": True})
        return list(compare_metadata(context, Base.metadata))


def test_the_migrated_tables_are_the_models(app: Flask) -> None:
    db.session.remove()
    assert differences() == []


def test_there_and_back_with_rows(app: Flask, desk: Office) -> None:
    desk.add("workorder", "cook")
    db.session.remove()
    downgrade(directory=str(MIGRATIONS), revision="base")
    db.session.remove()
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
    upgrade(directory=str(MIGRATIONS))
    db.session.remove()
    assert differences() == []
