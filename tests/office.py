"""The office of the tests: the people of `intranet.demo`, which is the one seed for demo, tests and benchmarks.

Here are only the tools: making an application over a fresh copy of it, acting as somebody, short ways to write items.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask, session
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import Engine, event, select

from intranet import demo, settings, work
from intranet.actor import ANONYMOUS, Actor, system
from intranet.app import create_app
from intranet.extensions import db
from intranet.house import House
from intranet.kinds.base import Kind
from intranet.models import Audit, Item, Outbox, Person, Place, Unit, guards
from intranet.policy import Permission
from intranet.verbs import complaints, deposits, destruction, disposal, items, levels, people
from intranet.verbs.reading import standing
from intranet.web import signin
from intranet.work import Work
from vault.keyring import Keyring
from vault.levels import Level
from vault.store_memory import MemoryStore
from vault.vault import Vault

NOON = datetime(2026, 11, 23, 9, 0, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)
SECRET_KEY = "a key for tests only, long enough to be taken"
MIGRATIONS = Path(str(settings.ROOT)) / "intranet" / "migrations"


class Clock:
    """A clock that moves only when told to."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> datetime:
        """`clock.forward(days=3)`."""
        self.now += timedelta(**by)
        return self.now


class Client(FlaskClient):
    """Each request has an application context of its own, as in service: nobody stays signed in by accident."""

    def open(self, *args: Any, **kwargs: Any) -> Any:
        with self.application.app_context():
            return super().open(*args, **kwargs)


def build(
    data: Path,
    url: str,
    *,
    keyring: Keyring,
    clock: Any = None,
    store: MemoryStore | None = None,
    kinds: tuple[Kind, ...] = (),
    **overrides: object,
) -> Flask:
    """An application for tests: cheap passwords, files in memory, no CSRF (one test turns it on again)."""
    chosen = settings.load(
        {
            "data": data, "database_url": url, "secret_key": SECRET_KEY, "testing": True, "argon2_time": 1,
            "argon2_memory_kb": 16, **overrides,
        },
        {},
    )  # fmt: skip
    padded = chosen.object_sizes == "padme"
    vault = Vault(MemoryStore() if store is None else store, keyring, padded=padded)
    app = create_app(chosen, extra_kinds=kinds, clock=clock or Clock(), vault=vault)
    app.config["WTF_CSRF_ENABLED"] = False
    app.test_client_class = Client
    return app


@contextmanager
def running(app: Flask) -> Iterator[Flask]:
    """The application with a context, its connections closed afterwards."""
    with app.app_context():
        try:
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()
            app.extensions["house"].engine.close()
            app.extensions["house"].renderer.close()


def migrate() -> None:
    """The database of the running application, through its migrations."""
    upgrade(directory=str(MIGRATIONS))
    db.session.remove()


def fill(app: Flask, *, whole: bool) -> None:
    """Migrate, then settle the people (or load the whole demo)."""
    with running(app):
        migrate()
        (demo.load if whole else demo.settle)(app.extensions["house"])


def unguarded() -> None:
    """As whoever owns the database can do: the guards are taken down, then rows are changed by hand."""
    db.session.rollback()
    with db.engine.begin() as connection:
        guards.lower_all(connection.exec_driver_sql, connection.dialect.name)


@dataclass
class Office:
    """Short words for tests: who acts, and what they write."""

    app: Flask
    house: House
    made: int = field(default=0)

    def person(self, login: str) -> Person:
        return db.session.scalars(select(Person).where(Person.login == login)).one()

    def actor(self, login: str, *, fresh: bool = False) -> Actor:
        """The standing of somebody now; `cli:…` is the product itself, no login nobody known."""
        if login.startswith("cli:"):
            return system(login, "test")
        if not login:
            return ANONYMOUS
        return people.actor_of(db.session(), self.person(login), fresh=fresh, origin="test")

    @contextmanager
    def w(self, login: str, *, fresh: bool = False) -> Iterator[Work]:
        """One change by somebody."""
        with work.begin(self.house, self.actor(login, fresh=fresh)) as opened:
            yield opened

    def unit(self, code: str) -> int:
        return db.session.scalars(select(Unit.id).where(Unit.code == code)).one()

    def place(self, code: str) -> int:
        return db.session.scalars(select(Place.id).where(Place.code == code)).one()

    def deposit(self, login: str, body: bytes, name: str = "正文.txt", level: Level = Level.INTERNAL) -> int:
        return deposits.deposit(self.house, self.actor(login), level=level, filename=name, chunks=[body])

    def add(
        self,
        kind: str,
        login: str,
        *,
        title: str = "",
        unit: str = "",
        level: Level | None = None,
        repository: int | None = None,
        blobs: tuple[int, ...] = (),
        declared: str = "none",
        **raw: Any,
    ) -> Item:
        """A new item with believable fields; what the test is about is given by name."""
        self.made += 1
        known = self.house.kinds[kind]
        given = dict(DEFAULTS.get(kind, {}))
        if known.dual:
            strongest = {0: "GQ-1", 1: "GQ-1", 2: "GZ-1", 3: "SG-1", 4: "BMS-1"}
            given["place"] = self.place(strongest[int(known.default_level if level is None else level)])
        if kind == "complaint":  # handed in, not added: by whoever has an account, or by nobody known
            with self.w(login) as w:
                return complaints.submit(
                    w, given | raw, title=title or "投诉", channel=str(given["channel"])
                )[0]
        with self.w(login) as w:
            return items.create(
                w, known, given | raw, title=title or f"{known.title}第 {self.made} 号", level=level, blobs=blobs,
                unit_id=self.unit(unit) if unit else self.person(login).unit_id, repository_id=repository, declared=declared,
            )  # fmt: skip

    def relevel(
        self,
        item: Item,
        level: Level,
        *,
        by: str = "registrar",
        decided: str = "custodian",
        reason: str = "复核",
    ) -> Item:
        """Another level: what is kept by two persons, the rest by one."""
        if not self.house.kinds[item.kind].dual:
            with self.w(by) as w:
                return levels.relevel(w, item.id, level, reason=reason)
        with self.w(by) as w:
            approval = levels.propose(w, item.id, level, reason=reason).id
        with self.w(decided) as w:
            levels.decide(w, approval, True)
        db.session.rollback()
        return db.session.get_one(Item, item.id)

    def step(self, item: Item, login: str, name: str, *, reason: str = "", **raw: Any) -> Item:
        with self.w(login) as w:
            return items.step(w, item.id, name, raw, reason=reason)

    def end(self, item: Item, *, way: str = "destroy", to: str = "done") -> int:
        """A disposal list of one file: proposed by the registrar, approved by the lead, signed by the custodian and the leader;
        as far as `to`: proposed, approved, signed, done. The id of the list."""
        with self.w("registrar", fresh=True) as w:
            found = disposal.propose(w, way, [item.id], "期满").id
        if to != "proposed":
            with self.w("lead", fresh=True) as w:
                disposal.approve(w, found, "同意")
        for signer, last in (("custodian", "signed"), ("leader", "done")):
            if to == "done" or to == last:
                with self.w(signer, fresh=True) as w:
                    destruction.sign(w, found)
        return found

    def may(
        self, login: str, permission: Permission, item: Item, *, move: str = "", fresh: bool = False
    ) -> bool:
        """Whether somebody may do this to the item now."""
        actor = self.actor(login, fresh=fresh)
        s = standing(db.session(), self.house, actor, item, self.house.clock())
        found = self.house.kinds[item.kind].move(move) if move else None
        return self.house.policy.decide(actor, permission, s, move=found).ok

    def sees(self, login: str, item: Item) -> bool:
        return self.may(login, Permission.ITEM_VIEW, item)

    def audit(self, action: str) -> list[Audit]:
        """The audit rows of one action, in order."""
        db.session.rollback()
        return list(db.session.scalars(select(Audit).where(Audit.action == action).order_by(Audit.seq)))

    def outbox(self, topic: str) -> list[Outbox]:
        db.session.rollback()
        return list(db.session.scalars(select(Outbox).where(Outbox.topic == topic).order_by(Outbox.id)))

    def client(self, login: str = "", *, fresh: bool = False) -> FlaskClient:
        """A browser, signed in as somebody."""
        browser = self.app.test_client()
        if login:
            person = self.person(login)
            with self.app.app_context(), self.app.test_request_context(environ_base=browser.environ_base):
                signin.start(person)
                if fresh:
                    signin.proved()
                kept = dict(session)
            with browser.session_transaction() as opened:
                opened.update(kept)
        return browser


DEFAULTS: dict[str, dict[str, Any]] = {
    "resource": {"business": "other", "management": "administration", "medium": "electronic", "body": "正文"},
    "notice": {"publication": "web", "content": "activity", "body": "正文"},
    "document": {"author": "周砚秋", "dated": "2026-11-01", "retention": "y10", "frequency": "low"},
    "material": {
        "class": "file",
        "author": "周砚秋",
        "dated": "2026-11-01",
        "paper": "file",
        "retention": "y10",
        "frequency": "low",
    },
    "folder": {"year": "2026", "retention": "y10"},
    "incident": {"found_at": "2026-11-20T08:30", "where": "档案间", "what": "情况描述"},
    "complaint": {"topic": "canteen", "statement": "情况描述", "channel": "phone"},
    "workorder": {"place": "明德楼 203", "trade": "water", "urgency": "normal", "fault": "水龙头关不紧"},
}


class Statements:
    """Counts the SQL statements of a block: `with statements() as seen: …; assert len(seen) <= 5`."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @contextmanager
    def __call__(self) -> Iterator[list[str]]:
        seen: list[str] = []

        def heard(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
            seen.append(statement)

        event.listen(self.engine, "before_cursor_execute", heard)
        try:
            yield seen
        finally:
            event.remove(self.engine, "before_cursor_execute", heard)
