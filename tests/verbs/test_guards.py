"""The database itself keeps the rows of custody: on SQLite, and (marked) on PostgreSQL; the guards survive every migration."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from intranet.extensions import db
from intranet.models import guards
from intranet.verbs import loans
from tests import databases, office
from tests.office import Office
from tests.postgres import Server
from vault.keyring import Keyring
from vault.levels import Level

BY_HAND = [
    "DELETE FROM audit",
    "DELETE FROM audit WHERE seq = 1",
    "UPDATE audit SET actor = 'nobody' WHERE seq = 1",
    "DELETE FROM loan",
    "UPDATE loan SET purpose = '另有用途'",
    "UPDATE loan SET asked_until = '2027-01-01'",
    "UPDATE loan SET borrower_id = borrower_id + 1",
    "UPDATE loan SET until = '2027-01-01' WHERE state = 'returned'",
    "UPDATE loan SET handed = '2026-01-01', handed_by = NULL",
    "UPDATE loan SET state = 'applied'",
    "UPDATE loan SET state = 'checked' WHERE state = 'lent'",
    "UPDATE loan SET download = NOT download",
]


def two_loans(desk: Office) -> None:
    """One that is out, one that came back."""
    for back in (False, True):
        item = desk.add("document", "custodian", level=Level.INTERNAL)
        with desk.w("cook") as w:
            loan = loans.apply(w, item.id, purpose="核对", until=w.today + timedelta(days=3)).id
        with desk.w("custodian") as w:
            loans.lend(w, loan)
            if back:
                loans.give_back(w, loan)


def refused(statement: str) -> None:
    db.session.rollback()
    before = [db.session.execute(text(f"SELECT * FROM {t}")).all() for t in ("audit", "loan")]
    with pytest.raises(IntegrityError, match="kept"):
        db.session.execute(text(statement))
    db.session.rollback()
    assert [db.session.execute(text(f"SELECT * FROM {t}")).all() for t in ("audit", "loan")] == before


@pytest.mark.parametrize("statement", BY_HAND)
def test_the_past_is_not_rewritten_by_hand(desk: Office, statement: str) -> None:
    two_loans(desk)
    refused(statement)


def test_every_guard_stands_in_a_migrated_database(desk: Office) -> None:
    """A later migration that makes a table anew must put its guards up again."""
    if db.engine.dialect.name != "sqlite":
        pytest.skip("asked of the catalogue of SQLite")
    found = set(db.session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")))
    assert found >= {name for name, *_rest in guards.GUARDS}


def test_who_owns_the_database_can_still_take_a_guard_down(desk: Office) -> None:
    """Said so that nobody takes the guards for more than they are: against that stands the chain (`vault.chain`)."""
    two_loans(desk)
    office.unguarded()
    db.session.execute(text("UPDATE audit SET actor = 'nobody' WHERE seq = 1"))
    db.session.rollback()


@pytest.fixture(scope="module")
def on_postgres(
    postgres: Server, tmp_path_factory: pytest.TempPathFactory, keyring: Keyring
) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("guards")
    with databases.empty(folder, postgres.url) as url:
        app = office.build(folder, url, keyring=keyring)
        with office.running(app):
            office.migrate()
            from intranet import demo

            demo.settle(app.extensions["house"])
            desk = Office(app, app.extensions["house"])
            two_loans(desk)
            yield desk


@pytest.mark.postgres
@pytest.mark.parametrize("statement", [*BY_HAND, "TRUNCATE audit", "TRUNCATE loan CASCADE"])
def test_the_past_is_not_rewritten_on_postgres(on_postgres: Office, statement: str) -> None:
    refused(statement)


@pytest.mark.postgres
def test_there_and_back_on_postgres(on_postgres: Office) -> None:
    from flask_migrate import downgrade, upgrade

    db.session.remove()
    downgrade(directory=str(office.MIGRATIONS), revision="0006")
    upgrade(directory=str(office.MIGRATIONS))
    db.session.remove()
    refused("DELETE FROM loan")
