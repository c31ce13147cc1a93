"""The declarations of an installation: looked through at the start, then frozen. A wrong one ends the start with every error."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from .base import ALL_ROLES, ITEM_ROLES, ROLES, TONES, Checks, Choice, Field, Kind, KindError, Person

#: Names that the forms use themselves.
TAKEN = ("title", "level", "unit", "version", "reason", "repository", "declared", "folder")


def check(kind: Kind) -> list[str]:
    """Every error of a declaration; an empty list means it may be used."""
    wrong: list[str] = []
    names = [f.name for f in kind.fields]
    states = [s.name for s in kind.states]

    def say(ok: bool, text: str) -> None:
        if not ok:
            wrong.append(f"kind {kind.name}: {text}")

    def roles(words: str, where: str) -> None:
        for word in words.split():
            say(word in ALL_ROLES, f"{where}: no such role: {word}")

    say(bool(re.fullmatch(r"[a-z][a-z0-9_]*", kind.name)), "name must be lower case letters")
    say("{seq" in kind.number, "number template without {seq}")
    say(len(set(names)) == len(names), "a field name twice")
    say(len(set(states)) == len(states), "a state name twice")
    say(len({m.name for m in kind.moves}) == len(kind.moves), "a move name twice")
    say(bool(states), "no states")
    say(kind.default_level in kind.levels, "default_level is not among levels")
    roles(kind.add, "add")
    roles(kind.comments, "comments")
    for f in kind.fields:
        say(bool(re.fullmatch(r"[a-z][a-z0-9_]*", f.name)), f"field name {f.name}")
        say(f.name not in TAKEN, f"{f.name} is taken")
        say(bool(str(f.title)), f"field {f.name} without a title")
        roles(f.view, f"field {f.name}")
        say(
            not (f.view and (f.kept or f.search or f.column)),
            f"field {f.name}: closed to some, so not for lists and search",
        )
        if f.when is not None:
            say(_chosen(kind, f), f"field {f.name}: `when` names no choice declared before it")
        if isinstance(f, (Choice, Checks)):
            say(bool(f.choices), f"field {f.name} without choices")
        if isinstance(f, Person):
            say(not f.gives or f.gives in ITEM_ROLES, f"field {f.name} gives an unknown role {f.gives}")
            say(not f.having or f.having in ROLES, f"field {f.name}: no such role: {f.having}")
    for s in kind.states:
        roles(f"{s.view} {s.edit}", f"state {s.name}")
        say(s.tone in TONES, f"state {s.name}: no such tone {s.tone}")
        out = [m.name for m in kind.moves if s.name in m.sources]
        say(not (s.final and out), f"final state {s.name} has moves {out}")
    for m in kind.moves:
        roles(f"{m.by} {m.not_by}".replace("previous", ""), f"move {m.name}")
        say(bool(m.by), f"move {m.name} is done by nobody")
        for name in (*m.sources, m.target):
            say(name in states, f"move {m.name}: no such state {name}")
        for name in (*m.asks, *m.stamps):
            say(name in names, f"move {m.name}: no such field {name}")
    reached = {kind.first.name} if states else set()
    while more := {m.target for m in kind.moves if reached & set(m.sources)} - reached:
        reached |= more
    for name in states:
        say(name in reached, f"state {name} is never reached")
    for c in kind.clocks:
        say(c.after in names, f"clock {c.name}: no such field {c.after}")
        roles(c.tell, f"clock {c.name}")
        for name in c.state.split():
            say(name in states, f"clock {c.name}: no such state {name}")
            ends = kind.expiry is not None and name in kind.expiry.sources
            say(
                not ends or c.after == "expires",
                f"clock {c.name}: {name} ends by the clock of `expires`, and by no other",
            )
    return wrong


def _chosen(kind: Kind, f: Field) -> bool:
    """Whether `f.when` names a code of a Choice that stands before the field and is always asked."""
    name, code = f.when or ("", "")
    before = kind.fields[: list(kind.fields).index(f)]
    found = next((b for b in before if b.name == name), None)
    return isinstance(found, Choice) and found.when is None and code in {o.code for o in found.choices}


class Registry(Mapping[str, Kind]):
    """The kinds of this installation by name, checked and frozen."""

    def __init__(self, kinds: Sequence[Kind]) -> None:
        wrong = [text for kind in kinds for text in check(kind)]
        names = [k.name for k in kinds]
        wrong += [f"kind {n}: declared twice" for n in set(names) if names.count(n) > 1]
        if wrong:
            raise KindError("\n".join(wrong))
        self._kinds = {k.name: k for k in kinds}

    def __getitem__(self, name: str) -> Kind:
        return self._kinds[name]

    def __iter__(self) -> Any:
        return iter(self._kinds)

    def __len__(self) -> int:
        return len(self._kinds)
