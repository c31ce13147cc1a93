"""Items -> what the search index holds of them. The only place that decides which words may stand in the index in clear.

Up to `search_body_level` an entry holds the item's words and the text of its files; above it the number and the title
only (FEATURES row 48). The text of a file that opens on a live loan or after a second factor only is never in the index, whatever
the setting: a snippet would show it to people who may know of the file, but not read it (row 30).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from search.engine import Entry
from vault.levels import Level

from ..house import House
from ..kinds.base import Kind
from ..kinds.fields import words
from ..models import Audit, Blob, BlobText, Grant, Item, Person, Place, Term, Unit
from ..policy import BODY_FRESH_LEVEL, BODY_LOAN_LEVEL
from ..settings import ROOT

BATCH = 100
MOST_CHARS = 2_000_000  # of one item with all its files
SEAM = "\n· "  # between two fields: a phrase does not run across it, and a snippet shows it
#: Fields of an item that are facets of the search of all ledgers: facet -> field.
SHARED = {"class": "business", "management": "management", "subclass": "subclass"}
#: The tables that a field's value may point into, by the field's widget.
_TABLES: dict[str, Any] = {
    "person": (Person, Person.name),
    "unit": (Unit, Unit.name),
    "place": (Place, Place.name),
}
POINTING = frozenset({*_TABLES, "term"})


@dataclass
class Made:
    """Entries of a batch; `gone`: ids that the index must not hold; `failed`: what could not be made, and why."""

    entries: list[Entry] = field(default_factory=list)
    gone: set[int] = field(default_factory=set)
    failed: dict[int, str] = field(default_factory=dict)


def stamp(moment: datetime) -> int:
    """When an item was saved, as the index keeps it: microseconds, so that two saves in one second differ."""
    return round(moment.timestamp() * 1_000_000)


def body_in_clear(house: House, kind: Kind, level: int) -> bool:
    """Whether the text of files of such an item may be extracted and indexed."""
    if level > Level.parse(house.settings.search_body_level) or level >= BODY_FRESH_LEVEL:
        return False
    return not (kind.loans and level >= BODY_LOAN_LEVEL)


def words_in_clear(house: House, level: int) -> bool:
    """Whether the words of such an item may be indexed and shown in a snippet."""
    return level <= Level.parse(house.settings.search_body_level)


def entry(session: Session, house: House, item: Item) -> Entry:
    """The entry of one item. Raises LookupError for an item whose ledger is not declared."""
    made = entries(session, house, [item.id])
    if not made.entries:
        raise LookupError(made.failed.get(item.id, f"no ledger {item.kind}"))
    return made.entries[0]


def entries(session: Session, house: House, ids: Sequence[int]) -> Made:
    """The entries of these items, in a fixed number of statements. One item that cannot be made spoils no other."""
    made = Made()
    query = select(Item).where(Item.id.in_(ids)).order_by(Item.id)
    found = session.scalars(query.execution_options(populate_existing=True)).all()
    items = [i for i in found if i.kind in house.kinds]
    made.gone = set(ids) - {i.id for i in items}
    read = _Read(session, house, items)
    for item in items:
        try:
            made.entries.append(read.entry(item))
        except Exception as error:  # noqa: BLE001  whatever is wrong with one row is told, and the others go on
            made.failed[item.id] = f"{type(error).__name__}: {error}"
    return made


def every(
    session: Session, house: House, seen: Callable[[Made], None] = lambda _made: None, last: int = 0
) -> Iterator[Entry]:
    """The entries of all items after the id `last`, by id, a batch at a time. `seen` gets each batch, for progress and what
    was left out."""
    while ids := session.scalars(select(Item.id).where(Item.id > last).order_by(Item.id).limit(BATCH)).all():
        last = ids[-1]
        made = entries(session, house, ids)
        yield from made.entries
        seen(made)
        session.expunge_all()  # a rebuild reads everything: nothing of it is kept
        session.rollback()  # and no snapshot of the database is held for minutes
    session.rollback()


def source(session: Session, house: House) -> str:
    """A name for what entries are made of: this office, its settings, this program. Another one makes other entries, perhaps."""
    settings = house.settings
    first = session.scalar(select(Audit.hash).order_by(Audit.seq).limit(1))
    parts = (first, settings.search_body_level, settings.timezone, *house.kinds, _PROGRAM)
    return sha256("\n".join(map(str, parts)).encode()).hexdigest()


def _program() -> str:
    """Over every file of the packages that make entries and index them: nobody has to remember to raise a number."""
    digest = sha256()
    for package in ("intranet", "search"):
        for path in sorted((ROOT / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


_PROGRAM = _program()  # as it is loaded: the files may be replaced while this process goes on


class _Read:
    """What a batch of entries needs besides the items: grants, file texts, names."""

    def __init__(self, session: Session, house: House, items: Sequence[Item]) -> None:
        self.session, self.house, self.now = session, house, house.clock()
        ids = [i.id for i in items]
        self.grants: dict[int, list[Grant]] = {}
        for grant in session.scalars(
            select(Grant).where(Grant.item_id.in_(ids)).execution_options(populate_existing=True)
        ):
            self.grants.setdefault(grant.item_id, []).append(grant)
        clear = [i.id for i in items if body_in_clear(house, house.kinds[i.kind], i.level)]
        self.texts: dict[int, list[str]] = {}
        query = select(Blob.item_id, Blob.filename, BlobText.text).outerjoin(
            BlobText, BlobText.blob_id == Blob.id
        )
        for item_id, filename, text in session.execute(
            query.where(Blob.item_id.in_(clear), Blob.state == "stored").order_by(Blob.id)
        ):
            self.texts.setdefault(item_id, []).extend((filename, text or ""))
        self.units: dict[int, tuple[str, str]] = {
            unit: (code, name) for unit, code, name in session.execute(select(Unit.id, Unit.code, Unit.name))
        }
        self.names = self._names(items)

    def _names(self, items: Iterable[Item]) -> dict[tuple[str, Any], str]:
        """The words of the values that point into other tables, for the fields that are searched."""
        wanted: dict[str, set[Any]] = {}
        for item in items:
            for f in self.house.kinds[item.kind].fields:
                if f.search and f.widget in POINTING and item.data.get(f.name):
                    wanted.setdefault(f.widget, set()).add(item.data[f.name])
        found: dict[tuple[str, Any], str] = {}
        for widget, keys in wanted.items():
            if widget == "term":
                rows = self.session.execute(select(Term.code, Term.title).where(Term.code.in_(keys)))
            else:
                table, name = _TABLES[widget]
                rows = self.session.execute(select(table.id, name).where(table.id.in_(keys)))
            found |= {(widget, key): text for key, text in rows}
        return found

    def entry(self, item: Item) -> Entry:
        kind = self.house.kinds[item.kind]
        code, unit = self.units[item.unit_id]
        lines: list[str] = []
        names: list[str] = []
        if words_in_clear(self.house, item.level):
            pointing = [f for f in kind.fields if f.search and f.widget in POINTING and item.data.get(f.name)]
            named = {f.name: self.names.get((f.widget, item.data[f.name]), "") for f in pointing}
            lines += [words([f], item.data | named) for f in kind.fields]
            lines += self.texts.get(item.id, ())
            names = [unit, *(name for name in named.values() if name)]
        facets = {
            "kind": (kind.name,),
            "level": (Level(item.level).slug,),
            "unit": (code,),
            "year": (str(item.created.astimezone(self.house.zone).year),),
            "state": (item.state,),
        }
        facets |= {name: (str(item.data[f]),) for name, f in SHARED.items() if item.data.get(f)}
        return Entry(
            id=item.id,
            kind=kind.name,
            number=item.number,
            title=item.title,
            text=SEAM.join(line for line in lines if line)[:MOST_CHARS],
            level=item.level,
            labels=self.house.policy.labels(item, self.grants.get(item.id, ()), self.now),
            facets=facets,
            updated=stamp(item.updated),
            names=tuple(dict.fromkeys(names)),
            fresh=kind.fresh,
        )
