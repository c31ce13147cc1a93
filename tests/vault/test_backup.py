"""Backup repository: a snapshot holds everything, damage is found, a restore gives back every byte (L108)."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import SpooledTemporaryFile

import pytest

from tests.vault.backup_office import DUMP, Office, body, contents, day, file_of, fill, flip, ref
from vault.age.errors import NoIdentity
from vault.age.recipients import generate_identity
from vault.backup import NoSnapshot, ObjectRef, Repository
from vault.backup_manifest import Manifest, header_of, write
from vault.store import NotFound, Unavailable
from vault.store_fs import FileStore
from vault.store_memory import MemoryStore


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(FileStore(tmp_path / "repository", fsync=False), MemoryStore())


def test_second_snapshot_copies_only_what_is_new(office: Office) -> None:
    refs = fill(office.source, range(20))
    first = office.repository.snapshot(
        at=day(0), database=[DUMP], recipients=[str(office.key.recipient)], objects=refs, source=office.source
    )
    assert (first.objects, first.new_objects, first.complete) == (20, 20, True)
    refs += fill(office.source, range(20, 23))
    office.snapshot(1, refs, {"audit": {"seq": 7, "hash": "ab"}})
    old, new = office.repository.list()
    assert old == first
    assert (new.objects, new.new_objects) == (23, 3)
    assert new.database is not None
    assert new.bytes == 23_000 + new.database.size + new.headers.size
    assert new.new_bytes == 3_000 + new.database.size + new.headers.size
    assert (new.previous, new.extra) == ((old.id, old.hash), {"audit": {"seq": 7, "hash": "ab"}})


@pytest.mark.parametrize("read_data", [False, True])
def test_good_repository_verifies(office: Office, read_data: bool) -> None:
    refs = fill(office.source, range(5))
    office.snapshot(0, refs[:3])
    office.snapshot(1, refs)
    report = office.repository.verify(read_data=read_data)
    assert (report.ok, report.snapshots, report.checked) == (True, 2, 9)
    assert (report.bytes > 5_000) == read_data


def test_one_flipped_bit_is_found_by_reading(office: Office, tmp_path: Path) -> None:
    refs = fill(office.source, range(5))
    snapshot = office.snapshot(0, refs)
    flip(file_of(tmp_path, refs[3].digest), 500)
    assert office.repository.verify(snapshot).ok
    report = office.repository.verify(snapshot, read_data=True)
    assert not report.ok
    assert [(fault.kind, fault.name) for fault in report.damaged] == [("object", refs[3].name)]


def test_deleted_and_shortened_objects_are_found_without_reading(office: Office, tmp_path: Path) -> None:
    refs = fill(office.source, range(5))
    office.snapshot(0, refs)
    office.snapshot(1, refs)
    file_of(tmp_path, refs[1].digest).unlink()
    path = file_of(tmp_path, refs[2].digest)
    path.write_bytes(path.read_bytes()[:-1])
    report = office.repository.verify()
    assert [fault.name for fault in report.missing] == [refs[1].name]
    assert [fault.name for fault in report.damaged] == [refs[2].name]


def test_damaged_and_deleted_dump_is_found(office: Office, tmp_path: Path) -> None:
    first = office.snapshot(0, [])
    second = office.snapshot(1, [])
    flip(file_of(tmp_path, f"{first}.age"), 100)
    file_of(tmp_path, f"{second}.age").unlink()
    report = office.repository.verify(read_data=True)
    assert [(fault.kind, fault.snapshot) for fault in report.damaged] == [("database", first)]
    assert [(fault.kind, fault.snapshot) for fault in report.missing] == [("database", second)]


@pytest.mark.parametrize("at", [0, 40, -2, -40])
def test_damaged_manifest_is_found_and_listed(office: Office, tmp_path: Path, at: int) -> None:
    snapshot = office.snapshot(0, fill(office.source, range(3)))
    flip(file_of(tmp_path / "repository" / "snapshots", snapshot), at)
    report = office.repository.verify()
    assert [(fault.kind, fault.name) for fault in report.damaged] == [("manifest", snapshot)]
    assert [(found.id, found.at) for found in office.repository.list()] == [(snapshot, day(0))]


def test_stolen_manifest_is_found(office: Office) -> None:
    first = office.snapshot(0, [])
    second = office.snapshot(1, [])
    office.store.delete(f"snapshots/{first}")
    report = office.repository.verify()
    assert [(fault.kind, fault.name, fault.snapshot) for fault in report.missing] == [
        ("manifest", first, second)
    ]


def test_rewritten_manifest_is_found_by_the_chain(office: Office) -> None:
    refs = fill(office.source, range(3))
    first = office.snapshot(0, refs)
    office.snapshot(1, refs)
    # A forger makes the manifest shorter and whole in itself: only its successor knows better.
    manifest = Manifest(office.store, first)
    with SpooledTemporaryFile() as nothing:
        header = header_of(replace(manifest.snapshot, objects=0), hashlib.sha256().hexdigest())
        office.store.delete(f"snapshots/{first}")
        write(office.store, header, nothing)
    assert office.repository.verify(first).ok
    assert [(fault.kind, fault.name) for fault in office.repository.verify().damaged] == [("manifest", first)]


def test_restore_gives_back_every_byte(office: Office, tmp_path: Path) -> None:
    refs = fill(office.source, range(30))
    office.snapshot(0, refs[:10])
    snapshot = office.snapshot(1, refs, {"version": "1.0"})
    target = FileStore(tmp_path / "target", fsync=False)
    database = tmp_path / "new" / "data.db"
    report = office.repository.restore(snapshot, [office.key], target, database)
    assert report.ok
    assert (report.objects, report.bytes, report.existing, report.opened) == (30, 30_000, 0, True)
    assert (report.database_bytes, report.extra) == (len(DUMP), {"version": "1.0"})
    assert contents(target) == contents(office.source)
    assert database.read_bytes() == DUMP
    assert database.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in database.parent.iterdir()] == ["data.db"]

    again = office.repository.restore(snapshot, [office.key], target, tmp_path / "second.db")
    assert (again.ok, again.existing) == (True, 30)


def test_older_snapshot_restores_its_own_state(office: Office) -> None:
    refs = fill(office.source, range(4))
    first = office.snapshot(0, refs[:2])
    office.snapshot(1, refs)
    target, parts = MemoryStore(), list[bytes]()
    office.repository.restore(first, [office.key], target, parts.extend)
    assert set(contents(target)) == {refs[0].name, refs[1].name}
    assert b"".join(parts) == DUMP


def test_operator_without_key_restores_sealed(office: Office, tmp_path: Path) -> None:
    refs = fill(office.source, range(3))
    snapshot = office.snapshot(0, refs)
    target, sealed = MemoryStore(), tmp_path / "database.age"
    report = office.repository.restore(snapshot, [], target, sealed)
    assert (report.ok, report.opened) == (True, False)
    assert contents(target) == contents(office.source)
    assert sealed.read_bytes().startswith(b"age-encryption.org/v1\n")
    assert b"canary" not in gzip_or_raw(sealed.read_bytes())


def gzip_or_raw(data: bytes) -> bytes:
    at = data.find(b"\x1f\x8b\x08")
    try:
        return gzip.decompress(data[at:]) if at >= 0 else data
    except (OSError, EOFError):
        return data


@pytest.mark.skipif(shutil.which("age") is None, reason="the age program is not installed")
def test_dump_opens_without_the_product(office: Office, tmp_path: Path) -> None:
    snapshot = office.snapshot(0, [])
    (tmp_path / "key").write_text(office.key.secret() + "\n")
    dump = file_of(tmp_path / "repository", f"{snapshot}.age")
    command = ["age", "-d", "-i", str(tmp_path / "key"), str(dump)]
    assert gzip.decompress(subprocess.run(command, capture_output=True, check=True).stdout) == DUMP


def test_wrong_key_is_refused_before_anything_is_written(office: Office, tmp_path: Path) -> None:
    snapshot = office.snapshot(0, fill(office.source, range(2)))
    target = MemoryStore()
    with pytest.raises(NoIdentity):
        office.repository.restore(snapshot, [generate_identity()], target, tmp_path / "data.db")
    assert contents(target) == {}
    assert not (tmp_path / "data.db").exists()


def test_restore_never_replaces(office: Office, tmp_path: Path) -> None:
    refs = fill(office.source, range(2))
    snapshot = office.snapshot(0, refs)
    (tmp_path / "data.db").write_bytes(b"in use")
    target = MemoryStore()
    with pytest.raises(FileExistsError):
        office.repository.restore(snapshot, [office.key], target, tmp_path / "data.db")
    assert (tmp_path / "data.db").read_bytes() == b"in use"

    target.put(refs[0].name, [b"x" * 1000])
    target.put(refs[1].name, [b"short"])
    report = office.repository.restore(snapshot, [office.key], target, tmp_path / "new.db")
    assert {fault.name for fault in report.damaged} == {refs[0].name, refs[1].name}
    assert contents(target)[refs[1].name] == b"short"


def test_restore_reports_damage_and_restores_the_rest(office: Office, tmp_path: Path) -> None:
    refs = fill(office.source, range(6))
    snapshot = office.snapshot(0, refs)
    flip(file_of(tmp_path, refs[0].digest), 0)
    file_of(tmp_path, refs[1].digest).unlink()
    flip(file_of(tmp_path, f"{snapshot}.age"), -1)
    target = MemoryStore()
    report = office.repository.restore(snapshot, [office.key], target, tmp_path / "out" / "data.db")
    assert not report.ok
    assert {(fault.kind, fault.name) for fault in report.damaged} == {
        ("object", refs[0].name),
        ("database", f"dumps/{snapshot}.age"),
    }
    assert [fault.name for fault in report.missing] == [refs[1].name]
    assert set(contents(target)) == {found.name for found in refs[2:]}
    assert list((tmp_path / "out").iterdir()) == []


def test_bad_objects_of_the_source_make_the_snapshot_incomplete(office: Office) -> None:
    refs = fill(office.source, range(4))
    wrong = replace(refs[1], digest="0" * 64)
    lost = ref(99)
    longer = replace(refs[2], stored=10)
    nonsense = ObjectRef("../../etc/passwd", 3, "f" * 64)
    snapshot = office.snapshot(0, [refs[0], wrong, lost, longer, nonsense])
    (found,) = office.repository.list()
    assert (found.complete, found.problems, found.objects, found.new_objects) == (False, 4, 5, 1)
    assert {entry.name for entry in office.store.list("objects/")} == {f"objects/{refs[0].digest}"}
    report = office.repository.verify(snapshot)
    assert not report.ok
    assert {fault.name for fault in report.missing} == {wrong.name, lost.name, longer.name, nonsense.name}
    target = MemoryStore()
    assert len(office.repository.restore(snapshot, [office.key], target, list).missing) == 4
    assert contents(target) == {refs[0].name: body(0)}


def test_wrong_size_in_a_reference_does_not_cost_the_good_copy(office: Office) -> None:
    refs = fill(office.source, range(1))
    first = office.snapshot(0, refs)
    office.snapshot(1, [replace(refs[0], stored=999)])
    assert office.repository.list()[1].problems == 1
    assert office.repository.verify(first, read_data=True).ok


def test_damaged_object_is_replaced_from_the_source(office: Office, tmp_path: Path) -> None:
    refs = fill(office.source, range(3))
    snapshot = office.snapshot(0, refs)
    flip(file_of(tmp_path, refs[0].digest), 7)
    path = file_of(tmp_path, refs[1].digest)
    path.write_bytes(path.read_bytes()[:10])
    faults = office.repository.verify(read_data=True).damaged
    innocent = replace(faults[0], digest=refs[2].digest)
    assert office.repository.discard([*faults, innocent], at=day(1)) == 2
    office.snapshot(1, refs)
    assert office.repository.list()[1].new_objects == 2
    assert office.repository.verify(snapshot, read_data=True).ok


def test_shortened_object_is_replaced_by_the_next_snapshot(office: Office, tmp_path: Path) -> None:
    refs = fill(office.source, range(2))
    office.snapshot(0, refs)
    path = file_of(tmp_path, refs[1].digest)
    path.write_bytes(path.read_bytes()[:10])
    office.snapshot(1, refs)
    assert office.repository.verify(read_data=True).ok


def test_destroyed_file_is_gone_from_all_snapshots_and_no_fault(office: Office) -> None:
    refs = fill(office.source, range(3))
    first = office.snapshot(0, refs)
    office.repository.shred([refs[1].digest], at=day(1))
    assert f"objects/{refs[1].digest}" not in {found.name for found in office.store.list()}
    report = office.repository.verify(read_data=True)
    assert (report.ok, report.shredded, report.checked) == (True, 1, 4)
    restored = office.repository.restore(first, [office.key], MemoryStore(), list)
    assert (restored.ok, restored.shredded, restored.objects) == (True, 1, 2)


def test_repository_holds_no_canary(office: Office, tmp_path: Path) -> None:
    office.snapshot(0, fill(office.source, range(2)))
    texts = [path.read_bytes() for path in (tmp_path / "repository").rglob("*") if path.is_file()]
    assert len(texts) == 6  # a dump, a header copy, two objects, a manifest, a free lease
    assert not any(b"canary" in text or b"canary" in gzip_or_raw(text) for text in texts)


def test_manifest_is_readable_without_the_product(office: Office, tmp_path: Path) -> None:
    refs = fill(office.source, range(2))
    snapshot = office.snapshot(0, refs)
    lines = file_of(tmp_path / "repository" / "snapshots", snapshot).read_text().splitlines()
    header, *entries = map(json.loads, lines)
    assert (header["format"], header["id"], header["objects"]) == ("backup-snapshot/1", snapshot, 2)
    assert entries == [[found.name, found.digest, found.stored] for found in refs]


class Offline(MemoryStore):
    def get(self, name: str) -> Iterator[bytes]:
        raise Unavailable(f"the disk with {name} is not there")


def test_unreachable_source_stops_the_run_and_leaves_no_snapshot(tmp_path: Path) -> None:
    office = Office(FileStore(tmp_path, fsync=False), Offline())
    with pytest.raises(Unavailable):
        office.snapshot(0, fill(office.source, range(40)))
    assert office.repository.list() == []
    office.source = MemoryStore()
    office.snapshot(0, fill(office.source, range(40)))  # the lease was given back
    assert office.repository.verify().ok


def test_failing_dump_leaves_no_snapshot(office: Office) -> None:
    def dump() -> Iterable[bytes]:
        yield DUMP
        raise OSError("pg_dump failed")

    with pytest.raises(OSError, match="pg_dump"):
        office.repository.snapshot(
            at=day(0),
            database=dump(),
            recipients=[str(office.key.recipient)],
            objects=[],
            source=office.source,
        )
    assert office.repository.list() == []
    assert list(office.store.list("dumps/")) == []


@pytest.mark.parametrize(
    ("recipients", "extra", "at"),
    [
        ([], {}, day(0)),
        (["age1nonsense"], {}, day(0)),
        (None, {"bad": float("nan")}, day(0)),
        (None, {}, datetime(2026, 1, 1)),  # noqa: DTZ001
    ],
)
def test_bad_arguments_write_nothing(
    office: Office, recipients: list[str] | None, extra: dict[str, object], at: datetime
) -> None:
    keys = [str(office.key.recipient)] if recipients is None else recipients
    with pytest.raises(ValueError, match=r".+"):
        office.repository.snapshot(
            at=at, database=[DUMP], recipients=keys, objects=[], source=office.source, extra=extra
        )
    assert [found.name for found in office.store.list() if not found.name.startswith("lease/")] == []


@pytest.mark.parametrize("snapshot", ["", "../x", "20261123-020000-00000000"])
def test_unknown_snapshot(office: Office, snapshot: str) -> None:
    with pytest.raises(NoSnapshot):
        office.repository.verify(snapshot)
    with pytest.raises(NoSnapshot):
        office.repository.restore(snapshot, [], MemoryStore(), list)


def test_large_dump_streams_in_bounded_pieces(office: Office) -> None:
    block = bytes(1 << 20)
    pulled = 0

    def dump() -> Iterator[bytes]:
        nonlocal pulled
        for _ in range(40):
            pulled += 1
            yield block

    made = office.repository.snapshot(
        at=day(0), database=dump(), recipients=[str(office.key.recipient)], objects=[], source=office.source
    )
    sizes: list[int] = []

    def sink(pieces: Iterable[bytes]) -> None:
        sizes.extend(len(piece) for piece in pieces)

    report = office.repository.restore(made.id, [office.key], MemoryStore(), sink)
    assert (report.ok, sum(sizes), pulled) == (True, 40 << 20, 40)
    assert max(sizes) <= 1 << 20


def test_works_with_any_store_and_reads_a_read_only_one() -> None:
    class ReadOnly(MemoryStore):
        frozen = False

        def put(self, name: str, chunks: Iterable[bytes]) -> int:
            if self.frozen:
                raise Unavailable("read-only")
            return super().put(name, chunks)

    store = ReadOnly()
    office = Office(store, MemoryStore())
    snapshot = office.snapshot(0, fill(office.source, range(3)))
    store.frozen = True
    assert Repository(store).verify(read_data=True).ok
    assert Repository(store).restore(snapshot, [office.key], MemoryStore(), list).ok
    with pytest.raises(NotFound):
        store.stat("nothing")
