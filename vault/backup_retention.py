"""Which snapshots stay: a pure function over the list, so that a simulation is the rule itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from vault.backup_types import Decision, Snapshot


@dataclass(frozen=True, slots=True)
class Retention:
    """Keep the `last` n snapshots and one for each of the last n days, weeks (ISO) and months that have any.

    Days begin at midnight of `zone`. Of a period its newest complete snapshot stays, an incomplete one only
    when the period has no other. The newest snapshot and the newest complete one always stay.
    """

    last: int = 0
    daily: int = 0
    weekly: int = 0
    monthly: int = 0
    zone: tzinfo = UTC

    def __post_init__(self) -> None:
        counts = (self.last, self.daily, self.weekly, self.monthly)
        if min(counts) < 0 or max(counts) == 0:
            raise ValueError("retention keeps at least one snapshot, and no count is negative")


def decide(snapshots: Iterable[Snapshot], keep: Retention) -> tuple[Decision, ...]:
    """A decision for every snapshot, newest first. A damaged one is never let go by a rule: it takes a
    person to say that it is of no use any more."""
    ordered = sorted(snapshots, key=lambda snapshot: (snapshot.at, snapshot.id), reverse=True)
    good = [snapshot for snapshot in ordered if not snapshot.damaged]
    reasons: dict[str, list[str]] = {snapshot.id: [] for snapshot in ordered}

    def hold(chosen: Iterable[Snapshot], reason: str) -> None:
        for snapshot in chosen:
            reasons[snapshot.id].append(reason)

    hold((snapshot for snapshot in ordered if snapshot.damaged), "damaged")
    hold(good[:1], "newest")
    hold([snapshot for snapshot in good if snapshot.complete][:1], "complete")
    hold(good[: keep.last], "last")
    hold(_each(good, keep.daily, lambda at: (at.year, at.month, at.day), keep.zone), "daily")
    hold(_each(good, keep.weekly, lambda at: tuple(at.isocalendar())[:2], keep.zone), "weekly")
    hold(_each(good, keep.monthly, lambda at: (at.year, at.month), keep.zone), "monthly")
    return tuple(Decision(snapshot, tuple(reasons[snapshot.id])) for snapshot in ordered)


def _each(
    newest_first: list[Snapshot], count: int, period: Callable[[datetime], tuple[int, ...]], zone: tzinfo
) -> list[Snapshot]:
    chosen: dict[tuple[int, ...], Snapshot] = {}
    for snapshot in newest_first:
        key = period(snapshot.at.astimezone(zone))
        held = chosen.get(key)
        if held is None or (snapshot.complete and not held.complete):
            chosen[key] = snapshot
    return [chosen[key] for key in sorted(chosen, reverse=True)[:count]]
