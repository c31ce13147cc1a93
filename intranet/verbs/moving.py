"""The sealed objects carried to another store, proved there, and the office switched to it (decision 020).

First everything is copied while people work. Then the new store comes in force: processes of the old one deposit nothing
from that moment on, and what they deposited until then is copied in a last round. Nothing is deleted in the old store.
Whatever dies in between, the same command goes on where it was; `cancel` takes a switch back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from vault.store import Corrupt, Exists, NotFound, Store, StoreError
from vault.stores import open_store, place

from .. import config_file, work
from ..actor import Actor
from ..errors import Conflict, Invalid, Unavailable
from ..house import House
from ..models import Blob
from . import in_force
from .deposits import LIVE

Progress = Callable[[int, int], None]
AGAIN = "；已停收新文件，请重新运行或用 --cancel 撤回 / no files are taken meanwhile: run it again, or take it back with --cancel"


class Carrier:
    """Carries what the other store lacks, round after round, and proves everything there by its digest."""

    def __init__(
        self, session: Session, source: Store, target: Store, progress: Progress | None = None
    ) -> None:
        self.copied = self.present = 0
        self.wrong: list[str] = []
        self.damaged: list[str] = []
        self._session, self._source, self._target, self._progress = session, source, target, progress
        self._there = {found.name for found in target.list()}
        self._seen: set[int] = set()

    def run(self) -> None:
        """Until nothing new has come meanwhile. What cannot be carried is in `wrong`, or in `damaged` where that was known
        before. Raises Unavailable of the stores."""
        while waiting := self._waiting():
            total = len(self._seen) + len(waiting)
            for row in waiting:
                self._carry(row)
                self._seen.add(row.id)
                if self._progress:
                    self._progress(len(self._seen), total)

    def drop_destroyed(self) -> int:
        """What was destroyed after it was copied is removed in the new store as well."""
        self._session.rollback()
        gone = set(self._session.scalars(select(Blob.name).where(Blob.state == "destroyed"))) & self._there
        self._session.rollback()
        for name in gone:
            self._target.delete(name)
        return len(gone)

    def report(self) -> dict[str, Any]:
        return {
            "objects": len(self._seen), "copied": self.copied, "present": self.present, "wrong": self.wrong,
            "damaged": self.damaged, "ok": not self.wrong,
        }  # fmt: skip

    def _waiting(self) -> list[Row[Any]]:
        self._session.rollback()
        query = select(Blob.id, Blob.name, Blob.digest).where(Blob.state.in_(LIVE)).order_by(Blob.id)
        found = [row for row in self._session.execute(query) if row.id not in self._seen]
        self._session.rollback()  # no transaction waits for the copying
        return found

    def _carry(self, row: Row[Any]) -> None:
        try:
            fresh = row.name not in self._there and self._copy(row.name, row.digest)
            for _ in _proved(self._target.get(row.name), row.digest):
                pass
        except (NotFound, Corrupt):
            self._not_good(row)
            return
        self.copied += fresh
        self.present += not fresh

    def _copy(self, name: str, digest: str) -> bool:
        try:
            self._target.put(name, _proved(self._source.get(name), digest))
        except Exists:
            return False
        finally:
            self._there.add(name)
        return True

    def _not_good(self, row: Row[Any]) -> None:
        found = self._session.execute(
            select(Blob.damaged).where(Blob.id == row.id, Blob.state.in_(LIVE))
        ).first()
        self._session.rollback()
        if found is not None:  # otherwise it was destroyed at this moment
            (self.wrong if found.damaged is None else self.damaged).append(row.name)


def _proved(pieces: Iterable[bytes], digest: str) -> Iterator[bytes]:
    """The same pieces; Corrupt before the end when they are not what was deposited, so that no store keeps them."""
    mark = sha256()
    for piece in pieces:
        mark.update(piece)
        yield piece
    if mark.hexdigest() != digest:
        raise Corrupt("the object has another digest than its record")


def move(
    session: Session,
    house: House,
    actor: Actor,
    address: str,
    *,
    copy_only: bool = False,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Carry all objects to the store at `address` and let it be the office's. Running it again goes on.

    In the report `in_force`: files go to the new store, `switched`: the settings name it, services are to be restarted;
    `set`: what the operator has to set (secrets masked). Raises Invalid (no store), Conflict (a switch to a third store is unfinished),
    Unavailable (a store is away)."""
    try:
        target = open_store(address, house.settings.data)
    except ValueError as error:
        raise Invalid({"to": str(error)}) from None
    goal, own = in_force.fingerprint(house, address), in_force.own(house)
    state = {"in_force": False, "switched": False}
    try:
        target.check()
        if not copy_only:
            _set(house, actor, from_=("", own, goal), to=None if own == goal else own)
        carrier = Carrier(session, house.vault.store, target, progress)
        carrier.run()
        if copy_only or carrier.wrong:
            return carrier.report() | state
        _set(house, actor, from_=("", own, goal), to=goal, address=address)
        state["in_force"] = True
        carrier.run()
        if carrier.wrong:
            return carrier.report() | state
        carrier.drop_destroyed()
    except StoreError as error:
        raise Unavailable(f"{type(error).__name__}: {error}{AGAIN if state['in_force'] else ''}") from error
    report = carrier.report() | state | {"switched": True}
    if own != goal and not config_file.rewrite(house.settings.data, "STORE", address):
        report |= {"switched": False, "set": f"STORE = {replace(house.settings, store=address).masked()['store']!r}"}  # fmt: skip
    with work.begin(house, actor) as w:
        counts = {"objects": report["objects"], "copied": report["copied"], "switched": report["switched"]}
        w.record("vault.move", detail={"step": "done", "to": place(address, house.settings.data), **counts})
    return report


def cancel(session: Session, house: House, actor: Actor) -> None:
    """This process's store is in force again. Raises Conflict when it is already, or lacks what was deposited since."""
    own = in_force.own(house)
    try:
        held = {found.name for found in house.vault.store.list()}
        with work.begin(house, actor) as w:
            if in_force.lock(w) in ("", own):
                raise Conflict("没有未完成的迁移 / no switch to take back")
            query = select(Blob.name).where(Blob.state.in_(LIVE), Blob.damaged.is_(None))
            lacking = [n for n in w.session.scalars(query) if n not in held and not _has(house, n)]
            if lacking:
                raise Conflict(
                    f"{len(lacking)} 个文件只在新库中，请继续完成迁移 / objects lie in the new store only: finish the move"
                )
            in_force.put(w, own)
            detail = {"step": "cancel", "to": place(house.settings.store, house.settings.data)}
            w.record("vault.move", detail=detail)
    except StoreError as error:
        raise Unavailable(f"{type(error).__name__}: {error}") from error


def _has(house: House, name: str) -> bool:
    try:
        house.vault.store.stat(name)
    except NotFound:
        return False
    return True


def _set(house: House, actor: Actor, *, from_: tuple[str, ...], to: str | None, address: str = "") -> None:
    """Bring a store in force, where no third one is. An office that never moved says first which one it has."""
    with work.begin(house, actor) as w:
        now = in_force.lock(w)
        if now not in from_:
            raise Conflict(
                "另一次迁移尚未完成 / another move is unfinished: finish it, or vault move --cancel"
            )
        if to is None or now == to or (not address and now):
            return
        in_force.put(w, to)
        if address:
            kept = house.settings.data
            places = {"from": place(house.settings.store, kept), "to": place(address, kept)}
            w.record("vault.move", detail={"step": "switch", **places})
