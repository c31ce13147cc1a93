"""The conformance suite of stores: what `vault.store.Store` promises, run on every store."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from minio.deleteobjects import DeleteObject

from vault.age import Damaged
from vault.keyring import Keyring
from vault.levels import Level
from vault.store import Exists, NotFound, Store
from vault.store_memory import MemoryStore
from vault.store_s3 import S3Store
from vault.stores import open_store, place
from vault.vault import Vault

MIB = 1 << 20


@pytest.fixture(params=["memory", "file", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """An empty store of each kind."""
    if request.param == "memory":
        yield MemoryStore()
    elif request.param == "file":
        yield open_store("file:blobs", tmp_path)
    else:
        s3 = open_store(request.getfixturevalue("s3_url"), tmp_path)
        yield s3
        assert isinstance(s3, S3Store)
        everything = [DeleteObject(found.name) for found in s3.list()]
        assert list(s3._client.remove_objects(s3.bucket, everything)) == []


def name() -> str:
    """A name as the vault makes them."""
    return uuid.uuid4().hex


def body(store: Store, name: str) -> bytes:
    """The whole object."""
    return b"".join(store.get(name))


def into(out: bytearray, opening: Callable[[], Iterable[bytes]]) -> None:
    """Open, and keep what is handed out until it ends or breaks."""
    for piece in opening():
        out += piece


@pytest.mark.parametrize("size", [0, 1, MIB - 1, MIB, MIB + 1, 5 * MIB, 5 * MIB + 1, 11 * MIB])
def test_an_object_comes_back_as_it_was_put(store: Store, size: int) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    key = name()
    assert store.put(key, (data[at : at + 700_001] for at in range(0, size, 700_001))) == size
    pieces = list(store.get(key))
    assert b"".join(pieces) == data
    assert all(0 < len(piece) <= MIB for piece in pieces)
    assert store.stat(key).size == size


def test_an_object_is_written_once(store: Store) -> None:
    key = name()
    store.put(key, [b"first"])
    with pytest.raises(Exists):
        store.put(key, [b"second"])
    with pytest.raises(Exists):
        store.put(key, [b"first"])
    assert body(store, key) == b"first"


def test_a_long_object_is_written_once(store: Store) -> None:
    key = name()
    store.put(key, [bytes(6 * MIB)])
    with pytest.raises(Exists):
        store.put(key, [b"1" * (6 * MIB)])
    assert body(store, key) == bytes(6 * MIB)


def test_of_two_writers_at_once_one_wins(store: Store) -> None:
    key = name()

    def put(text: bytes) -> bytes | None:
        try:
            store.put(key, [text])
        except Exists:
            return None
        return text

    with ThreadPoolExecutor(8) as pool:
        won = [text for text in pool.map(put, [b"%d" % number for number in range(8)]) if text]
    assert len(won) == 1
    assert body(store, key) == won[0]


@pytest.mark.parametrize("size", [10, 6 * MIB])
def test_a_writer_that_fails_leaves_nothing_and_keeps_its_error(store: Store, size: int) -> None:
    class Broken(OSError):
        pass

    def source() -> Iterator[bytes]:
        yield bytes(size)
        raise Broken("the upload ended early")

    key = name()
    with pytest.raises(Broken):
        store.put(key, source())
    assert list(store.list()) == []
    with pytest.raises(NotFound):
        store.stat(key)
    assert store.put(key, [b"again"]) == 5


@pytest.mark.parametrize(
    ("start", "length"), [(0, 0), (0, 1), (0, 3 * MIB), (5, 10), (MIB - 3, MIB), (2 * MIB, 9), (9 * MIB, 1)]
)
def test_a_range_is_what_exists_of_it(store: Store, start: int, length: int) -> None:
    data = bytes(range(256)) * (2 * MIB // 256) + b"end"
    key = name()
    store.put(key, [data])
    assert b"".join(store.range(key, start, length)) == data[start : start + length]


def test_a_range_of_an_empty_object_is_empty(store: Store) -> None:
    key = name()
    store.put(key, [])
    assert list(store.range(key, 0, 10)) == []
    assert list(store.get(key)) == []


@pytest.mark.parametrize(("start", "length"), [(-1, 1), (0, -1)])
def test_a_negative_range_is_a_mistake(store: Store, start: int, length: int) -> None:
    with pytest.raises(ValueError, match="negative"):
        store.range(name(), start, length)


def test_what_is_not_there_is_not_found_at_the_call(store: Store) -> None:
    key = name()
    for call in (
        lambda: store.get(key),
        lambda: store.range(key, 0, 1),
        lambda: store.range(key, 0, 0),
        lambda: store.stat(key),
    ):
        with pytest.raises(NotFound):
            call()


def test_deleting_is_final_and_may_be_repeated(store: Store) -> None:
    key = name()
    store.put(key, [b"x"])
    store.delete(key)
    store.delete(key)
    with pytest.raises(NotFound):
        store.get(key)
    assert list(store.list()) == []


def test_the_list_knows_names_sizes_and_times(store: Store) -> None:
    keys = {"a": 1, "a/b": 2, "a/b/c": 3, "ab": 4, "a-b": 5, "snapshots/2024-05-01.json": 6, name(): 7}
    for key, size in keys.items():
        store.put(key, [bytes(size)])
    found = list(store.list())
    assert {stat.name: stat.size for stat in found} == keys
    assert all(abs(stat.modified - datetime.now(UTC)) < timedelta(minutes=5) for stat in found)
    for prefix in ("a", "a/", "a/b", "a/b/", "ab", "snapshots/", "snapshots/2024", "none/", "snap"):
        wanted = {key for key in keys if key.startswith(prefix)}
        assert {stat.name for stat in store.list(prefix)} == wanted, prefix


def test_a_long_list_is_complete(store: Store) -> None:
    keys = {f"many/{number:04x}" for number in range(10_000)}  # ten pages of S3

    def put(key: str) -> None:
        store.put(key, [b"x"])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(put, sorted(keys)))
    found = [stat.name for stat in store.list("many/")]
    assert len(found) == len(keys)
    assert set(found) == keys
    assert len(list(store.list("many/1"))) == 4096


@pytest.mark.parametrize(
    "bad",
    ["", "/", "a/", "/a", "a//b", "..", "a/../b", ".part-1", "a/.b", "A", "a b", "_a", "ä", "a\0", "a" * 600],
)
def test_odd_names_are_refused(store: Store, bad: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        store.put(bad, [b"x"])
    with pytest.raises(ValueError, match="not a name"):
        store.stat(bad)


def test_half_read_objects_can_be_left(store: Store) -> None:
    key = name()
    store.put(key, [bytes(4 * MIB)])
    for _ in range(40):
        pieces = store.get(key)
        next(pieces)
        pieces.close()  # type: ignore[attr-defined]  # a generator, as every store returns
    assert len(body(store, key)) == 4 * MIB


def test_a_store_that_works_says_so(store: Store) -> None:
    store.check()
    assert list(store.list()) == []
    assert store.clear_partials(3600) == 0


@pytest.mark.parametrize("change", ["first", "middle", "last", "cut", "longer", "other"])
def test_a_body_that_is_not_what_was_sealed_is_refused(store: Store, keyring: Keyring, change: str) -> None:
    """Whatever the store gives back: only true bytes of a true beginning come out, and never a clean end."""
    plain = bytes(range(256)) * 800
    vault = Vault(store, keyring)
    kept, other = (vault.deposit(name(), [plain], Level.SECRET, bind) for bind in (b"1", b"2"))
    data = bytearray(body(store, kept.name))
    if change in ("first", "middle", "last"):
        data[{"first": 0, "middle": len(data) // 2, "last": -1}[change]] ^= 1
    elif change == "cut":
        del data[-20_000:]
    elif change == "longer":
        data += b"x"
    else:
        data = bytearray(body(store, other.name))
    store.delete(kept.name)
    store.put(kept.name, [bytes(data)])
    out = bytearray()
    with pytest.raises(Damaged):
        into(out, lambda: vault.open(kept.name, kept.header, b"1", len(plain)))
    assert len(out) < len(plain)
    assert plain.startswith(out)
    with pytest.raises(Damaged):
        vault.verify(kept.name, kept.header, b"1", len(plain), kept.stored, kept.digest, read_data=True)
    with pytest.raises(Damaged):
        list(vault.open_range(kept.name, kept.header, b"1", len(plain), 0, len(plain)))


@pytest.mark.parametrize(
    ("address", "named"),
    [
        ("file:blobs", "file:blobs"),
        ("file:/srv/office/blobs/", "file:blobs"),
        ("file:../blobs", "file:/srv/blobs"),
        ("file://srv/other", "file:/srv/other"),
        ("s3://key:se%40cret@S3.Example:9000/Bucket/?secure=0", "s3://s3.example:9000/Bucket"),
        ("s3://other:word@s3.example:9000/Bucket", "s3://s3.example:9000/Bucket"),
    ],
)
def test_a_place_is_named_without_the_way_in(address: str, named: str) -> None:
    assert place(address, Path("/srv/office")) == named
