"""Every way in which an object or its header may be wrong, seen from the browser: a named error in the audit, nothing
that is not authenticated, and the keeper told once."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.models import Blob, Item
from intranet.verbs.deposits import bind
from tests.office import Office
from vault import age
from vault.age.recipients import generate_identity
from vault.age.stream import CHUNK, NONCE, SEALED
from vault.errors import VaultError
from vault.keyring import Keyring, key_id
from vault.levels import Level
from vault.store_memory import MemoryStore
from vault.vault import Vault, _binding

As = Callable[..., FlaskClient]
BODY = b"".join(bytes([64 + n]) * CHUNK for n in range(3)) + b"the end of it"
OTHER = b"".join(bytes([80 + n]) * CHUNK for n in range(3)) + b"another's end"


@dataclass
class Case:
    """The file that is asked for, another of the same size, and the hands to spoil them."""

    desk: Office
    item: Item
    blob: Blob
    other: Blob

    @property
    def house(self) -> House:
        return self.desk.house

    @property
    def objects(self) -> dict[str, tuple[bytes, object]]:
        store = self.house.vault.store
        assert isinstance(store, MemoryStore)
        return store._objects  # type: ignore[return-value]

    def spoil(self, change: Callable[[bytes], bytes]) -> None:
        body, moment = self.objects[self.blob.name]
        self.objects[self.blob.name] = change(body), moment

    def seal(self, header: bytes) -> None:
        with self.desk.w("officer") as w:
            blob = w.session.get_one(Blob, self.blob.id)
            blob.seal(header, blob.sealed.key_id if blob.sealed else "")

    def sealed_for(self, recipients: list[age.Recipient] | tuple[age.Recipient, ...]) -> bytes:
        """The true header of the object, wrapped for others."""
        file_key = age.open_header(self.blob.header, self.house.vault.keyring.every_identity()).file_key
        return age.seal_header(file_key, recipients, [_binding(file_key, bind(self.blob))])


def flipped(at: int) -> Callable[[Case], None]:
    return lambda case: case.spoil(lambda b: b[:at] + bytes([b[at] ^ 1]) + b[at + 1 :])


def cut(by: int) -> Callable[[Case], None]:
    return lambda case: case.spoil(lambda b: b[: len(b) - by])


def reordered(case: Case) -> None:
    def change(body: bytes) -> bytes:
        first, second = (body[NONCE + n * SEALED : NONCE + (n + 1) * SEALED] for n in (0, 1))
        return body[:NONCE] + second + first + body[NONCE + 2 * SEALED :]

    case.spoil(change)


def chunk_left_out(case: Case) -> None:
    case.spoil(lambda b: b[: NONCE + SEALED] + b[NONCE + 2 * SEALED :])


def appended(case: Case) -> None:
    case.spoil(lambda b: b + b"\0")


def swapped_objects(case: Case) -> None:
    kept = case.objects
    kept[case.blob.name], kept[case.other.name] = kept[case.other.name], kept[case.blob.name]


def lost(case: Case) -> None:
    del case.objects[case.blob.name]


def header_of_another(case: Case) -> None:
    case.seal(case.other.header)


def header_bit(case: Case) -> None:
    header = case.blob.header
    other = (
        b"B" if header[-8:-7] == b"A" else b"A"
    )  # of the digits of base64, so that it still reads as a header
    case.seal(header[:-8] + other + header[-7:])


def header_cut(case: Case) -> None:
    case.seal(case.blob.header[:-20])


def foreign_recipient(case: Case) -> None:
    case.seal(case.sealed_for([generate_identity().recipient]))


#: What was done -> the error that names it.
TABLE: dict[str, tuple[Callable[[Case], None], str]] = {
    "a bit of the nonce": (flipped(0), "Damaged"),
    "a bit of the first chunk": (flipped(NONCE + 9), "Damaged"),
    "a bit of the second chunk": (flipped(NONCE + SEALED + 9), "Damaged"),
    "a bit of the last chunk": (flipped(NONCE + 3 * SEALED + 2), "Damaged"),
    "a byte cut off": (cut(1), "Damaged"),
    "the last chunk cut off": (cut(len(BODY) % CHUNK + 16), "Damaged"),
    "a chunk left out": (chunk_left_out, "Damaged"),
    "chunks reordered": (reordered, "Damaged"),
    "a byte appended": (appended, "Damaged"),
    "objects swapped": (swapped_objects, "Damaged"),
    "the object lost": (lost, "NotFound"),
    "the header of another record": (header_of_another, "WrongRecord"),
    "a bit of the header": (header_bit, "HeaderDamaged"),
    "the header cut": (header_cut, "HeaderError"),
    "a header for a foreign recipient": (foreign_recipient, "NoIdentity"),
}


@pytest.fixture
def case(desk: Office, db: Session) -> Case:
    item, other = (
        desk.add("resource", "officer", blobs=(desk.deposit("officer", body, "读数.bin"),))
        for body in (BODY, OTHER)
    )
    db.rollback()
    blobs = {b.item_id: b for b in db.query(Blob)}
    return Case(desk, item, blobs[item.id], blobs[other.id])


def ask(client: FlaskClient, blob: Blob, part: tuple[int, int] | None) -> tuple[int, bytes, str]:
    """(status, what came, the error that broke the connection off or "")."""
    headers = {"Range": f"bytes={part[0]}-{part[1] - 1}"} if part else {}
    answer = client.get(f"/f/{blob.id}/x", headers=headers, buffered=False)
    got, broken = bytearray(), ""
    try:
        for piece in answer.response:
            got += piece.encode() if isinstance(piece, str) else piece
    except VaultError as error:
        broken = type(error).__name__
    finally:
        answer.close()
    return answer.status_code, bytes(got), broken


@pytest.mark.parametrize("part", [None, (CHUNK + 10, 2 * CHUNK + 10)], ids=["whole", "part"])
@pytest.mark.parametrize("name", TABLE)
def test_what_is_wrong_is_named_and_nothing_of_it_is_sent(
    as_: As, desk: Office, case: Case, name: str, part: tuple[int, int] | None
) -> None:
    spoil, error = TABLE[name]
    spoil(case)
    for _twice in range(2):
        status, got, broken = ask(as_("cook"), case.blob, part)
        start, end = part or (0, len(BODY))
        if status == 500:
            assert not broken
            assert not any(
                body[n * CHUNK : n * CHUNK + 64] in got for body in (BODY, OTHER) for n in range(3)
            )
            assert b"the end of it" not in got
        elif broken:
            assert status == (206 if part else 200)
            assert broken == error
            assert got == BODY[start : start + len(got)]
            assert len(got) < end - start
        else:  # the part that was asked for is whole and proved, the damage lies elsewhere
            assert (status, got) == (206, BODY[start:end])
            assert name in UNTOUCHED
    if not (part and name in UNTOUCHED):
        rows = desk.audit("body.damaged")
        assert [row.outcome for row in rows] == ["alarm"] * 2
        assert all(json.loads(row.detail)["why"].startswith(f"{error}: ") for row in rows)
        assert [o.payload["code"] for o in desk.outbox("alarm")] == ["damaged"]


#: Damage outside the part that is asked for, in an object of the right length with its true end.
UNTOUCHED = {"a bit of the first chunk"}


@pytest.mark.parametrize("forgotten", [False, True], ids=["retired", "forgotten"])
def test_a_header_of_an_older_generation_opens_until_its_key_is_forgotten(
    as_: As, desk: Office, case: Case, tmp_path: Path, forgotten: bool
) -> None:
    """Rotated by the keys' own way; a header that was left behind has nobody who opens it any more."""
    ring = Keyring.create(tmp_path / "keys")
    vault = Vault(case.house.vault.store, case.house.keys)
    recipients = ring.recipients(Level.INTERNAL)
    case.seal(case.sealed_for(recipients))
    case.house.vault = vault
    case.house.keys.rotate(Level.INTERNAL.slug)
    if forgotten:
        case.house.keys.forget(Level.INTERNAL.slug)
    assert key_id(recipients) != key_id(vault.keyring.recipients(Level.INTERNAL))
    status, got, broken = ask(as_("cook"), case.blob, None)
    if not forgotten:
        assert (status, got, broken) == (200, BODY, "")
        return
    assert (status, broken) == (500, "")
    assert BODY[:64] not in got
    (row,) = desk.audit("body.damaged")
    assert json.loads(row.detail)["why"].startswith("NoIdentity: ")
    assert len(desk.outbox("alarm")) == 1


def test_a_level_sealed_in_this_process_is_away_not_damaged(
    as_: As, desk: Office, case: Case, keyring: Keyring, tmp_path: Path
) -> None:
    """A web process without the identity of a level deposits and cannot open: no alarm for that."""
    Keyring.create(tmp_path / "keys")
    case.seal(case.sealed_for([generate_identity().recipient]))
    (tmp_path / "keys" / f"{Level.INTERNAL.slug}.key").unlink()
    case.house.vault = Vault(case.house.vault.store, case.house.keys)
    status, got, _ = ask(as_("cook"), case.blob, None)
    assert status == 503
    assert BODY[:64] not in got
    assert desk.audit("body.damaged") == []
    assert desk.outbox("alarm") == []
