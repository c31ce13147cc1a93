"""What waits for a person: the questions of the desk and of the top bar. A fixed number of statements, none per row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import reduce
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, false, func, or_, select, true
from sqlalchemy.orm import Session

from ..actor import Actor
from ..house import House
from ..kinds.base import ITEM_ROLES, Kind, Move, State
from ..models import Approval, Item, Loan
from ..policy import Policy
from ..prepared import NOW, prepared, visible, waiting
from .wanted import TODAY, my_word, words_wanted

ROWS = 30
NOTICES = 5
OPEN = ("applied", "lent", "returned")


@dataclass(frozen=True)
class Row:
    """One line of the desk: an item, the step that waits (if any), when it is due, or else since when it waits."""

    item: Item
    kind: Kind
    state: State
    move: Move | None = None
    loan: Loan | None = None
    due: Any = None
    since: datetime | None = None
    seen: bool = True  # a file still out whose borrower may no longer know of it: its number only
    approval: Approval | None = None


@dataclass(frozen=True)
class Section:
    """One kind of action. `total` may be more than the rows shown."""

    rows: Sequence[Row] = ()
    total: int = 0


@dataclass(frozen=True)
class Desk:
    steps: Section = field(default_factory=Section)
    drafts: Section = field(default_factory=Section)
    lending: Section = field(default_factory=Section)
    borrowed: Section = field(default_factory=Section)
    words: Section = field(default_factory=Section)
    moving: Section = field(default_factory=Section)
    notices: Section = field(default_factory=Section)

    def waiting(self, today: date) -> int:
        """What the top bar counts, from the rows already here (the same sum as `waiting_count`)."""
        late = sum(
            r.loan is not None and r.loan.state == "lent" and r.loan.until < today for r in self.borrowed.rows
        )
        return self.steps.total + self.lending.total + self.words.total + late

    @property
    def persons(self) -> set[int | None]:
        """Everybody who is named on the desk, for one look-up."""
        rows = [
            r
            for s in (
                self.steps,
                self.drafts,
                self.lending,
                self.borrowed,
                self.words,
                self.moving,
                self.notices,
            )
            for r in s.rows
        ]
        return {
            p
            for r in rows
            for p in (
                r.item.owner_id,
                r.item.previous_id,
                r.loan.borrower_id if r.loan else None,
                r.approval.asked_by if r.approval else None,
            )
        }


def desk(session: Session, house: House, actor: Actor, now: datetime) -> Desk:
    """The desk of one person: six statements, however much waits."""
    policy, at = house.policy, {"now": now}
    found = _rows(house, actor, session.execute(_steps(policy, actor), at).all())
    drafts = [r for r in found.rows if _is_draft(actor, r)]
    steps = [r for r in found.rows if r not in drafts]
    return Desk(
        steps=Section(steps, found.total - len(drafts)),
        drafts=Section(drafts, len(drafts)),
        lending=_loans(house, session.execute(_lending(policy, actor), at).all()),
        borrowed=_loans(house, session.execute(_borrowed(policy, actor), at).all()),
        words=_asked(
            house, session.execute(my_word(policy, actor), at | {"today": _today(house, now)}).all()
        ),
        moving=_rows(house, actor, session.execute(_moving(policy, actor), at).all()),
        notices=_notices(session, house, actor, now),
    )


def waiting_count(session: Session, house: House, actor: Actor, now: datetime) -> int:
    """How much waits: steps (without own drafts), loans to hand out or check, own loans that are late, what waits for one's word.
    One statement."""
    return session.scalar(_count(house.policy, actor), {"now": now, "today": _today(house, now)}) or 0


def step_of(actor: Actor, kind: Kind, item: Item) -> Move | None:
    """The one step of a waiting item that is the actor's, told without another statement; None when there are several
    to choose from. The row is already known to wait, so a step of an item role must be the actor's when no other is."""
    own = item.owner_id == actor.id
    moves = [m for m in kind.moves_from(item.state) if m.desk and not m.code]
    moves = [m for m in moves if not (own and "owner" in m.not_by.split()) and not _just_did(actor, item, m)]
    mine = [m for m in moves if (own and "owner" in m.roles) or _held(actor, item, m)]
    mine = mine or [m for m in moves if set(m.roles) & (set(ITEM_ROLES) - {"owner"})]
    return mine[0] if len(mine) == 1 else None


def _held(actor: Actor, item: Item, move: Move) -> bool:
    return any(actor.has(r, item.unit_id) for r in move.roles if r not in ITEM_ROLES)


def _just_did(actor: Actor, item: Item, move: Move) -> bool:
    return "previous" in move.not_by.split() and item.previous_id == actor.id


def _today(house: House, now: datetime) -> date:
    return now.astimezone(house.zone).date()


def _rows(house: House, actor: Actor, found: Sequence[Any]) -> Section:
    """Rows of (item, how many there are)."""
    kinds = [(item, house.kinds[item.kind]) for item, _n in found]
    rows = [Row(i, k, k.state(i.state), step_of(actor, k, i), None, i.due) for i, k in kinds]
    return Section(rows, found[0][1] if found else 0)


def _loans(house: House, found: Sequence[Any]) -> Section:
    """Rows of (item, loan, how many there are, whether the item may be known)."""
    rows: list[Row] = []
    for item, loan, _n, may_know in found:
        kind, out = house.kinds[item.kind], loan.state == "lent"
        waits = loan.returned or loan.applied
        rows.append(
            Row(
                item,
                kind,
                kind.state(item.state),
                None,
                loan,
                loan.until if out else None,
                waits,
                bool(may_know),
            )
        )
    return Section(rows, found[0][2] if found else 0)


def _asked(house: House, found: Sequence[Any]) -> Section:
    """Rows of (item, approval or none, how many there are)."""
    rows: list[Row] = []
    for item, approval, _n in found:
        kind = house.kinds[item.kind]
        since = approval.asked if approval else None
        due = (approval.due if approval else item.data.get("review")) or None
        rows.append(Row(item, kind, kind.state(item.state), approval=approval, due=due, since=since))
    return Section(rows, found[0][2] if found else 0)


def _is_draft(actor: Actor, row: Row) -> bool:
    return row.item.owner_id == actor.id and row.state is row.kind.first and not row.state.view


# -- the questions, each asked with the moment (`now`) -------------------------------------------------------------
@prepared
def _count(policy: Policy, actor: Actor) -> Select[tuple[int]]:
    steps = select(func.count()).select_from(Item).where(waiting(policy, actor), ~_drafts(policy, actor))
    loans = select(func.count()).select_from(Loan).join(Item, Item.id == Loan.item_id)
    handle = loans.where(_to_handle(policy, actor))
    late = loans.where(Loan.borrower_id == actor.id, Loan.state == "lent", Loan.until < TODAY)
    parts = (steps, handle, late, words_wanted(policy, actor))
    return select(reduce(add, (part.scalar_subquery() for part in parts)))


@prepared
def _steps(policy: Policy, actor: Actor) -> Select[Any]:
    return _counted(select(Item).where(waiting(policy, actor)))


@prepared
def _moving(policy: Policy, actor: Actor) -> Select[Any]:
    """What the actor asked for and somebody else now has in hand."""
    ways = [
        and_(Item.kind == k.name, Item.state.in_(states))
        for k in policy.kinds.values()
        if not k.loans
        and (
            states := [
                s.name for s in k.states if not s.final and s.view and s.tone in ("waiting", "soon", "late")
            ]
        )
    ]
    asked = and_(Item.owner_id == actor.id, visible(policy, actor), or_(false(), *ways))
    return _counted(select(Item).where(asked, ~waiting(policy, actor)))


def _counted(query: Select[Any]) -> Select[Any]:
    """Items with their number, the least time left first, then the longest waiting."""
    counted = query.add_columns(func.count().over())
    return counted.order_by(Item.due.is_(None), Item.due, Item.updated).limit(ROWS)


@prepared
def _lending(policy: Policy, actor: Actor) -> Select[Any]:
    """The longest waiting first."""
    since = func.coalesce(Loan.returned, Loan.applied)
    return _lent(true()).where(_to_handle(policy, actor)).order_by(since, Loan.id)


@prepared
def _borrowed(policy: Policy, actor: Actor) -> Select[Any]:
    """The first due first."""
    mine = and_(Loan.borrower_id == actor.id, Loan.state.in_(OPEN), Item.kind.in_(list(policy.kinds)))
    return _lent(visible(policy, actor)).where(mine).order_by(Loan.until, Loan.id)


def _lent(known: ColumnElement[bool]) -> Select[Any]:
    return select(Item, Loan, func.count().over(), known).join(Loan, Loan.item_id == Item.id).limit(ROWS)


def _to_handle(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    """Loans that wait for this custodian: to hand out, or to check after return; never one's own."""
    if not actor.has("custodian"):
        return false()
    covered = actor.roles["custodian"]
    waits = ("applied", "returned")
    return and_(
        # Said once more of the item: without it SQLite looks through all items of the unit for those few.
        Item.id.in_(select(Loan.item_id).where(Loan.state.in_(waits))),
        Loan.state.in_(waits),
        Loan.borrower_id != actor.id,
        true() if covered is None else Item.unit_id.in_(sorted(covered)),
        visible(policy, actor),
    )


def _drafts(policy: Policy, actor: Actor) -> ColumnElement[bool]:
    """In a first state that nobody but the owner sees."""
    firsts = [
        and_(Item.kind == k.name, Item.state == k.first.name)
        for k in policy.kinds.values()
        if not k.first.view
    ]
    return and_(Item.owner_id == actor.id, or_(false(), *firsts))


def _notices(session: Session, house: House, actor: Actor, now: datetime) -> Section:
    """The latest notices that everybody reads."""
    if "notice" not in house.kinds:
        return Section()
    kind = house.kinds["notice"]
    rows = session.scalars(_latest(house.policy, actor), {"now": now})
    lines = [Row(i, kind, kind.state(i.state)) for i in rows]
    return Section(lines, len(lines))


@prepared
def _latest(policy: Policy, actor: Actor) -> Select[tuple[Item]]:
    public = [s.name for s in policy.kinds["notice"].states if "staff" in s.view.split()]
    query = select(Item).where(policy.visible(actor, NOW, ["notice"]), Item.state.in_(public))
    return query.order_by(Item.updated.desc(), Item.id.desc()).limit(NOTICES)
