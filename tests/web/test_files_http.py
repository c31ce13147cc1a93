"""Reading over HTTP: edges of ranges, conditions, refusals that tell nothing, five gigabytes, a connection broken off."""

from __future__ import annotations

import http.client
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from intranet.house import House
from intranet.models import Blob, Item
from intranet.verbs.deposits import bind
from tests import databases
from tests.canary import office_on_disk
from tests.office import Office
from tests.server import carried, serving
from vault import age
from vault.age.kdf import hkdf
from vault.age.stream import CHUNK, NONCE, SEALED, payload_size
from vault.keyring import Keyring, key_id
from vault.levels import Level
from vault.store import Stat
from vault.vault import _binding

As = Callable[..., FlaskClient]
BODY = bytes(range(256)) * 600  # two full chunks and a part of a third


def address(db: Session, item: Item) -> str:
    db.rollback()
    return f"/f/{db.scalars(select(Blob.id).where(Blob.item_id == item.id)).one()}/x"


@pytest.fixture
def held(desk: Office) -> Item:
    return desk.add("resource", "officer", blobs=(desk.deposit("officer", BODY, "读数.bin"),))


@pytest.fixture
def secret(desk: Office) -> Item:
    blob = desk.deposit("custodian", BODY, level=Level.CONFIDENTIAL)
    return desk.add("resource", "custodian", level=Level.CONFIDENTIAL, blobs=(blob,))


# -- ranges --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("asked", "status", "start", "end"),
    [
        ("bytes=0-0", 206, 0, 1),
        (f"bytes={len(BODY) - 1}-", 206, len(BODY) - 1, len(BODY)),
        (f"bytes={CHUNK - 1}-{CHUNK}", 206, CHUNK - 1, CHUNK + 1),
        (f"bytes={2 * CHUNK}-{2 * CHUNK}", 206, 2 * CHUNK, 2 * CHUNK + 1),
        (f"bytes=-{CHUNK}", 206, len(BODY) - CHUNK, len(BODY)),
        (f"bytes=0-{'9' * 40}", 206, 0, len(BODY)),
        (f"bytes=-{'9' * 40}", 206, 0, len(BODY)),
        ("  bytes = 1-2", 206, 1, 3),
        (f"bytes={len(BODY)}-", 416, 0, 0),
        (f"bytes={'9' * 40}-", 416, 0, 0),
        ("bytes=-0", 200, 0, len(BODY)),
        (f"bytes=0-{'9' * 5000}", 200, 0, len(BODY)),
        ("bytes=2-1", 200, 0, len(BODY)),
        ("bytes=0-1,5-6", 200, 0, len(BODY)),
        ("bytes=٣-", 200, 0, len(BODY)),
        ("bytes=+1-2", 200, 0, len(BODY)),
        ("bytes=0x1-2", 200, 0, len(BODY)),
        ("bytes=--1", 200, 0, len(BODY)),
        ("bytes=-", 200, 0, len(BODY)),
        ("bytes=", 200, 0, len(BODY)),
        ("bytes", 200, 0, len(BODY)),
        ("", 200, 0, len(BODY)),
    ],
)
def test_the_edges_of_a_range(
    as_: As, db: Session, held: Item, asked: str, status: int, start: int, end: int
) -> None:
    answer = as_("cook").get(address(db, held), headers={"Range": asked.encode().decode("latin-1")})
    assert answer.status_code == status
    if status == 416:
        assert answer.headers["Content-Range"] == f"bytes */{len(BODY)}"
        assert BODY[:64] not in answer.data
        return
    assert answer.data == BODY[start:end]
    assert answer.content_length == end - start
    wanted = f"bytes {start}-{end - 1}/{len(BODY)}" if status == 206 else None
    assert answer.headers.get("Content-Range") == wanted


@pytest.mark.parametrize("asked", ["bytes=0-", "bytes=0-0", "bytes=-1"])
def test_an_empty_file_has_no_part(as_: As, desk: Office, db: Session, asked: str) -> None:
    item = desk.add("resource", "officer", blobs=(desk.deposit("officer", b"", "空.txt"),))
    answer = as_("cook").get(address(db, item), headers={"Range": asked})
    assert (answer.status_code, answer.headers["Content-Range"]) == (416, "bytes */0")


def test_head_is_get_without_the_bytes(as_: As, db: Session, held: Item) -> None:
    """Also where a part is asked for: parts are of GET only."""
    whole = as_("cook").get(address(db, held))
    for headers in ({}, {"Range": "bytes=1-2"}, {"Range": f"bytes={len(BODY)}-"}):
        head = as_("cook").head(address(db, held), headers=headers)
        assert (head.status_code, head.data) == (200, b"")
        assert _lasting(head.headers) == _lasting(whole.headers)


def _lasting(headers: object) -> dict[str, str]:
    """Without the session's cookie, which is new each time."""
    return {k: v for k, v in dict(headers).items() if k != "Set-Cookie"}  # type: ignore[call-overload]


# -- conditions ----------------------------------------------------------------------------------------------------
def test_what_the_browser_has_is_not_sent_again_but_recorded(
    as_: As, desk: Office, db: Session, held: Item
) -> None:
    client, url = as_("cook"), address(db, held)
    tag = client.get(url).headers["ETag"]
    for condition in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        answer = client.get(url, headers={"If-None-Match": condition, "Range": "bytes=0-1"})
        assert (answer.status_code, answer.data) == (304, b"")
        assert answer.headers["ETag"] == tag
        assert answer.headers["Cache-Control"] == "private, no-cache"
    assert client.head(url, headers={"If-None-Match": tag}).status_code == 304
    assert client.get(url, headers={"If-None-Match": '"other"'}).data == BODY
    assert [r.actor for r in desk.audit("body.open")] == ["cook"] * 6
    assert len(desk.audit("body.head")) == 1


def test_a_file_of_the_secret_levels_is_always_sent(as_: As, desk: Office, db: Session, secret: Item) -> None:
    client, url = as_("custodian", fresh=True), address(db, secret)
    whole = client.get(url)
    assert (whole.status_code, whole.headers["Cache-Control"]) == (200, "no-store")
    for condition in (whole.headers["ETag"], "*"):
        answer = client.get(url, headers={"If-None-Match": condition})
        assert (answer.status_code, answer.data) == (200, BODY)
    assert len(desk.audit("body.open")) == 3


@pytest.mark.parametrize(
    ("condition", "status"),
    [("{tag}", 206), (" {tag} ", 206), ("W/{tag}", 200), ('"other"', 200), ("{date}", 200), ("nonsense", 200), ("*", 200)],
)  # fmt: skip
def test_a_part_goes_on_only_with_the_very_same_bytes(
    as_: As, db: Session, held: Item, condition: str, status: int
) -> None:
    client, url = as_("cook"), address(db, held)
    words = {"tag": client.get(url).headers["ETag"], "date": f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}"}
    headers = {"Range": "bytes=3-5", "If-Range": condition.format(**words)}
    answer = client.get(url, headers=headers)
    assert (answer.status_code, answer.data) == (status, BODY[3:6] if status == 206 else BODY)


CONDITIONS = [
    {},
    {"Range": "bytes=0-0"},
    {"Range": "bytes=999999999-"},
    {"If-None-Match": "*"},
    {"If-None-Match": "{tag}"},
    {"Range": "bytes=0-0", "If-Range": "{tag}"},
]


def test_a_refusal_is_the_same_whatever_was_asked_beside(as_: As, desk: Office, db: Session) -> None:
    """A file that exists hidden, one that needs a loan and one that is not there: no header of the question changes a byte."""
    blob = desk.deposit("custodian", BODY, level=Level.SECRET)
    lent = desk.add("document", "custodian", level=Level.SECRET, blobs=(blob,))
    db.rollback()
    tag = f'"{db.get_one(Blob, blob).digest[:32]}"'
    for login, url, status in (
        ("cook", address(db, lent), 404), ("cook", "/f/999/x", 404), ("registrar", address(db, lent), 403),
    ):  # fmt: skip
        answers = [
            as_(login).get(url, headers={k: v.format(tag=tag) for k, v in c.items()}) for c in CONDITIONS
        ]
        assert {a.status_code for a in answers} == {status}
        assert len({len(a.data) for a in answers}) == 1
        for name in ("ETag", "Content-Range", "Accept-Ranges", "Content-Disposition", "X-Watermark"):
            assert not any(name in a.headers for a in answers)
    assert desk.audit("body.open") == []


# -- five gigabytes ------------------------------------------------------------------------------------------------
class Recording:
    """A store with one sealed recording that is made where it is read: chunk n holds its number over and over."""

    def __init__(self, size: int) -> None:
        self.size, self.file_key, self.nonce = size, age.new_file_key(), bytes(NONCE)
        self._aead = ChaCha20Poly1305(hkdf(self.file_key, self.nonce, b"payload"))
        self.chunks_read = 0

    @staticmethod
    def plain(number: int, length: int = CHUNK) -> bytes:
        return (number.to_bytes(8, "big") * (CHUNK // 8))[:length]

    def stat(self, name: str) -> Stat:
        return Stat(name, payload_size(self.size), datetime.now(UTC))

    def range(self, name: str, start: int, length: int) -> Iterator[bytes]:
        end = min(start + length, payload_size(self.size))
        if start < NONCE:
            yield self.nonce[start:end]
        at = max(start, NONCE)
        while at < end:
            number, within = divmod(at - NONCE, SEALED)
            piece = self._sealed(number)[within : within + end - at]
            at += len(piece)
            yield piece

    def _sealed(self, number: int) -> bytes:
        self.chunks_read += 1
        last = (self.size - 1) // CHUNK
        length = self.size - last * CHUNK if number == last else CHUNK
        nonce = number.to_bytes(11, "big") + bytes([number == last])
        return self._aead.encrypt(nonce, self.plain(number, length), None)


@pytest.fixture
def recording(
    desk: Office, house: House, db: Session, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, Recording]:
    """A meeting of 5 GB among the files of the office, at its address."""
    item = desk.add("resource", "officer", blobs=(desk.deposit("officer", b"x", "会议录像.mp4"),))
    store = Recording(5 * 10**9 + 12345)
    with desk.w("officer") as w:
        blob = w.session.scalars(select(Blob).where(Blob.item_id == item.id)).one()
        recipients = house.vault.keyring.recipients(Level.INTERNAL)
        sealed = age.seal_header(store.file_key, recipients, [_binding(store.file_key, bind(blob))])
        blob.seal(sealed, key_id(recipients))
        blob.size, blob.stored = store.size, payload_size(store.size)
    monkeypatch.setattr(house.vault, "store", store)
    return address(db, item), store


def test_seeking_in_a_recording_of_5_gb_reads_little(as_: As, recording: tuple[str, Recording]) -> None:
    url, store = recording
    client = as_("cook")
    client.get(url, headers={"Range": "bytes=0-0"})  # what is loaded once is not the price of a seek
    tracemalloc.start()
    try:
        for at in (0, 1_234_567_890, 2 * 10**9 + 7, 4_999_999_999, store.size - 100):
            store.chunks_read = 0
            tracemalloc.reset_peak()
            before = tracemalloc.get_traced_memory()[0]
            answer = client.get(url, headers={"Range": f"bytes={at}-{at + 99}"})
            grown = tracemalloc.get_traced_memory()[1] - before
            number, within = divmod(at, CHUNK)
            expected = (store.plain(number) + store.plain(number + 1))[within : within + 100]
            assert (answer.status_code, answer.data) == (206, expected)
            assert answer.headers["Content-Range"] == f"bytes {at}-{at + 99}/{store.size}"
            assert store.chunks_read <= 3, "the last chunk, and those that hold the part"
            assert grown < 3 << 20
    finally:
        tracemalloc.stop()


def test_playing_on_from_the_middle_takes_no_more_memory_the_longer_it_lasts(
    as_: As, recording: tuple[str, Recording]
) -> None:
    url, store = recording
    start = 40_000 * CHUNK
    answer = as_("cook").get(url, headers={"Range": f"bytes={start}-"}, buffered=False)
    assert answer.content_length == store.size - start
    pieces = iter(answer.response)
    next(pieces)
    seen = 0
    tracemalloc.start()
    try:
        while seen < 48 << 20:
            seen += len(next(pieces))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        answer.close()
    assert store.chunks_read < (seen >> 20) * 16 + 100, "what nobody takes is not read"
    assert peak < 8 << 20


# -- a connection broken off ---------------------------------------------------------------------------------------
@pytest.mark.skipif(bool(databases.SERVER), reason="the server opens a database file of its own")
def test_a_damaged_file_never_comes_to_a_clean_end(tmp_path: Path, settled: str, keyring: Keyring) -> None:
    """Over a socket, by the server as it runs: the length is promised, the connection ends before it."""
    body = bytes(range(256)) * (6 << 12)
    with office_on_disk(tmp_path, settled, keyring) as app:
        desk = Office(app, app.extensions["house"])
        good, bad = (desk.deposit("officer", body, "罕见的名字.bin") for _ in range(2))
        for blob in (good, bad):
            desk.add("resource", "officer", blobs=(blob,))
        with desk.w("officer") as w:
            name = w.session.get_one(Blob, bad).name
        (path,) = (p for p in (tmp_path / "blobs").rglob(name))
        with path.open("r+b") as file:
            file.seek(4 << 20)
            byte = file.read(1)
            file.seek(4 << 20)
            file.write(bytes([byte[0] ^ 1]))
        headers = carried(desk.client("cook"))
        with serving(tmp_path, tmp_path / "tmp") as server:
            for part, first in (({}, 0), ({"Range": "bytes=1000-"}, 1000)):
                asking = server.connection()
                asking.request("GET", f"/f/{bad}/{quote('罕见的名字.bin')}", headers=headers | part)
                answer = asking.getresponse()
                assert int(answer.headers["Content-Length"]) == len(body) - first
                with pytest.raises(http.client.IncompleteRead) as broken:
                    answer.read()
                got = broken.value.partial
                assert got == body[first : first + len(got)], "nothing unproved was sent"
                assert 0 < len(got) < 4 << 20
                asking.close()
            asking = server.connection()
            asking.request("GET", f"/f/{good}/x", headers=headers)
            assert asking.getresponse().read() == body, "the server goes on, and good files come whole"
            asking.close()
            said = server.stop()
        assert "Damaged" in said
        for form in ("罕见的名字", quote("罕见的名字")):
            assert form not in said, "a name tells as much as a title: it is in no log"
        assert [r.outcome for r in desk.audit("body.damaged")] == ["alarm"] * 2
        assert [o.payload["code"] for o in desk.outbox("alarm")] == ["damaged"]
