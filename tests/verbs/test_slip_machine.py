"""No sequence of moves brings a 文件传递单 into a state that the regulation forbids, whoever tries what, in whatever order.

Every rule of the machine is an attempt: by anybody, on any slip. What is refused changes nothing; what is done must leave all of
the invariants true. They are asked of the rows, not of the verbs.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import ExitStack
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from intranet.errors import DomainError
from intranet.extensions import db
from intranet.models import Approval, Audit, Copy, Grant, Hop, Item, Person, Slip, SlipScope
from intranet.verbs import copies, levels, people, slip_hops, slips
from tests import databases, office
from tests.office import Office
from tests.verbs.slip_office import facts
from vault.keyring import Keyring
from vault.levels import Level

CUSTODIANS = ("custodian", "registrar")
READERS = ("lead_cw", "lead_wx", "officer_cw")  # cleared for 秘密 at first
OTHERS = ("cook", "lead", "deputy")
PEOPLE = st.sampled_from(CUSTODIANS + READERS + OTHERS)
SCOPES = st.sets(st.sampled_from((*READERS, "registrar")), min_size=1, max_size=3)
LIVE = ("draft", "pending", "moving", "returned")
OF_COPY = {"moving": "circulating", "returned": "returned"}


class Slips(RuleBasedStateMachine):
    """Two copies of one 秘密 file, several people, days going by."""

    settled: str
    keyring: Keyring
    reached: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.rows: dict[str, int] = {}

    def teardown(self) -> None:
        self.stack.close()

    @initialize(first=st.booleans(), second=st.booleans())
    def an_office(self, first: bool, second: bool) -> None:
        """Two slips are on their way at once, each through the custodian or from reader to reader."""
        folder = Path(self.stack.enter_context(tempfile.TemporaryDirectory()))
        url = self.stack.enter_context(databases.copied(self.settled, folder))
        self.clock = office.Clock()
        app = office.build(folder, url, keyring=self.keyring, clock=self.clock)
        self.stack.enter_context(office.running(app))
        self.desk = Office(app, app.extensions["house"])
        item = self.desk.add("document", "custodian", level=Level.CONFIDENTIAL, copies="2")
        self.item_id = item.id
        self.ids = {login: self.desk.person(login).id for login in CUSTODIANS + READERS + OTHERS}
        for direct in (first, second):
            self.start("custodian", {"lead_cw", "lead_wx"}, False, None, 20, direct)

    # -- attempts ---------------------------------------------------------------------------------------------------
    def attempt(self, login: str, act: Any) -> None:
        """What a person tries: done, or refused with everything as it was."""
        try:
            with self.desk.w(login) as w:
                act(w)
        except DomainError:
            pass

    def slip(self, n: int) -> str:
        """One of the open slips; where there is none, a number that does not exist."""
        db.session.rollback()
        found = db.session.scalars(select(Slip.number).where(Slip.state.in_(LIVE)).order_by(Slip.id)).all()
        return found[n % len(found)] if found else "CD-BG-2026-9999"

    @property
    def today(self) -> date:
        return self.clock().astimezone(self.desk.house.zone).date()

    @rule(by=st.sampled_from((*CUSTODIANS, "lead", "lead_cw")), scope=SCOPES, unit=st.booleans(), copy=st.sampled_from((1, 2, None)),
          days=st.integers(-1, 40), direct=st.booleans())  # fmt: skip
    def start(self, by: str, scope: set[str], unit: bool, copy: int | None, days: int, direct: bool) -> None:
        """Drawn up, submitted and approved by another in one go: most of the machine is what comes after."""
        known = facts(
            self.desk, *sorted(scope), ends=self.today + timedelta(days=days), direct=direct,
            units=(self.desk.unit("CW"),) if unit else (),
        )  # fmt: skip
        made: list[str] = []
        self.attempt(by, lambda w: made.append(slips.draft(w, self.item_id, known, copy=copy).number))
        if made:
            self.attempt(by, lambda w: slips.submit(w, made[0]))
            self.attempt("registrar" if by != "registrar" else "lead", lambda w: slips.approve(w, made[0]))

    @rule(
        login=PEOPLE, n=st.integers(0, 3), verb=st.sampled_from(("submit", "approve", "reject", "withdraw"))
    )
    def paper(self, login: str, n: int, verb: str) -> None:
        given = ("理由",) if verb == "reject" else ()
        self.attempt(login, lambda w: getattr(slips, verb)(w, self.slip(n), *given))

    def onward(self, n: int, to: str, custodian: str, back: bool) -> None:
        """What an office would do next, by whoever would do it: otherwise few sequences come to an end."""
        number = self.slip(n)
        slip = db.session.scalar(select(Slip).where(Slip.number == number))
        if slip is None or slip.state in ("draft", "pending"):
            return
        if slip.state == "returned":
            self.attempt(custodian, lambda w: slip_hops.check(w, number, result="完好"))
            return
        waits = select(Hop.taker_id).where(Hop.slip_id == slip.id, Hop.taken.is_(None), Hop.refused.is_(None))
        names = {i: login for login, i in self.ids.items()}
        taker, holder = db.session.scalar(waits), names.get(slip.holder_id or 0)
        if taker is not None:
            self.attempt(names[taker], lambda w: slip_hops.take(w, number, back=back))
        elif holder in CUSTODIANS and back:
            self.attempt(holder, lambda w: slip_hops.put_back(w, number))
        else:
            chosen = custodian if holder in READERS and back else to
            self.attempt(holder or custodian, lambda w: slip_hops.give(w, number, self.ids[chosen]))

    @rule(
        moves=st.lists(
            st.tuples(st.integers(0, 3), st.sampled_from(READERS), st.sampled_from(CUSTODIANS), st.booleans()),
            min_size=3, max_size=8,
        )
    )  # fmt: skip
    def the_office_works(self, moves: list[tuple[int, str, str, bool]]) -> None:
        for n, to, custodian, back in moves:
            self.onward(n, to, custodian, back)
            self.the_rows_are_lawful()

    @rule(giver=PEOPLE, taker=PEOPLE, n=st.integers(0, 3))
    def give(self, giver: str, taker: str, n: int) -> None:
        number = self.slip(n)
        self.attempt(giver, lambda w: slip_hops.give(w, number, self.ids[taker]))

    @rule(login=PEOPLE, n=st.integers(0, 3), back=st.booleans())
    def take(self, login: str, n: int, back: bool) -> None:
        number = self.slip(n)
        self.attempt(login, lambda w: slip_hops.take(w, number, back=back))

    @rule(
        login=PEOPLE,
        n=st.integers(0, 3),
        verb=st.sampled_from(("refuse", "recall", "put_back", "recover", "lost")),
    )
    def hop(self, login: str, n: int, verb: str) -> None:
        number = self.slip(n)
        given = () if verb in ("recall", "put_back") else ("说明",)
        self.attempt(login, lambda w: getattr(slip_hops, verb)(w, number, *given))

    @rule(login=PEOPLE, n=st.integers(0, 3))
    def check(self, login: str, n: int) -> None:
        number = self.slip(n)
        self.attempt(login, lambda w: slip_hops.check(w, number, result="完好"))

    @rule(days=st.integers(1, 15))
    def days_go_by(self, days: int) -> None:
        self.clock.forward(days=days)

    @rule(login=st.sampled_from(READERS), level=st.sampled_from((Level.INTERNAL, Level.CONFIDENTIAL)))
    def clearance_changes(self, login: str, level: Level) -> None:
        """Of somebody with nothing in hand; of a holder see `test_slips`: the custodian fetches it."""
        if db.session.scalar(select(func.count()).where(Slip.holder_id == self.ids[login])) == 0:
            self.attempt("security", lambda w: people.standing(w, self.ids[login], clearance=level, roles=[]))

    @rule(level=st.sampled_from((Level.INTERNAL, Level.SECRET)), login=st.sampled_from(CUSTODIANS))
    def level_changes(self, level: Level, login: str) -> None:
        out = db.session.scalars(select(Copy.state).where(Copy.item_id == self.item_id)).all()
        before = db.session.get_one(Item, self.item_id).level
        self.attempt(login, lambda w: levels.propose(w, self.item_id, level, reason="复核"))
        db.session.rollback()
        asked = db.session.scalar(select(Approval.id).where(Approval.outcome == ""))
        if asked is not None:
            other = next(c for c in CUSTODIANS if c != login)
            self.attempt(other, lambda w: levels.decide(w, asked, True))
        db.session.rollback()
        if set(out) & copies.OUT:
            assert db.session.get_one(Item, self.item_id).level == before

    # -- what is always true ----------------------------------------------------------------------------------------
    @invariant()
    def the_rows_are_lawful(self) -> None:
        db.session.rollback()
        item = db.session.get_one(Item, self.item_id)
        found = {c.id: c for c in copies.of_item(db.session(), self.item_id)}
        all_slips = db.session.scalars(select(Slip).order_by(Slip.id)).all()
        open_ = [s.copy_id for s in all_slips if s.state in LIVE]
        assert len(open_) == len(set(open_)), "one open slip for one copy"
        assert item.state == copies.summary(c.state for c in found.values())
        for copy in found.values():
            mine = [s for s in all_slips if s.copy_id == copy.id]
            wanted = next((OF_COPY[s.state] for s in mine if s.state in OF_COPY), None)
            wanted = wanted or ("missing" if any(s.state == "lost" for s in mine) else "held")
            assert copy.state == wanted, "the copy is where its slip says"
        for slip in all_slips:
            self.lawful(slip, item)
            self.reached[slip.state] += 1
        live = db.session.scalars(
            select(Grant).where(Grant.item_id == item.id, Grant.revoked.is_(None))
        ).all()
        running = {s.number for s in all_slips if s.state == "moving"}
        assert {g.reason.split()[-1] for g in live} <= running, "the right to know ends with the round"

    def lawful(self, slip: Slip, item: Item) -> None:
        hops = db.session.scalars(select(Hop).where(Hop.slip_id == slip.id).order_by(Hop.seq)).all()
        scope = db.session.scalars(
            select(SlipScope).where(SlipScope.slip_id == slip.id, SlipScope.dropped.is_(None))
        ).all()
        taken = [h for h in hops if h.taken]
        custodians = {self.ids[login] for login in CUSTODIANS}

        def in_scope(person_id: int) -> bool:
            units = people.actor_of(db.session(), db.session.get_one(Person, person_id)).units
            return any(r.person_id == person_id or r.unit_id in units for r in scope)

        for before, after in pairwise(taken):
            assert before.taker_id == after.giver_id, "the chain of hands is closed"
            assert before.taken and after.taken and before.taken <= after.taken
        for hop in taken:
            assert hop.giver_id != hop.taker_id
            assert in_scope(hop.taker_id) or hop.taker_id in custodians, "in scope, or the custodian"
            if not slip.direct:
                assert {hop.giver_id, hop.taker_id} & custodians, "no two readers one after the other"
            if hop.taker_id not in custodians and slip.ends and hop.taken:
                assert hop.taken.astimezone(self.desk.house.zone).date() <= slip.ends
        assert [h.seq for h in hops] == list(range(1, len(hops) + 1))
        assert len([h for h in hops if not h.taken and not h.refused]) <= (slip.state == "moving")
        last = next((h.taker_id for h in reversed(taken) if not h.back), None)
        if slip.state == "moving":
            assert slip.holder_id == last and slip.decided_by not in (None, slip.created_by)
            if last is not None:
                holder = db.session.get_one(Person, last)
                assert holder.active and holder.clearance >= item.level, "the holder is cleared"
        else:
            assert slip.holder_id is None
        if slip.state in ("returned", "closed"):
            assert slip.returned and last is not None and slip.returned_by is not None
        if slip.state == "closed":
            assert slip.checked and slip.result and slip.returned and slip.checked >= slip.returned
            assert slip.checker_id in custodians and slip.checker_id != slip.returned_by
            readers = [h.taker_id for h in taken if not h.back and in_scope(h.taker_id)]
            assert not readers or slip.checker_id != readers[-1], "never checked by the last reader"

    @invariant()
    def nothing_is_ever_taken_away(self) -> None:
        db.session.rollback()
        now = {
            t.__tablename__: db.session.scalar(select(func.count()).select_from(t)) or 0
            for t in (Slip, SlipScope, Hop, Grant, Copy, Audit)
        }
        assert all(now[name] >= n for name, n in self.rows.items())
        self.rows = now


def test_no_sequence_of_moves_reaches_a_forbidden_state(settled: str, keyring: Keyring) -> None:
    Slips.settled, Slips.keyring = settled, keyring
    run_state_machine_as_test(
        Slips,
        settings=settings(
            max_examples=15, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
    assert {"moving", "returned", "closed"} <= set(Slips.reached), "it comes everywhere"
