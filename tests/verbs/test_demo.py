"""The demo is whole, can be signed in to, and loading it again or after a kill changes nothing it should not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from intranet import demo
from intranet.demo import loader, papers
from intranet.errors import Conflict
from intranet.extensions import db
from intranet.house import House
from intranet.models import Audit, Blob, Copy, Item, Loan, Person
from intranet.verbs import access, complaints, deposits
from search.extract import extract
from tests import databases, office
from tests.office import Office
from vault.keyring import Keyring


@pytest.fixture
def empty(tmp_path: Path, keyring: Keyring) -> Iterator[House]:
    """An office of which only the tables are there."""
    with (
        databases.empty(tmp_path) as url,
        office.running(office.build(tmp_path, url, keyring=keyring)) as app,
    ):
        office.migrate()
        yield app.extensions["house"]


def _sum(house: House) -> list[int]:
    db.session.rollback()
    return [
        db.session.scalar(select(func.count()).select_from(t)) or 0 for t in (Person, Item, Loan, Blob, Audit)
    ]


def test_every_ledger_is_shown_in_every_state_that_an_office_would_show(demo_app: Flask) -> None:
    house: House = demo_app.extensions["house"]
    for kind in house.kinds.values():
        lived = set(db.session.scalars(select(Item.state).where(Item.kind == kind.name).distinct()))
        assert lived == {s.name for s in kind.states}, kind.name
    states = set(db.session.scalars(select(Loan.state)))
    assert states == {
        *("applied", "approved", "lent", "returned", "checked"),
        *("refused", "withdrawn", "expired"),
    }
    second = (
        select(Copy.state).join(Loan, Loan.copy_id == Copy.id).where(Copy.number == 2, Loan.state == "lent")
    )
    assert db.session.scalars(second).all() == ["lent"]  # while the first stands in its place


def test_loading_it_again_changes_nothing(demo_app: Flask) -> None:
    house: House = demo_app.extensions["house"]
    before = _sum(house)
    assert demo.load(house) is False
    assert _sum(house) == before


def test_everybody_signs_in_with_the_printed_password(demo_app: Flask) -> None:
    house: House = demo_app.extensions["house"]
    for row in demo.logins():
        assert access.sign_in(house, row["login"], row["password"], "10.0.0.1").name == row["name"]


def test_the_known_codes_follow_their_complaints(demo_app: Flask) -> None:
    desk = Office(demo_app, demo_app.extensions["house"])
    for title, code in demo.CODES.items():
        with desk.w("") as w:
            assert complaints.find(w, code.lower(), "10.0.0.1").title == title


def test_nothing_happens_in_the_future_and_the_clock_is_given_back(demo_app: Flask) -> None:
    house: House = demo_app.extensions["house"]
    latest = db.session.scalar(select(func.max(Audit.at)))
    assert latest is not None
    assert latest <= house.clock().isoformat()
    assert isinstance(house.clock, office.Clock)


def test_a_load_that_was_killed_goes_on_where_it_stopped(
    empty: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, done = loader._carry_out, []

    def dies(*args: object) -> None:
        real(*args)  # type: ignore[arg-type]
        done.append(1)
        if len(done) == 3:
            raise KeyboardInterrupt

    monkeypatch.setattr(loader, "_carry_out", dies)
    with pytest.raises(KeyboardInterrupt):
        demo.settle(empty)
    monkeypatch.undo()
    assert demo.settle(empty) is True
    assert demo.settle(empty) is False
    assert db.session.scalar(select(func.count()).select_from(Person)) == len(demo.PEOPLE)


def test_it_goes_into_an_empty_office_only(empty: House) -> None:
    from intranet import work
    from intranet.actor import system
    from intranet.verbs import office as founding
    from intranet.verbs import people

    with work.begin(empty, system("cli:init")) as w:
        founding.found(w, admin="root")
        people.create(w, login="real", name="真有其人", unit_id=1, password="a good long one")
    with pytest.raises(Conflict):
        demo.load(empty)
    assert db.session.scalar(select(func.count()).select_from(Person)) == 2


@pytest.mark.parametrize("ending", ["pdf", "docx", "xlsx", "csv", "txt"])
def test_its_papers_are_real_files_whose_text_can_be_read(ending: str) -> None:
    made = papers.make(f"a.{ending}", "供暖安排", "十一月十五日，开始供暖")
    found = extract(made, f"a.{ending}", seconds=20, memory=1 << 30)
    assert found.note == ""
    assert "供暖安排" in found.text
    assert "开始供暖" in found.text


def test_every_sealed_file_opens(demo_app: Flask) -> None:
    house: House = demo_app.extensions["house"]
    for blob in db.session.scalars(select(Blob).where(Blob.state == "stored")):
        opened = house.vault.open(blob.name, blob.header, deposits.bind(blob), blob.size)
        assert sum(map(len, opened)) == blob.size
