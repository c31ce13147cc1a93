"""What the page of one item shows: facts, life, steps offered, files with why not, and one tab of the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import pgettext

from ..actor import Actor
from ..extensions import db
from ..house import House
from ..kinds.base import ROLES, Field, Kind, LongText, Move, Person, UnitRef
from ..models import Item, Loan
from ..policy import Permission, Standing
from ..verbs import (
    copies,
    disposal,
    disposals,
    history,
    holdings,
    holds,
    inspections,
    knowing,
    loans,
    retention,
    slip_rows,
)
from ..verbs.copies import ENDING
from . import item_files, item_log, items_custody, room_card, slips_page, words
from .names import choices_of, names

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
        if (not m.code or disposal.step_of(kind, m.name))
        and home.policy.decide(actor, Permission.ITEM_MOVE, s, move=m).ok
    ]
    first = next((m for m in open_ if m.tone == "primary"), None)
    found = [Offer(m, [kind.field(n) for n in m.asks], m is first) for m in open_]
    return sorted(found, key=lambda o: (o.danger, not o.filled))


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
        ("inside", _("卷内"), kind.bundles),
        ("comments", pgettext("tab", "留言"), bool(kind.comments)),
        ("history", _("修改历史"), True),
        ("copies", pgettext("tab", "份"), kind.loans),
        ("loans", _("借阅记录"), kind.loans),
        ("slips", _("传递记录"), kind.loans),
        ("inspections", _("检查记录"), kind.loans and may[Permission.ITEM_LOG]),
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
            names().load(
                persons=[p for r in rows for p in (r.borrower_id, r.decided_by, r.handed_by, r.checked_by)]
            )
            return {
                "loans": rows,
                "everyone": everyone,
                "today": now.astimezone(home.zone).date(),
                "numbers": {c.id: c.number for c in copies.of_item(session, item.id)},
            }
        case "slips":
            found_ = slip_rows.of_item(session, home, actor, s)
            names().load(persons={p for line in found_ for p in line.persons})
            return {
                "slips": found_,
                "today": now.astimezone(home.zone).date(),
                "state_words": slips_page.state_words,
            }
        case "inside" | "copies":
            return items_custody.tab(home, actor, s, tab)
        case "inspections":
            found_ = inspections.of_item(session, home, actor, item.id, now)
            names().load(persons=[f.row.by_id for f in found_])
            return {
                "findings": found_,
                "shelf_copies": copies.of_item(session, item.id),
                "due_on": lambda copy: inspections.due_on(home, copy, item.level),
                "keeps": home.policy.decide(actor, Permission.ITEM_INSPECT, s).ok,
                "today": now.astimezone(home.zone).date(),
            }
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
        if f.applies(data) and (f.form or data.get(f.name) not in (None, "", [], False))
    ]
    texts = [f for f in shown if isinstance(f, LongText)]
    return [f for f in texts if data.get(f.name)], [f for f in shown if not isinstance(f, LongText)]


def context(home: House, actor: Actor, s: Standing, tab: str) -> dict[str, Any]:
    """Everything the page of an item needs. A fixed number of statements, whatever hangs on the item."""
    item, kind = s.item, home.kinds[s.item.kind]
    life = history.life(db.session(), item.id)
    texts, facts = fields_of(home, actor, s, kind)
    sees_holder = kind.loans and home.policy.decide(actor, Permission.ITEM_LOG, s).ok
    out = holdings.out(db.session(), item.id) if sees_holder else []
    people: list[int | None] = [item.owner_id, *(step.by_id for step in life)]
    people += [loan.borrower_id for _copy, loan in out if loan is not None]
    people += [item.data.get(f.name) for f in facts if f.widget == "person"]
    names().load(persons=people)
    offered = tabs(home, actor, s, kind)
    keys = [key for key, _title in offered]
    chosen = tab if tab in keys else keys[0]
    mine = None
    if kind.loans:
        of_me = history.loans(db.session(), item.id, only=actor.id)
        mine = next((ln for ln in of_me if ln.state in loans.OPEN), None)
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
        "files": item_files.file_rows(home, actor, s),
        "tabs": [(title, address(item, key), key == chosen) for key, title in offered],
        "tab": chosen,
        "my_loan": mine,
        "room": room_card.card(home, actor, s) if kind.loans else {},
        "may_edit": _may_edit(home, actor, s),
        "may_level": decide(actor, Permission.ITEM_LEVEL, s).ok and not kind.state(item.state).final,
        "may_borrow": kind.loans and mine is None and decide(actor, Permission.LOAN_APPLY, s).ok,
        "out": out,
        **(items_custody.panel(home, actor, s) if kind.dual else {}),
        "destroyed": kind.loans and item.state == "destroyed",
        **ending(home, actor, s),
        "may_circulate": kind.loans and decide(actor, Permission.SLIP_DRAFT, s).ok,
        **tab_context(home, actor, s, kind, chosen),
    }


def ending(home: House, actor: Actor, s: Standing) -> dict[str, Any]:
    """How long a kept file stays: retention, hold, the disposal list it is on. A statement for each that there is."""
    if not home.kinds[s.item.kind].loans:
        return {"retained": None, "hold": None, "on_list": None, "may_hold": False}
    hold = holds.live(db.session(), s.item.id) if s.hold else None
    on_list = s.item.state in ENDING
    found = disposals.of_item(db.session(), home, actor, s.item.id, home.clock()) if on_list else None
    if hold is not None:
        names().load(persons=[hold.row.by_id])
    return {
        "retained": retention.ends(s.item),
        "hold": hold.row if hold is not None else None,
        "on_list": found,
        "may_hold": home.policy.decide(actor, Permission.HOLD_SET, s).ok
        and (s.hold or not home.kinds[s.item.kind].state(s.item.state).final),
    }


def ended_by(home: House, actor: Actor, s: Standing) -> dict[str, Any]:
    """What the certificate says besides the file: the list that ended it (None for one ended before there were lists), its
    copies and what was destroyed of each body. Three statements."""
    session = db.session()
    found = disposals.of_item(session, home, actor, s.item.id, home.clock())
    signed = [found.proposed_by, found.decided_by, found.first_by, found.second_by] if found else []
    bodies = disposals.bodies(session, found.id).get(s.item.id, []) if found else []
    return {
        "ended_by": found,
        "signed": signed,
        "copies": copies.of_item(session, s.item.id),
        "bodies": bodies,
    }


def address(item: Item, tab: str) -> str:
    return url_for("items.show", number=item.number, tab=tab) + "#more"
