"""A level's keys changed: a fresh identity, every header wrapped anew for it, and the proof that the old one is unused.

The objects stay as they are. The `key_id` of each header says what is left, so a rotation that was killed goes on where it
was. A header of unknown key (`key_id` "") is opened to learn whose it is, before anything is called unfinished.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import func, select, text
from sqlalchemy.orm import Session, contains_eager

from vault.errors import VaultError
from vault.keyring import key_id
from vault.levels import Level

from .. import work
from ..actor import Actor
from ..errors import Conflict
from ..house import House
from ..models import Blob, BlobHeader
from .deposits import LIVE, bind

BATCH = 50
PASSES = 5

Progress = Callable[[int, int], None]


def counts(session: Session, house: House, level: Level) -> dict[str, int]:
    """Live headers of the level: `active` under the keys of today, `other` under another key, `unknown`."""
    active = key_id(house.vault.keyring.recipients(level))
    rows = session.execute(
        select(BlobHeader.key_id, func.count())
        .join(Blob, Blob.id == BlobHeader.blob_id)
        .where(Blob.state.in_(LIVE), Blob.level == int(level))
        .group_by(BlobHeader.key_id)
    ).all()
    found = {"active": 0, "other": 0, "unknown": 0}
    for key, count in rows:
        found["active" if key == active else "other" if key else "unknown"] += count
    return found


def unfinished(session: Session, house: House, actor: Actor, level: Level) -> bool:
    """True when a rotation of the level was begun and headers, or half a pair of key files, are left of it.

    Raises KeyringError when the level cannot be opened here."""
    if house.keys.half_written(level.slug):
        return True
    if counts(session, house, level)["unknown"]:
        _learn(session, house, actor, level)
    found = counts(session, house, level)
    return bool(found["other"] or (found["unknown"] and house.vault.keyring.retired(level)))


def rotate(
    session: Session, house: House, actor: Actor, level: Level, *, fresh: bool, progress: Progress | None = None
) -> dict[str, Any]:  # fmt: skip
    """Begin a generation (`fresh`), or go on with the one begun, until every live header is proved to be under it.

    `failed`: (blob id, why) of the headers that could not be moved or proved; `old_unused` is then false and the retired
    identities must stay. Raises KeyringError."""
    if fresh or house.keys.half_written(level.slug):
        house.keys.rotate(level.slug)
        _say(house, actor, level, {"step": "begun"})
    already = counts(session, house, level)["active"]
    rewrapped = 0
    for _ in range(PASSES):  # a deposit that was under way may end under the old key after a pass
        done, failed = _rewrap_all(session, house, actor, level, progress)
        rewrapped += done
        proved, wrong = prove(session, house, level)
        if not wrong or set(wrong) <= set(failed):
            break
        _forget_key_ids(house, actor, level, list(wrong))
    failed |= wrong
    report = {
        "level": level.slug, "generation": house.vault.keyring.generation(level), "rewrapped": rewrapped,
        "already": already, "proved": proved, "old_unused": not failed, "failed": sorted(failed.items()),
    }  # fmt: skip
    detail = {"step": "proved", "proved": proved, "failed": len(failed), "old_unused": not failed}
    _say(house, actor, level, detail, outcome="alarm" if failed else "ok")
    return report


def prove(session: Session, house: House, level: Level) -> tuple[int, dict[int, str]]:
    """Every live header of the level opened by active identities alone: how many, and (blob id: why) of the others."""
    proved, wrong = 0, {}
    for blob in _live(session, level):
        try:
            house.vault.prove(blob.header, bind(blob), level)
            proved += 1
        except VaultError as error:
            wrong[blob.id] = f"{type(error).__name__}: {error}"
    return proved, wrong


def forget(house: House, actor: Actor, level: Level) -> dict[str, Any]:
    """Remove the retired identities of the level, after a proof made now. Raises Conflict naming why not, KeyringError."""
    half = house.keys.half_written(
        level.slug
    )  # locked or absent identities are named here, before anything is proved
    try:
        with work.begin(house, actor) as w:
            if half:
                raise Conflict("更换尚未完成，请先完成 / a rotation is unfinished; finish it first")
            # First whether a deposit is under way (it may have begun under the old key), then the proof: in this order no
            # header falls between the two.
            if w.session.get_bind().dialect.name == "postgresql":
                w.session.execute(text("lock table blob, blob_header in share row exclusive mode"))
            pending = w.session.scalar(
                select(func.count())
                .select_from(Blob)
                .where(Blob.state == "pending", Blob.level == int(level))
            )
            if pending:
                raise Conflict(
                    f"{pending} 个上传尚未结束，请稍后再试 / uploads of this level are under way; try again later"
                )
            proved, wrong = prove(w.session, house, level)
            if wrong:
                raise Conflict(
                    f"{len(wrong)} 个对象仍需旧密钥，请先完成更换 / objects still need the old key; rotate first"
                )
            forgotten = house.keys.forget(level.slug)
            detail = {"level": level.slug, "proved": proved, "forgotten": forgotten}
            w.record("vault.forget", level=int(level), detail=detail)
            return detail
    except Conflict as conflict:
        with work.begin(house, actor) as w:
            w.record("vault.forget", outcome="refused", level=int(level), detail={"level": level.slug, "why": str(conflict)})  # fmt: skip
        raise


def _live(session: Session, level: Level, *only: Any) -> Sequence[Blob]:
    query = (
        select(Blob)
        .join(Blob.sealed)
        .options(contains_eager(Blob.sealed))
        .where(Blob.state.in_(LIVE), Blob.level == int(level), *only)
        .order_by(Blob.id)
    )
    return session.scalars(query.execution_options(populate_existing=True)).all()


def _learn(session: Session, house: House, actor: Actor, level: Level) -> None:
    """Write the true key id of those headers of unknown key that the active identities open."""
    ids = [blob.id for blob in _live(session, level, BlobHeader.key_id == "")]
    active = key_id(house.vault.keyring.recipients(level))
    for at in range(0, len(ids), BATCH):
        with work.begin(house, actor) as w:
            for blob in _locked(w.session, level, ids[at : at + BATCH], BlobHeader.key_id == ""):
                try:
                    house.vault.prove(blob.header, bind(blob), level)
                except VaultError:
                    continue
                blob.seal(blob.header, active)


def _rewrap_all(
    session: Session, house: House, actor: Actor, level: Level, progress: Progress | None
) -> tuple[int, dict[int, str]]:
    """Headers under another key wrapped anew, batch by batch, until none is left but those that fail."""
    active = key_id(house.vault.keyring.recipients(level))
    failed: dict[int, str] = {}
    done = 0
    session.rollback()  # a look of its own: what others have written meanwhile counts
    while ids := [i for i in _left(session, level, active) if i not in failed]:
        total = done + len(ids)
        for at in range(0, len(ids), BATCH):
            with work.begin(house, actor) as w:
                moved = 0
                for blob in _locked(w.session, level, ids[at : at + BATCH], BlobHeader.key_id != active):
                    try:
                        wrapped = house.vault.rewrap(blob.header, bind(blob), level, level)
                    except VaultError as error:
                        failed[blob.id] = f"{type(error).__name__}: {error}"
                        continue
                    blob.seal(wrapped.header, wrapped.key_id)
                    moved += 1
                w.record("vault.rotate", level=int(level), detail={
                    "level": level.slug, "step": "rewrapped", "headers": moved, "first": ids[at],
                })  # fmt: skip
            done += moved
            if progress:
                progress(done, total)
        session.rollback()
    return done, failed


def _left(session: Session, level: Level, active: str) -> Sequence[int]:
    return session.scalars(
        select(Blob.id)
        .join(BlobHeader, BlobHeader.blob_id == Blob.id)
        .where(Blob.state.in_(LIVE), Blob.level == int(level), BlobHeader.key_id != active)
        .order_by(Blob.id)
    ).all()


def _locked(session: Session, level: Level, ids: Sequence[int], *only: Any) -> Sequence[Blob]:
    """These blobs as they are now, held until the commit: one that was destroyed or re-levelled meanwhile is left out."""
    query = (
        select(Blob)
        .join(Blob.sealed)
        .options(
            contains_eager(Blob.sealed)
        )  # with the headers: what this session read before may be old by now
        .where(Blob.id.in_(ids), Blob.state.in_(LIVE), Blob.level == int(level), *only)
        .with_for_update()
    )
    return session.scalars(query.execution_options(populate_existing=True)).all()


def _forget_key_ids(house: House, actor: Actor, level: Level, ids: Sequence[int]) -> None:
    """A key id that lied is unknown again, so that the next pass wraps its header anew."""
    with work.begin(house, actor) as w:
        for blob in _locked(w.session, level, ids):
            blob.seal(blob.header, "")


def _say(house: House, actor: Actor, level: Level, detail: dict[str, Any], outcome: str = "ok") -> None:
    generation = house.vault.keyring.generation(level)
    with work.begin(house, actor) as w:
        w.record(
            "vault.rotate",
            outcome=outcome,
            level=int(level),
            detail={"level": level.slug, "generation": generation} | detail,
        )
