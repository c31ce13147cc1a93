"""Who acts: a frozen picture of a person's standing, taken once a request. Verbs and policy see no session."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from vault.levels import Level

EVERYWHERE: frozenset[int] | None = None
SEPARATE = ("sysadmin", "security_officer", "auditor")  # the three officers (三员), never one person
BLIND = frozenset({"sysadmin", "backup_operator"})  # run it, read nothing of it


@dataclass(frozen=True, slots=True)
class Actor:
    """`roles`: role -> ids of the units it covers (below included), None for everywhere. `repositories`: the
    restricted repositories this person may read. `fresh`: a second factor was given in the last minutes.
    `system`: the product itself (worker, command line); it never opens a body for anybody."""

    id: int | None
    login: str
    name: str = ""
    unit_id: int | None = None
    units: tuple[int, ...] = ()
    clearance: Level = Level.PUBLIC
    roles: Mapping[str, frozenset[int] | None] = field(default_factory=dict)
    repositories: frozenset[int] = frozenset()
    fresh: bool = False
    system: bool = False
    origin: str = ""
    language: str = ""
    theme: str = ""
    must_change: bool = False
    second_factor: bool = False

    def has(self, role: str, unit: int | None = None) -> bool:
        """Whether the role is held at all, or (with `unit`) covers that unit."""
        if role not in self.roles:
            return False
        covered = self.roles[role]
        return covered is None or unit is None or unit in covered

    @property
    def known(self) -> bool:
        return self.id is not None

    @property
    def key(self) -> Hashable:
        """Who it is and all that they may: what is kept under this key is found only by an actor of the same standing.
        Names, origin, and how the pages look are no part of it."""
        held = frozenset(self.roles.items())
        able = self.system, self.fresh, self.clearance, self.unit_id, self.units, held, self.repositories
        return self.id, able


ANONYMOUS = Actor(id=None, login="")


def system(login: str, origin: str = "") -> Actor:
    """The product acting by itself: `login` names which part (worker, cli:NAME)."""
    return Actor(id=None, login=login, system=True, origin=origin)
