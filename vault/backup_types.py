"""The nouns of the backup repository: what goes in, what the reports say, and the errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from vault.errors import VaultError

Progress = Callable[[str, int, int], None]
"""progress(step, objects so far, bytes so far); called often, so it should be quick."""

MISSING = "missing"
DAMAGED = "damaged"
INVALID = "invalid"
"""Why an object of a snapshot could not be copied: the source has it not, has other bytes under its name,
or the reference itself cannot be one (no SHA-256, an impossible size)."""


class BackupError(VaultError):
    """Base of what the backup repository raises."""


class Busy(BackupError):
    """Somebody else is writing to the repository. `until` is when their lease ends unless renewed."""

    def __init__(self, purpose: str, until: datetime) -> None:
        super().__init__(f"the repository is in use ({purpose}) until {until.isoformat()}")
        self.purpose = purpose
        self.until = until


class LeaseLost(BackupError):
    """Our lease ran out and somebody else took over: nothing further was written. Run it again."""


class NoSnapshot(BackupError):
    """There is no snapshot of that id."""


class ManifestDamaged(BackupError):
    """A manifest cannot be read, or its hash does not fit its content."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """An object to back up: its name in the source, the size and the SHA-256 (hex) of its sealed bytes."""

    name: str
    stored: int
    digest: str


@dataclass(frozen=True, slots=True)
class Dump:
    """A sealed dump (of the database, or of the headers): its name in the repository, size and SHA-256 of the sealed
    bytes."""

    name: str
    size: int
    digest: str


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One state of everything. Sizes are of sealed bytes, the dump included.

    `problems` counts objects that could not be copied; `hash` names the whole manifest and may be kept
    elsewhere (in the audit log) as a proof; `headers`: the copy made with it, which lives shorter than the
    snapshot (None: an old one, whose headers are in the dump); `damaged`: the manifest is unreadable, so all
    but `id` and `at` is unknown.
    """

    id: str
    at: datetime
    objects: int
    bytes: int
    new_objects: int
    new_bytes: int
    seconds: float
    problems: int = 0
    hash: str = ""
    previous: tuple[str, str] | None = None
    database: Dump | None = None
    headers: Dump | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    damaged: bool = False

    @property
    def complete(self) -> bool:
        """True when every object was copied."""
        return not self.damaged and self.problems == 0


@dataclass(frozen=True, slots=True)
class Fault:
    """Something missing or damaged. `kind` is "manifest", "database", "headers" or "object"; `name` is the id of the
    snapshot, the name of the dump or header copy, or the name of the object in the source; `digest` is "" for a manifest."""

    kind: str
    name: str
    snapshot: str
    digest: str = ""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """`checked` objects and dumps (each once, however many snapshots share it), `bytes` of them re-read;
    `shredded`: taken out on purpose, hence no fault."""

    ok: bool
    snapshots: int
    checked: int
    bytes: int
    missing: tuple[Fault, ...]
    damaged: tuple[Fault, ...]
    shredded: int
    seconds: float


@dataclass(frozen=True, slots=True)
class RestoreReport:
    """`existing`: objects that the target had already, whose bytes were read and compared. `opened`: the
    database came out in plain text, otherwise sealed as it lies in the repository; `headers`: the header
    copy that was used, "" for a snapshot that needs none."""

    ok: bool
    snapshot: str
    objects: int
    bytes: int
    existing: int
    missing: tuple[Fault, ...]
    damaged: tuple[Fault, ...]
    shredded: int
    opened: bool
    database_bytes: int
    extra: Mapping[str, Any]
    seconds: float
    headers: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What retention says of one snapshot; `reasons` are of "newest", "complete", "last", "daily", "weekly",
    "monthly", and empty when it goes."""

    snapshot: Snapshot
    reasons: tuple[str, ...]

    @property
    def keep(self) -> bool:
        """True when a rule holds it."""
        return bool(self.reasons)


@dataclass(frozen=True, slots=True)
class PruneReport:
    """`objects` and `bytes` are what was deleted, or would be in a dry run (dumps included)."""

    decisions: tuple[Decision, ...]
    objects: int
    bytes: int
    dry_run: bool
    seconds: float


def utc(at: datetime) -> datetime:
    """`at` in UTC. Raises ValueError for a time without zone."""
    if at.tzinfo is None:
        raise ValueError("a time needs its zone")
    return at.astimezone(UTC)
