"""The migrations make exactly the tables that the models say, there and back, with rows in them."""

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask
from flask_migrate import downgrade, upgrade
from sqlalchemy import inspect, text

from intranet.extensions import Base, db
from intranet.models import Message
from intranet.verbs import loans, searches
from intranet.verbs.asking import Question
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
    with desk.w("cook") as w:
        kept, _new = searches.save(
            w, Question("水泵"), "水泵", searches.There(frozenset({3, 9})), alerts=True
        )
        cook = desk.person("cook").id
        w.session.add(
            Message(person_id=cook, search_id=kept.id, count=1, at=w.now, code="search.new", key="k")
        )
        w.session.add(Message(person_id=cook, item_id=None, at=w.now, code="x", key="kept"))
    db.session.remove()
    downgrade(directory=str(MIGRATIONS), revision="0004")
    db.session.remove()
    with db.engine.connect() as connection:  # what only the newer tables can tell goes, the rest stays
        assert [row[0] for row in connection.execute(text("SELECT key FROM message"))] == ["kept"]
    upgrade(directory=str(MIGRATIONS))
    db.session.remove()
    downgrade(directory=str(MIGRATIONS), revision="base")
    db.session.remove()
    assert set(inspect(db.engine).get_table_names()) <= {"alembic_version"}
    upgrade(directory=str(MIGRATIONS))
    db.session.remove()
    assert differences() == []


def test_documents_of_before_have_their_copies_afterwards(app: Flask, desk: Office) -> None:
    """As an office upgrades: three copies of which the first is out, and one that waited for disposal."""
    lent, waits = desk.add("document", "custodian", copies="3").id, desk.add("document", "custodian").id
    with desk.w("cook") as w:
        loan = loans.apply(w, lent, purpose="核对", until=w.today).id
    with desk.w("custodian") as w:
        loans.lend(w, loan)
    db.session.remove()
    downgrade(directory=str(MIGRATIONS), revision="0006")
    db.session.remove()
    with db.engine.begin() as connection:
        connection.execute(text(f"UPDATE item SET state = 'lent' WHERE id = {lent}"))
        connection.execute(text(f"UPDATE item SET state = 'disposal' WHERE id = {waits}"))
    upgrade(directory=str(MIGRATIONS))
    db.session.remove()
    with db.engine.connect() as connection:
        copies = connection.execute(text("SELECT item_id, number, state FROM copy ORDER BY item_id, number"))
        assert copies.all() == [(lent, 1, "lent"), (lent, 2, "held"), (lent, 3, "held"), (waits, 1, "held")]
        states = connection.execute(text("SELECT state FROM item ORDER BY id")).scalars()
        assert set(states) == {"held"}
        first = text("SELECT loan.state, copy.number FROM loan JOIN copy ON copy.id = loan.copy_id")
        assert connection.execute(first).all() == [("lent", 1)]
