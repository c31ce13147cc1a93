"""What the page of one item shows: facts, life, steps offered, files with why not, and one tab of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import pgettext

from ..actor import Actor
from ..extensions import db
from ..house import House
from ..kinds.base import ROLES, Field, Kind, LongText, Move, Person, UnitRef
from ..models import Blob, Item, Loan
from ..policy import Permission, Standing
from ..verbs import deposits, disposal, history, knowing
from . import files as bodies
from . import item_log, words
from .names import choices_of, names
from .text_words import Said, said

KNOWERS = 500  # persons on the page of who may know


@dataclass(frozen=True)
class Offer:
    """One step the actor may do now. `plain`: nothing is asked, a button does it."""

    move: Move
    asks: list[Field]
    filled: bool

    @property
    def plain(self) -> bool:
        return not (self.asks or self.move.reason or self.move.confirm)

    @property
    def danger(self) -> bool:
        return self.move.tone == "danger"


def offers(home: House, actor: Actor, s: Standing) -> list[Offer]:
    """The steps, the most likely one filled, dangerous ones last. A step done elsewhere (loans) is not offered."""
    kind = home.kinds[s.item.kind]
    open_ = [
        m
        for m in kind.moves_from(s.item.state)
        if (not m.code or (kind.name, m.name) in disposal.STEPS)
        and home.policy.decide(actor, Permission.ITEM_MOVE, s, move=m).ok
    ]
    first = next((m for m in open_ if m.tone == "primary"), None)
    found = [Offer(m, [kind.field(n) for n in m.asks], m is first) for m in open_]
    return sorted(found, key=lambda o: (o.danger, not o.filled))


@dataclass(frozen=True)
class FileRow:
    """One file: `ok` when it opens now; else `why`, and `way`: loan or factor, what would open it. `said`: what became of its
    text."""

    blob: Blob
    ok: bool
    why: Any
    way: str
    inline: bool
    said: Sequence[Said]


def file_rows(home: House, actor: Actor, s: Standing) -> list[FileRow]:
    """The files in order of deposit. One statement; what one may do is the same for all of an item."""
    decision = home.policy.decide(actor, Permission.BODY_OPEN, s)
    with_loan = home.policy.decide(actor, Permission.BODY_OPEN, replace(s, loan=True)).ok
    freshly = home.policy.decide(replace(actor, fresh=True), Permission.BODY_OPEN, s).ok
    way = "" if decision.ok else "factor" if freshly else "loan"
    if (
        way == "loan"
        and not with_loan
        and not home.policy.decide(replace(actor, fresh=True), Permission.BODY_OPEN, replace(s, loan=True)).ok
    ):
        way = ""
    return [
        FileRow(
            b,
            decision.ok and b.state == "stored",
            _("正文已销毁，只保留登记") if b.state == "destroyed" else decision.why,
            "" if b.state == "destroyed" else way,
            bool(bodies.shows_inline(b.mime)),
            said(b.text_note, b.mime) if b.state == "stored" else (),
        )
        for b in deposits.files(db.session(), s.item.id)
    ]


def dates(kind: Kind, life: list[history.Step]) -> dict[str, tuple[datetime, str]]:
    """When and by whom each state of the present round was reached; a state gone back behind is open again."""
    line = [s.name for s in kind.steps]
    found: dict[str, tuple[datetime, str]] = {}
    before = None
    for step in life:
        if step.state != before:
            if step.state in line:
                for later in line[line.index(step.state) :]:
                    found.pop(later, None)
            found[step.state] = (step.at, names().person(step.by_id) if step.by_id else "")
            before = step.state
    return found


def tabs(home: House, actor: Actor, s: Standing, kind: Kind) -> list[tuple[str, str]]:
    """(key, title) of the tabs this actor gets; the first is the one shown unasked."""
    may = {p: home.policy.decide(actor, p, s).ok for p in (Permission.ITEM_LOG, Permission.ITEM_ACCESS)}
    found = [
        ("comments", pgettext("tab", "留言"), bool(kind.comments)),
        ("history", _("修改历史"), True),
        ("loans", _("借阅记录"), kind.loans),
        ("links", _("关联"), True),
        ("access", _("知悉范围"), may[Permission.ITEM_ACCESS]),
        ("log", _("操作记录"), may[Permission.ITEM_LOG]),
    ]
    return [(key, title) for key, title, there in found if there]


def tab_context(home: House, actor: Actor, s: Standing, kind: Kind, tab: str) -> dict[str, Any]:
    """What one tab shows. One statement, and the names of its people."""
    session, item, now = db.session(), s.item, home.clock()
    match tab:
        case "comments":
            found = history.comments(session, item.id)
            names().load(persons=[c.author_id for c in found])
            return {
                "comments": found,
                "may_comment": home.policy.decide(actor, Permission.ITEM_COMMENT, s).ok,
            }
        case "history":
            return {"saves": _saves(home, actor, s, kind), "action_words": words.of_action}
        case "loans":
            everyone = home.policy.decide(actor, Permission.ITEM_LOG, s).ok
            rows: list[Loan] = history.loans(session, item.id, only=None if everyone else actor.id)
            names().load(persons=[p for r in rows for p in (r.borrower_id, r.decided_by, r.checked_by)])
            return {"loans": rows, "everyone": everyone, "today": now.astimezone(home.zone).date()}
        case "links":
            return {"links": history.links(session, home, actor, item.id, now)}
        case "access":
            grants = history.grants(session, item.id)
            names().load(persons=[p for g in grants for p in (g.person_id, g.by_id)])
            return {
                "knowers": knowing.of_item(session, home, s),
                "knowers_shown": KNOWERS,
                "role_titles": ROLES,
                "may_grant": home.policy.decide(actor, Permission.ITEM_GRANT, s).ok,
                "grants": grants,
                "clock_now": now,
                "people": choices_of(Person("person", ""), item.level),
                "units": choices_of(UnitRef("unit", "")),
            }
        case "log":
            return item_log.tab(item)
    return {}


def _may_edit(home: House, actor: Actor, s: Standing) -> bool:
    return home.policy.decide(actor, Permission.ITEM_EDIT, s).ok


def _saves(home: House, actor: Actor, s: Standing, kind: Kind) -> list[tuple[Any, list[history.Change]]]:
    """(revision, what it changed), newest first, only in fields the actor may see."""
    fields = history.shown(home, actor, s, kind)
    saves = history.revisions(db.session(), s.item.id)
    rows = [r for r in saves if home.policy.saw(actor, s, r.state, r.level)]
    people: list[int | None] = [r.by_id for r in rows]
    people += [r.data.get(f.name) for f in fields if f.widget == "person" for r in rows]
    names().load(persons=people)
    older = [*rows[1:], None][: len(rows)]
    return [(new, history.changes(fields, old, new)) for new, old in zip(rows, older, strict=True)]


def fields_of(home: House, actor: Actor, s: Standing, kind: Kind) -> tuple[list[Field], list[Field]]:
    """(running texts for the body of the page, short values for the column of facts). An answer that a later step asks
    for is left out while it is empty."""
    data: Mapping[str, Any] = s.item.data
    shown = [
        f
        for f in history.shown(home, actor, s, kind)
        if f.form or data.get(f.name) not in (None, "", [], False)
    ]
    texts = [f for f in shown if isinstance(f, LongText)]
    return [f for f in texts if data.get(f.name)], [f for f in shown if not isinstance(f, LongText)]


def context(home: House, actor: Actor, s: Standing, tab: str) -> dict[str, Any]:
    """Everything the page of an item needs. A fixed number of statements, whatever hangs on the item."""
    item, kind = s.item, home.kinds[s.item.kind]
    life = history.life(db.session(), item.id)
    texts, facts = fields_of(home, actor, s, kind)
    people: list[int | None] = [item.owner_id, s.borrower, *(step.by_id for step in life)]
    people += [item.data.get(f.name) for f in facts if f.widget == "person"]
    names().load(persons=people)
    offered = tabs(home, actor, s, kind)
    keys = [key for key, _title in offered]
    chosen = tab if tab in keys else keys[0]
    mine = None
    if kind.loans:
        of_me = history.loans(db.session(), item.id, only=actor.id)
        mine = next((ln for ln in of_me if ln.state in ("applied", "lent", "returned")), None)
    decide = home.policy.decide
    return {
        "item": item,
        "kind": kind,
        "standing": s,
        "texts": texts,
        "facts": facts,
        "life": life,
        "newer": history.newer(db.session(), home, actor, item.id, home.clock()),
        "dates": dates(kind, life),
        "offers": offers(home, actor, s),
        "files": file_rows(home, actor, s),
        "tabs": [(title, address(item, key), key == chosen) for key, title in offered],
        "tab": chosen,
        "my_loan": mine,
        "may_edit": _may_edit(home, actor, s),
        "may_level": decide(actor, Permission.ITEM_LEVEL, s).ok and not kind.state(item.state).final,
        "may_borrow": kind.loans and mine is None and decide(actor, Permission.LOAN_APPLY, s).ok,
        "sees_holder": kind.loans and decide(actor, Permission.ITEM_LOG, s).ok,
        "destroyed": any(m.target == item.state for m in kind.moves if (kind.name, m.name) in disposal.STEPS),
        **tab_context(home, actor, s, kind, chosen),
    }


def address(item: Item, tab: str) -> str:
    return url_for("items.show", number=item.number, tab=tab) + "#more"
