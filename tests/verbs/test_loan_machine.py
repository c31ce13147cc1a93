"""借阅 as a machine: whatever several people do in whatever order, no forbidden state is reached (issue 5; seeds L48-51).

Each step is tried by anybody on anything; that it is refused is as good as that it is done. After each, what must hold of the
whole register is looked up in the database.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import select

from intranet.errors import DomainError
from intranet.extensions import db
from intranet.jobs import expire
from intranet.models import Copy, DisposalRow, Grant, Hold, Item, Loan, Person
from intranet.models.guards import STEPS
from intranet.policy import Permission
from intranet.verbs import copies, disposal, extending, items, loans, people, whereabouts
from intranet.verbs.reading import standing
from tests import databases, office
from vault.keyring import Keyring
from vault.levels import Level

KEEPERS = ("custodian", "registrar")
PEOPLE = ("lead_cw", "officer_cw", "cook", *KEEPERS)
CLEARANCES = {"lead_cw": Level.SECRET, "officer_cw": Level.CONFIDENTIAL, "cook": Level.INTERNAL}
FILES = ((Level.INTERNAL, 2), (Level.CONFIDENTIAL, 2), (Level.SECRET, 1))

person, keeper = st.sampled_from(PEOPLE), st.sampled_from((*KEEPERS, *KEEPERS, "lead_cw"))
which, loan = st.integers(0, len(FILES) - 1), st.integers(1, 6)
days = st.integers(-1, 15)
number = st.one_of(st.none(), st.integers(1, 3))


class Borrowing(RuleBasedStateMachine):
    """`settled`: the database of an office with its people, copied for each run."""

    def __init__(self, settled: str, keyring: Keyring) -> None:
        super().__init__()
        self.stack = ExitStack()
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        url = self.stack.enter_context(databases.copied(settled, folder))
        self.clock = office.Clock()
        app = self.stack.enter_context(
            office.running(office.build(folder, url, keyring=keyring, clock=self.clock))
        )
        self.desk = office.Office(app, app.extensions["house"])
        self.before: dict[int, dict[str, Any]] = {}

    def teardown(self) -> None:
        self.stack.close()

    @initialize()
    def register(self) -> None:
        self.files = [
            self.desk.add("document", "registrar", level=level, copies=str(count)).id
            for level, count in FILES
        ]
        for file in self.files[1:]:
            self._grant(file, "lead_cw")
        self._grant(self.files[1], "officer_cw")

    def _grant(self, file: int, login: str) -> None:
        with self.desk.w("registrar") as w:
            items.grant(w, file, person_id=self.desk.person(login).id)

    def _try(self, login: str, verb: Any, *given: Any, **more: Any) -> bool:
        try:
            with self.desk.w(login) as w:
                verb(w, *given, **more)
        except DomainError:
            return False
        return True

    def _day(self, ahead: int) -> date:
        return self.clock.now.date() + timedelta(days=ahead)

    # -- what people do -----------------------------------------------------------------------------------------
    @rule(login=person, file=which, ahead=days, copy=number)
    def apply(self, login: str, file: int, ahead: int, copy: int | None) -> None:
        late = self._overdue(login)
        done = self._try(
            login, loans.apply, self.files[file], purpose="核对", until=self._day(ahead), number=copy
        )
        assert not (done and late), "applied while overdue"

    @rule(login=keeper, n=loan)
    def approve(self, login: str, n: int) -> None:
        self._try(login, loans.approve, n)

    @rule(login=keeper, n=loan, copy=number)
    def hand_over(self, login: str, n: int, copy: int | None) -> None:
        if self._try(login, loans.hand_over, n, number=copy):
            self._was_fit(n)

    @rule(login=keeper, n=loan, copy=number, download=st.booleans())
    def lend(self, login: str, n: int, copy: int | None, download: bool) -> None:
        if self._try(login, loans.lend, n, number=copy, download=download):
            self._was_fit(n)

    @rule(login=keeper, n=loan)
    def refuse(self, login: str, n: int) -> None:
        self._try(login, loans.refuse, n, "无需")

    @rule(login=person, n=loan)
    def withdraw(self, login: str, n: int) -> None:
        self._try(login, loans.withdraw, n)

    @rule(login=person, n=loan)
    def give_back(self, login: str, n: int) -> None:
        self._try(login, loans.give_back, n)

    @rule(login=person, n=loan)
    def check(self, login: str, n: int) -> None:
        self._try(login, loans.check, n, condition="完好")

    @rule(login=person, n=loan, ahead=days)
    def ask_longer(self, login: str, n: int, ahead: int) -> None:
        late = self._overdue(login)
        done = self._try(login, extending.ask, n, until=self._day(ahead), why="未用完")
        assert not (done and late), "extended while overdue"

    @rule(login=person, n=loan, yes=st.booleans())
    def answer_longer(self, login: str, n: int, yes: bool) -> None:
        self._try(login, extending.grant, n) if yes else self._try(login, extending.refuse, n, "有人等")

    # -- what happens to them and to the files ------------------------------------------------------------------
    @rule(by=st.integers(1, 6))
    def days_go_by(self, by: int) -> None:
        self.clock.forward(days=by)

    @rule()
    def the_worker_comes(self) -> None:
        expire.loans(self.desk.house)

    @rule(login=st.sampled_from(tuple(CLEARANCES)), taken=st.booleans())
    def clearance(self, login: str, taken: bool) -> None:
        level = Level.PUBLIC if taken else CLEARANCES[login]
        self._try("security", people.standing, self.desk.person(login).id, clearance=level, roles=[])

    @rule(file=which, taken=st.booleans())
    def need_to_know(self, file: int, taken: bool) -> None:
        if not taken:
            return self._grant(self.files[file], "lead_cw")
        query = select(Grant.id).where(Grant.item_id == self.files[file], Grant.revoked.is_(None))
        for grant in db.session.scalars(query.where(Grant.role == "reader")).all():
            self._try("registrar", items.revoke, self.files[file], grant)
        return None

    @rule(login=st.sampled_from(("lead_cw", "cook")), yes=st.booleans())
    def leave_or_come_back(self, login: str, yes: bool) -> None:
        out = self._out(login)
        done = self._try("admin", people.disable if yes else people.enable, self.desk.person(login).id)
        assert not (yes and done and out), "an account was closed while something was out"

    @rule(file=which)
    def hold_or_release(self, file: int) -> None:
        with self.desk.w("cli:test") as w:
            query = select(Hold).where(Hold.item_id == self.files[file], Hold.released.is_(None))
            live = w.session.scalar(query)
            if live is not None:
                live.released = w.now
            else:
                by = self.desk.person("registrar").id
                w.session.add(Hold(item_id=self.files[file], reason="诉讼", at=w.now, by_id=by))

    @rule(file=which, yes=st.booleans())
    def dispose_or_keep(self, file: int, yes: bool) -> None:
        if yes:
            self._try("registrar", disposal.propose, "destroy", [self.files[file]], "期满")
            return
        db.session.rollback()
        listed = select(DisposalRow.list_id).where(
            DisposalRow.item_id == self.files[file], DisposalRow.dropped.is_(None)
        )
        self._try("lead", disposal.reject, db.session.scalar(listed) or 0, "还要用")

    @rule(file=which, lost=st.booleans())
    def lose_or_find(self, file: int, lost: bool) -> None:
        """As an inspection does: one copy that should stand in its place is not there, or is there again."""
        with self.desk.w("cli:test") as w:
            s = items.lock(w, self.files[file])
            query = select(Copy).where(
                Copy.item_id == s.item.id, Copy.state == ("held" if lost else "missing")
            )
            copy = w.session.scalars(query.limit(1)).first()
            if copy is not None:
                copies.turn(w, copy, "missing" if lost else "held")
                whereabouts.settle(w, s.item, "lose" if lost else "find")

    # -- what must hold -----------------------------------------------------------------------------------------
    def _out(self, login: str) -> list[Loan]:
        db.session.rollback()
        query = select(Loan).where(Loan.borrower_id == self.desk.person(login).id)
        return list(db.session.scalars(query.where(Loan.state.in_(("lent", "returned")))))

    def _overdue(self, login: str) -> bool:
        return any(x.state == "lent" and x.until < self.clock.now.date() for x in self._out(login))

    def _was_fit(self, n: int) -> None:
        """Just handed over: to somebody who may know of the file, is here, and has nothing overdue; saved only where allowed."""
        db.session.rollback()
        x = db.session.get_one(Loan, n)
        item, borrower = db.session.get_one(Item, x.item_id), db.session.get_one(Person, x.borrower_id)
        assert borrower.active
        assert self.desk.sees(borrower.login, item)
        assert not self._overdue(borrower.login)
        assert x.until >= self.clock.now.date()
        assert not x.download or item.level == Level.CONFIDENTIAL

    @invariant()
    def every_copy_is_where_its_row_says(self) -> None:
        db.session.rollback()
        for item in db.session.scalars(select(Item).where(Item.kind == "document")):
            of_item = copies.of_item(db.session(), item.id)
            for copy in of_item:
                query = select(Loan.state).where(
                    Loan.copy_id == copy.id, Loan.state.in_(("lent", "returned"))
                )
                out = db.session.scalars(query).all()
                assert len(out) <= 1, "one copy with two people"
                assert out == ([copy.state] if copy.state in ("lent", "returned") else [])
            assert item.state in (copies.summary(c.state for c in of_item), "disposal")

    @invariant()
    def nobody_decided_on_their_own(self) -> None:
        for x in db.session.scalars(select(Loan)):
            assert x.borrower_id not in (x.decided_by, x.handed_by, x.checked_by)
            assert (x.state == "checked") == (x.checked is not None and x.returned is not None)
            assert (x.handed is not None) == (x.copy_id is not None)

    @invariant()
    def rows_are_only_added_and_the_past_stays(self) -> None:
        rows = {x.id: {c.name: getattr(x, c.name) for c in Loan.__table__.columns} for x in self._all()}
        for n, was in self.before.items():
            now = rows[n]
            step = was["state"], now["state"]
            assert step[0] == step[1] or step in (*STEPS, ("applied", "lent")), (
                step
            )  # at once: both steps in one
            kept = {
                k: v for k, v in was.items() if v not in (None, "", False) and k not in ("state", "until")
            }
            assert {k: now[k] for k in kept} == kept
            assert now["until"] >= was["until"]
        self.before = rows

    def _all(self) -> list[Loan]:
        return list(db.session.scalars(select(Loan)))

    @invariant()
    def the_body_is_open_while_it_is_lent_and_exactly_then(self) -> None:
        today, house = self.clock.now.date(), self.desk.house
        for login in PEOPLE:
            actor = self.desk.actor(login, fresh=True)
            for file in getattr(self, "files", [])[1:]:  # from 秘密 up
                item = db.session.get_one(Item, file)
                s = standing(db.session(), house, actor, item, self.clock.now)
                live = [
                    x
                    for x in self._out(login)
                    if x.item_id == file and x.state == "lent" and x.until >= today
                ]
                opens = house.policy.decide(actor, Permission.BODY_OPEN, s).ok
                assert opens == (bool(live) and house.policy.sees(actor, s)), (login, item.level)
                saves = house.policy.decide(actor, Permission.BODY_SAVE, s).ok
                assert not saves or (opens and live[0].download)


def test_no_sequence_of_moves_reaches_a_forbidden_state(settled: str, keyring: Keyring) -> None:
    run_state_machine_as_test(
        lambda: Borrowing(settled, keyring),
        settings=settings(
            max_examples=20, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
