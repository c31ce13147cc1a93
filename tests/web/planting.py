"""Words planted where they may hang on an item: title, every text field, file names, bodies, purposes, reasons, notes.

Each word is a `Plant`: a Chinese and a Latin half that occur nowhere else, the item it hangs on, and the right that shows it.
Another table is one line of PLANTERS, or one line of ROWS where no verb is needed to write the row.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm.attributes import flag_modified

from intranet import models
from intranet.actor import Actor
from intranet.demo import papers
from intranet.extensions import db
from intranet.house import House
from intranet.models import Copy, Item, Person
from intranet.policy import Permission, Standing
from intranet.verbs import complaints, items, loans, searches
from intranet.verbs.asking import Question
from intranet.verbs.reading import standing
from tests.office import Office
from vault.levels import Level

MARK_ZH, MARK_LA = (
    "鱻麤龘靐",
    "zqxjvkpw",
)  # in every planted word: one look tells whether anything is there at all

Right = Callable[[House, Actor, Standing], bool]


def known(house: House, actor: Actor, s: Standing) -> bool:
    """Whoever may know of the item."""
    return house.policy.sees(actor, s)


def logged(house: House, actor: Actor, s: Standing) -> bool:
    """What stands in the log too: also for an auditor, below the levels that are for those who need it (row 97)."""
    item, kind = s.item, house.kinds[s.item.kind]
    audits = house.policy.decide(actor, Permission.AUDIT_READ).ok
    return known(house, actor, s) or (
        audits and item.level <= actor.clearance and item.level < kind.need_to_know
    )


def opened(house: House, actor: Actor, s: Standing) -> bool:
    """Whoever may open the body now."""
    return house.policy.decide(actor, Permission.BODY_OPEN, s).ok


def in_field(name: str) -> Right:
    """Whoever may know of the item and is shown the field."""

    def shown(house: House, actor: Actor, s: Standing) -> bool:
        return known(house, actor, s) and house.policy.shows(actor, s, house.kinds[s.item.kind].field(name))

    return shown


def of_person(person_id: int) -> Right:
    """One person's own, whatever the item."""
    return lambda _house, actor, _s: actor.id == person_id


@dataclass(frozen=True)
class Plant:
    """One planted word."""

    name: str
    item_id: int
    right: Right = known

    @property
    def zh(self) -> str:
        dice = random.Random(f"zh {self.name}")
        return MARK_ZH + "".join(chr(dice.randrange(0x6000, 0x9000)) for _ in range(5))

    @property
    def la(self) -> str:
        dice = random.Random(f"la {self.name}")
        return MARK_LA + "".join(dice.choices("bcdfghjkmnprst", k=8))

    def __str__(self) -> str:
        return f"{self.zh} {self.la}"


@dataclass
class Planting:
    """The office with what was planted in it."""

    desk: Office
    plants: list[Plant] = field(default_factory=list)
    items: list[int] = field(default_factory=list)

    @property
    def house(self) -> House:
        return self.desk.house

    def word(self, name: str, item_id: int, right: Right = known) -> str:
        self.plants.append(Plant(name, item_id, right))
        return str(self.plants[-1])

    def add(self, kind: str, login: str, level: Level, **more: Any) -> Item:
        """An item with a word in its title and in each of its running texts."""
        slot = (
            len(self.items) + 1
        )  # the id is known only afterwards: words are made for the slot, then tied to the item
        name = f"{kind} {level.slug} {slot}"
        declared = self.house.kinds[kind]
        wanted = [
            f for f in declared.fields if f.widget in ("text", "textarea") and getattr(f, "max", 0) >= 40
        ]
        words = {f.name: Plant(f"{name} field {f.name}", 0, in_field(f.name)) for f in wanted}
        title = Plant(f"{name} title", 0, known)
        typed = {f.name: str(words[f.name]) for f in wanted if f.form}
        item = self.desk.add(kind, login, title=f"{title} 件", level=level, **(typed | more))
        later = {f.name: str(words[f.name]) for f in wanted if not f.form}
        if later:  # what only a later step asks for
            kept = db.session.get_one(Item, item.id)
            kept.data = dict(kept.data) | later
            flag_modified(kept, "data")
            db.session.commit()
        for plant in (title, *words.values()):
            self.plants.append(Plant(plant.name, item.id, plant.right))
        self.items.append(item.id)
        return item

    def deposit(self, login: str, name: str, level: Level) -> list[int]:
        """A text, a PDF and a picture: words in their names and, where it has one, in the text."""
        words = [
            Plant(f"{name} {part}", 0)
            for part in ("txt name", "txt body", "pdf name", "pdf body", "png name")
        ]
        bodies = [str(words[1]).encode(), papers.pdf(str(words[3]), str(words[3])), PNG]
        names = [
            f"{words[0].zh}{words[0].la}.txt",
            f"{words[2].zh}{words[2].la}.pdf",
            f"{words[4].zh}{words[4].la}.png",
        ]
        return [self.desk.deposit(login, b, n, level) for b, n in zip(bodies, names, strict=True)]

    def deposited(self, name: str, item: Item) -> None:
        for part in ("txt name", "txt body", "pdf name", "pdf body", "png name"):
            right = opened if part.endswith("body") else known
            self.plants.append(Plant(f"{name} {part}", item.id, right))

    def standing(self, actor: Actor, item_id: int) -> Standing:
        item = db.session.get_one(Item, item_id)
        return standing(db.session(), self.house, actor, item, self.house.clock())

    def forbidden(self, actor: Actor) -> list[Plant]:
        """The words that this person must not meet anywhere: the policy asked word by word."""
        seen = {i: self.standing(actor, i) for i in {p.item_id for p in self.plants}}
        return [p for p in self.plants if not p.right(self.house, actor, seen[p.item_id])]


PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c6360f8cf500f00038301801a60a3f4"
    "0000000049454e44ae426082"
)


# -- the planters: one for each kind of thing that holds words -----------------------------------------------------------
def documents(p: Planting) -> None:
    """Controlled files of every level; bodies where the level keeps any."""
    for level in (Level.INTERNAL, Level.CONFIDENTIAL, Level.SECRET, Level.TOPSECRET):
        blobs: list[int] = []
        name = f"files of a document {level.slug}"
        if level < Level.TOPSECRET:  # 绝密 is register-only
            blobs = p.deposit("registrar", name, level)
        item = p.add("document", "registrar", level, blobs=tuple(blobs))
        if blobs:
            p.deposited(name, item)


def resources(p: Planting) -> None:
    for level in (Level.INTERNAL, Level.CONFIDENTIAL, Level.SECRET):
        name, login = f"files of a resource {level.slug}", "officer" if level < Level.SECRET else "lead"
        if level not in p.house.kinds["resource"].levels:
            continue
        item = p.add("resource", login, level, blobs=tuple(p.deposit(login, name, level)))
        p.deposited(name, item)


def drafts(p: Planting) -> None:
    """A notice that is not published."""
    p.add("notice", "officer_cw", Level.INTERNAL)


def orders(p: Planting) -> None:
    p.add("workorder", "cook", Level.INTERNAL)


def grievances(p: Planting) -> None:
    """A complaint: its name and contact are for fewer than the rest."""
    kind = p.house.kinds["complaint"]
    wanted = {
        f.name: Plant(f"complaint {f.name}", 0, in_field(f.name))
        for f in kind.fields
        if f.widget in ("text", "textarea")
    }
    title = Plant("complaint title", 0)
    raw = {"topic": "canteen", "channel": "phone"} | {
        n: str(w) for n, w in wanted.items() if kind.field(n).form
    }
    with p.desk.w("") as w:
        item, _code = complaints.submit(w, raw, title=str(title), channel="phone")
    p.items.append(item.id)
    p.plants += [
        Plant(x.name, item.id, x.right) for x in (title, *(wanted[n] for n in wanted if kind.field(n).form))
    ]


def reasons(p: Planting) -> None:
    """The reason of a revision, of a level and of a grant; a comment."""
    for item_id in list(p.items):
        item = db.session.get_one(Item, item_id)
        if item.kind == "document":
            with p.desk.w("registrar") as w:
                raw = dict(item.data)
                items.edit(
                    w,
                    item_id,
                    raw,
                    title=item.title + "。",
                    version=None,
                    reason=p.word(f"reason of an edit of {item_id}", item_id, logged),
                )
            whom = p.desk.person("lead" if item.level <= Level.SECRET else "leader")
            with p.desk.w("registrar") as w:
                items.grant(
                    w,
                    item_id,
                    person_id=whom.id,
                    reason=p.word(f"reason of a grant for {item_id}", item_id, logged),
                )
        if p.house.kinds[item.kind].comments:
            author = db.session.scalars(select(Person.id).where(Person.login == "registrar")).one()
            word = p.word(f"comment on {item_id}", item_id)
            db.session.add(models.Comment(item_id=item_id, author_id=author, at=p.house.clock(), body=word))
            db.session.commit()


def borrowed(p: Planting) -> None:
    """A loan of each document: its purpose; one that was refused, with why."""
    for item_id in list(p.items):
        item = db.session.get_one(Item, item_id)
        if item.kind != "document":
            continue
        borrower = "lead" if item.level <= Level.SECRET else "leader"
        for turn, verb in enumerate(("refuse", "lend")):
            with p.desk.w(borrower) as w:
                purpose = p.word(f"purpose {turn} of a loan of {item_id}", item_id, logged)
                loan = loans.apply(w, item_id, purpose=purpose, until=w.today + timedelta(days=2)).id
            with p.desk.w("registrar") as w:
                if verb == "refuse":
                    loans.refuse(w, loan, p.word(f"refusal of a loan of {item_id}", item_id, logged))
                else:
                    loans.lend(w, loan)


def kept_searches(p: Planting) -> None:
    """The name of a saved search is its owner's alone."""
    for login in ("registrar", "leader"):
        person = p.desk.person(login).id
        word = p.word(f"name of a search of {login}", p.items[0], of_person(person))
        with p.desk.w(login) as w:
            searches.save(w, Question("水泵"), word[:60], searches.There(), alerts=False)


def rows(p: Planting) -> None:
    """Tables whose verbs are written elsewhere, filled as they stand: the words hang on the item of the row."""
    for item_id in list(p.items):
        item = db.session.get_one(Item, item_id)
        if item.kind != "document":
            continue
        copy = db.session.scalars(select(Copy).where(Copy.item_id == item_id)).first()
        by, now = p.desk.person("registrar").id, p.house.clock()
        for model, texts, given in ROWS:
            facts = given(p, item, copy, by, now)
            if facts is None:
                continue
            words = {
                t: p.word(f"{model.__tablename__}.{t} of {item_id}", item_id, logged)[:300] for t in texts
            }
            db.session.add(model(**facts, **words))
        db.session.commit()


def _slip(p: Planting, item: Item, copy: Copy | None, by: int, now: Any) -> dict[str, Any] | None:
    number = f"CD-{MARK_LA}-{item.id}"
    p.plants.append(Plant(f"number of the slip of {item.id}", item.id, logged))
    known = {"number": number, "item_id": item.id, "created": now, "created_by": by, "state": "closed"}
    return None if copy is None else known | {"copy_id": copy.id}


#: (model, its columns of words, the other columns; None: no row for this item).
ROWS: list[tuple[Any, tuple[str, ...], Callable[..., dict[str, Any] | None]]] = [
    (models.Approval, ("why", "said"), lambda p, i, c, by, now: {"item_id": i.id, "what": "copy", "asked": now, "asked_by": by, "outcome": "refused", "decided": now}),
    (models.Inspection, ("note", "action"), lambda p, i, c, by, now: {"copy_id": c.id, "at": now, "by_id": by, "found": "damaged", "place_id": c.place_id} if c else None),
    (models.Hold, ("reason", "release_reason"), lambda p, i, c, by, now: {"item_id": i.id, "at": now, "by_id": by, "released": now, "released_by": by}),
    (models.Slip, ("purpose", "said", "result"), _slip),
]  # fmt: skip


#: One line for each part of the product that keeps words.
PLANTERS: list[Callable[[Planting], None]] = [
    documents, resources, drafts, orders, grievances, reasons, borrowed, kept_searches, rows,
]  # fmt: skip


def plant(app: Flask, house: House) -> Planting:
    """Everything, in an office that is running."""
    planting = Planting(Office(app, house))
    for planter in PLANTERS:
        planter(planting)
    return planting
