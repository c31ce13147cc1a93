"""One whole walk on a real PostgreSQL, started for this test alone: migrations, verbs, audit chain, faces of the policy."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from intranet import demo
from intranet.errors import Conflict, Denied, Unavailable
from intranet.extensions import db as database
from intranet.models import Audit, Grant, Item
from intranet.verbs import in_force, items, loans, reading
from intranet.verbs.reading import Filter
from intranet.work import Work
from tests import databases, office
from tests.postgres import Server
from tests.reading import begin, see
from vault import chain
from vault.keyring import Keyring
from vault.levels import Level

pytestmark = pytest.mark.postgres


@pytest.fixture(scope="module")
def desk(
    postgres: Server, tmp_path_factory: pytest.TempPathFactory, keyring: Keyring
) -> Iterator[office.Office]:
    folder = tmp_path_factory.mktemp("postgres")
    with databases.empty(folder, postgres.url) as url:
        app = office.build(folder, url, keyring=keyring)
        with office.running(app):
            office.migrate()
            demo.load(app.extensions["house"])
            yield office.Office(app, app.extensions["house"])


def test_the_demo_lives_on_postgres_and_its_chain_holds(desk: office.Office) -> None:
    names = [c.name for c in Audit.__table__.columns]
    rows = [
        {n: getattr(r, n) for n in names} for r in database.session.scalars(select(Audit).order_by(Audit.seq))
    ]
    report = chain.verify(rows)
    assert report.ok
    assert report.count > 400


def test_a_file_is_registered_lent_read_and_returned(desk: office.Office) -> None:
    blob = desk.deposit("custodian", "正文".encode(), level=Level.CONFIDENTIAL)
    item = desk.add("document", "custodian", level=Level.CONFIDENTIAL, blobs=(blob,))
    with desk.w("custodian") as w:
        items.grant(w, item.id, person_id=desk.person("deputy").id)
    with desk.w("deputy") as w:
        loan = loans.apply(w, item.id, purpose="核对", until=date(2026, 11, 30))
    with desk.w("custodian") as w:
        loans.lend(w, loan.id)
    begin(desk, item, "deputy")
    assert b"".join(see(desk, item, "deputy").opened.read()) == "正文".encode()
    with desk.w("deputy") as w:
        loans.give_back(w, loan.id)
    with pytest.raises(Conflict), desk.w("custodian") as w:
        loans.lend(w, loan.id)
    with desk.w("custodian") as w:
        assert loans.check(w, loan.id, condition="完好").state == "checked"


def test_a_refusal_is_undone_and_recorded(desk: office.Office) -> None:
    order = desk.add("workorder", "warden")
    with pytest.raises(Denied):
        desk.step(order, "cook", "cancel", reason="x")
    assert desk.audit("item:view")[-1].actor == "cook"


def test_the_slower_of_two_saves_is_told(desk: office.Office) -> None:
    item = desk.add("resource", "officer")
    with desk.w("officer") as w:
        items.edit(w, item.id, dict(item.data) | {"body": "乙"}, title=item.title, version=1)
    with pytest.raises(Conflict), desk.w("lead") as w:
        items.edit(w, item.id, dict(item.data) | {"body": "丙"}, title=item.title, version=1)


def test_the_faces_of_the_policy_agree(desk: office.Office) -> None:
    session, policy, now = database.session(), desk.house.policy, desk.house.clock()
    rows = list(session.scalars(select(Item)))
    grants: dict[int, list[Grant]] = {}
    for g in session.scalars(select(Grant)):
        grants.setdefault(g.item_id, []).append(g)
    for person in demo.PEOPLE:
        actor = desk.actor(person.login)
        listed = set(session.scalars(select(Item.id).where(policy.visible(actor, now))))
        tokens = policy.tokens(actor)
        found = {
            r.id
            for r in rows
            if r.level <= actor.clearance and policy.labels(r, grants.get(r.id, []), now) & tokens
        }
        assert listed == found
        assert set(session.scalars(select(Item.id).where(policy.waiting(actor, now)))) <= listed


@pytest.mark.parametrize("order", ["-updated", "number", "due", "-due", "issued", "-issued", "business"])
def test_every_order_of_a_list_pages_without_loss(desk: office.Office, order: str) -> None:
    session, kind, actor = database.session(), desk.house.kinds["resource"], desk.actor("lead")
    seen, after = [], ""
    while True:
        page = reading.page(
            session, desk.house, actor, kind, Filter(order=order, after=after), desk.house.clock(), size=9
        )
        seen += [i.id for i in page.items]
        if not (after := page.next):
            break
    assert len(seen) == len(set(seen)) == page.total > 50


@pytest.mark.parametrize("moved_before", [False, True])
def test_a_deposit_that_meets_a_switch_waits_for_it_and_is_refused(
    desk: office.Office, moved_before: bool
) -> None:
    """Also where there is no row yet that the two could meet at."""
    waiting = text(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'store_in_force'::regclass"
    )
    mover = Work(desk.house, desk.actor("cli:vault"), Session(database.engine))

    def deposit() -> None:
        with desk.app.app_context():
            desk.deposit("officer", b"x")

    with mover.session, ThreadPoolExecutor(1) as pool:
        if moved_before:
            in_force.put(mover, in_force.own(desk.house))
            mover.session.commit()
        in_force.lock(mover)
        in_force.put(mover, "0" * 64)
        mover.session.flush()
        refused = pool.submit(deposit)
        with database.engine.connect() as look:
            while not refused.done() and not look.scalar(waiting):
                look.rollback()
        assert not refused.done()
        mover.session.commit()
        with pytest.raises(Unavailable, match="已迁移"):
            refused.result(timeout=20)
        in_force.lock(mover)
        mover.session.execute(text("DELETE FROM store_in_force"))
        mover.session.commit()


def test_a_switch_waits_for_a_deposit_that_is_being_kept(desk: office.Office) -> None:
    mover = Work(desk.house, desk.actor("cli:vault"), Session(database.engine))
    with mover.session, desk.w("officer") as w:
        in_force.demand(w)
        mover.session.execute(text("SET LOCAL lock_timeout = '50ms'"))
        with pytest.raises(OperationalError, match="lock timeout"):
            in_force.lock(mover)
