"""The vault: what is deposited comes back to its record and level only, and every change is named."""

from __future__ import annotations

import shutil
import subprocess
import tracemalloc
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vault import age
from vault.age import stream
from vault.errors import VaultError, WrongRecord
from vault.keyring import Keyring
from vault.levels import Level
from vault.store import Exists, NotFound
from vault.store_fs import FileStore
from vault.store_memory import MemoryStore
from vault.vault import Sealed, Vault

CHUNK = stream.CHUNK
TEXT = bytes(range(256)) * (3 * CHUNK // 256) + b"the end"
RECORD = b"item:17/blob:4"


@pytest.fixture
def vault(keyring: Keyring) -> Vault:
    """A vault in memory with all keys."""
    return Vault(MemoryStore(), keyring)


@pytest.fixture
def sealed(vault: Vault) -> Sealed:
    """A deposited secret document."""
    return vault.deposit(vault.new_name(), [TEXT], Level.SECRET, RECORD)


@pytest.fixture
def blind(vault: Vault, keys_folder: Path, tmp_path: Path) -> Vault:
    """The same vault in a process that holds recipients only."""
    folder = shutil.copytree(keys_folder, tmp_path / "keys")
    for file in folder.glob("*.key"):
        file.unlink()
    return Vault(vault.store, Keyring.load(folder))


def opened(vault: Vault, sealed: Sealed, bind: bytes = RECORD) -> bytes:
    """The whole object."""
    return b"".join(vault.open(sealed.name, sealed.header, bind, sealed.size))


def stored(vault: Vault, sealed: Sealed) -> bytes:
    """The sealed bytes."""
    return b"".join(vault.store.get(sealed.name))


def exchange(vault: Vault, sealed: Sealed, body: bytes) -> None:
    """Put other bytes in the place of an object, as a thief at the store would."""
    vault.store.delete(sealed.name)
    vault.store.put(sealed.name, [body])


def verify(vault: Vault, sealed: Sealed, bind: bytes = RECORD, *, read_data: bool = True) -> bool:
    """Verify an object against its record."""
    return vault.verify(
        sealed.name, sealed.header, bind, sealed.size, sealed.stored, sealed.digest, read_data=read_data
    )


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 20 * CHUNK])
def test_a_deposit_comes_back(vault: Vault, level: Level, size: int) -> None:
    data = bytes(size)
    sealed = vault.deposit(vault.new_name(), [data[:7], data[7:]], level, RECORD)
    assert (sealed.size, sealed.stored) == (size, stream.payload_size(size))
    assert sealed.digest == sha256(stored(vault, sealed)).hexdigest()
    assert opened(vault, sealed) == data
    assert verify(vault, sealed)


def test_names_are_random_and_say_nothing(vault: Vault) -> None:
    names = {vault.new_name() for _ in range(100)}
    assert len(names) == 100
    assert all(len(bytes.fromhex(name)) == 16 for name in names)


def test_neither_store_nor_header_holds_plain_text_or_record(vault: Vault, sealed: Sealed) -> None:
    for data in (stored(vault, sealed), sealed.header):
        assert b"the end" not in data
        assert RECORD not in data
        assert TEXT[:32] not in data


def test_the_same_text_is_never_sealed_the_same(vault: Vault, sealed: Sealed) -> None:
    again = vault.deposit(vault.new_name(), [TEXT], Level.SECRET, RECORD)
    assert stored(vault, again) != stored(vault, sealed)
    assert again.header != sealed.header


@pytest.mark.parametrize(
    "start", [0, 1, CHUNK - 1, CHUNK, 2 * CHUNK + 9, 3 * CHUNK, 3 * CHUNK + 6, 10 * CHUNK]
)
@pytest.mark.parametrize("length", [0, 1, CHUNK, 2 * CHUNK + 1, 10 * CHUNK])
def test_a_range_is_what_the_object_has_there(vault: Vault, sealed: Sealed, start: int, length: int) -> None:
    got = vault.open_range(sealed.name, sealed.header, RECORD, sealed.size, start, length)
    assert b"".join(got) == TEXT[start : start + length]


def test_a_header_at_another_record_is_refused(vault: Vault, sealed: Sealed) -> None:
    for call in (
        lambda: vault.open(sealed.name, sealed.header, b"item:18", sealed.size),
        lambda: vault.open_range(sealed.name, sealed.header, b"item:18", sealed.size, 0, 1),
        lambda: vault.rewrap(sealed.header, b"item:18", Level.SECRET, Level.TOPSECRET),
        lambda: verify(vault, sealed, b"item:18"),
    ):
        with pytest.raises(WrongRecord):
            call()


def test_a_header_without_a_binding_is_refused(vault: Vault, sealed: Sealed, keyring: Keyring) -> None:
    bare = age.seal_header(age.new_file_key(), keyring.recipients(Level.SECRET))
    with pytest.raises(WrongRecord):
        vault.open(sealed.name, bare, RECORD, sealed.size)


def test_swapped_objects_are_noticed(vault: Vault, sealed: Sealed) -> None:
    other = vault.deposit(vault.new_name(), [TEXT[::-1]], Level.SECRET, b"item:18")
    one, two = stored(vault, sealed), stored(vault, other)
    exchange(vault, sealed, two)
    exchange(vault, other, one)
    for record, bind in ((sealed, RECORD), (other, b"item:18")):
        with pytest.raises(age.Damaged):
            opened(vault, record, bind)
        with pytest.raises(age.Damaged):
            verify(vault, record, bind)


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body[:-1],
        lambda body: body[: 16 + stream.SEALED],
        lambda body: body[:10],
        lambda body: b"",
        lambda body: body + b"x",
        lambda body: body + body[16:],
        lambda body: body[:16] + body[16 + stream.SEALED :] + body[16 : 16 + stream.SEALED],
    ],
    ids=["cut", "cut-at-border", "cut-in-nonce", "empty", "appended", "doubled", "reordered"],
)
def test_a_changed_object_is_named_damaged_everywhere(vault: Vault, sealed: Sealed, change: object) -> None:
    exchange(vault, sealed, change(stored(vault, sealed)))  # type: ignore[operator]  # one of the lambdas above
    with pytest.raises(age.Damaged):
        opened(vault, sealed)
    with pytest.raises(age.Damaged):
        b"".join(vault.open_range(sealed.name, sealed.header, RECORD, sealed.size, 0, sealed.size))
    with pytest.raises(age.Damaged):
        verify(vault, sealed)


def test_an_object_that_is_gone_is_not_found(vault: Vault, sealed: Sealed) -> None:
    vault.shred(sealed.name)
    vault.shred(sealed.name)
    for call in (lambda: opened(vault, sealed), lambda: verify(vault, sealed, read_data=False)):
        with pytest.raises(NotFound):
            call()


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_record_with_another_size_is_noticed(vault: Vault, sealed: Sealed, difference: int) -> None:
    record = replace(sealed, size=sealed.size + difference)
    with pytest.raises(age.Damaged):
        opened(vault, record)
    with pytest.raises(age.Damaged):
        vault.open_range(record.name, record.header, RECORD, record.size, 0, 1)
    with pytest.raises(age.Damaged):
        verify(vault, record, read_data=False)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_flipped_bit_is_named_and_nothing_wrong_released(keyring: Keyring, data: st.DataObject) -> None:
    vault = Vault(MemoryStore(), keyring)
    sealed = vault.deposit(vault.new_name(), [TEXT], Level.SECRET, RECORD)
    whole = bytearray(sealed.header + stored(vault, sealed))
    whole[data.draw(st.integers(0, 400) | st.integers(0, len(whole) - 1))] ^= 1 << data.draw(
        st.integers(0, 7)
    )
    header, body = bytes(whole[: len(sealed.header)]), bytes(whole[len(sealed.header) :])
    exchange(vault, sealed, body)
    released: list[bytes] = []
    with pytest.raises(VaultError):
        released.extend(vault.open(sealed.name, header, RECORD, sealed.size))
    assert TEXT.startswith(b"".join(released))
    with pytest.raises(VaultError):
        verify(vault, replace(sealed, header=header))


def test_damage_in_the_first_pieces_is_raised_at_the_call(vault: Vault, sealed: Sealed) -> None:
    body = bytearray(stored(vault, sealed))
    body[20] ^= 1
    exchange(vault, sealed, bytes(body))
    with pytest.raises(age.Damaged):
        vault.open(sealed.name, sealed.header, RECORD, sealed.size)


def test_a_header_damaged_beyond_its_key_is_no_sealed_one(vault: Vault, sealed: Sealed) -> None:
    broken = replace(sealed, header=sealed.header.replace(b"-> X25519", b"-> X25518"))
    with pytest.raises(age.NoIdentity):
        verify(vault, broken)
    record = (broken.name, broken.header, RECORD, broken.size, broken.stored, broken.digest)
    recipients = {level.slug: vault.keyring.recipients(level) for level in Level}
    partial = Vault(vault.store, Keyring(recipients, {"secret": vault.keyring.identities(Level.SECRET)}))
    assert partial.verify(*record) is False, "it might be of a level that is sealed here"
    assert partial.verify(*record, level=Level.TOPSECRET) is False
    with pytest.raises(age.NoIdentity):
        partial.verify(*record, level=Level.SECRET)


def test_a_sealed_deposit_works_without_identities(vault: Vault, blind: Vault) -> None:
    sealed = blind.deposit(blind.new_name(), [TEXT], Level.TOPSECRET, RECORD)
    with pytest.raises(age.NoIdentity):
        opened(blind, sealed)
    with pytest.raises(age.NoIdentity):
        blind.rewrap(sealed.header, RECORD, Level.TOPSECRET, Level.SECRET)
    assert verify(blind, sealed) is False, "verified as far as it goes without a key"
    assert opened(vault, sealed) == TEXT


def test_without_a_key_changed_bytes_still_show_in_the_digest(
    vault: Vault, blind: Vault, sealed: Sealed
) -> None:
    body = bytearray(stored(vault, sealed))
    body[-1] ^= 1
    exchange(vault, sealed, bytes(body))
    assert verify(blind, sealed, read_data=False) is False
    with pytest.raises(age.Damaged, match="digest"):
        verify(blind, sealed)


def test_rewrapping_moves_an_object_to_another_level(
    vault: Vault, sealed: Sealed, keys_folder: Path, tmp_path: Path
) -> None:
    before = stored(vault, sealed)
    raised = replace(sealed, header=vault.rewrap(sealed.header, RECORD, Level.SECRET, Level.TOPSECRET).header)
    assert stored(vault, raised) == before
    assert opened(vault, raised) == TEXT
    folder = shutil.copytree(keys_folder, tmp_path / "keys")
    (folder / "topsecret.key").unlink()
    with pytest.raises(age.NoIdentity):
        opened(Vault(vault.store, Keyring.load(folder)), raised)
    with pytest.raises(age.NoIdentity):
        vault.rewrap(raised.header, RECORD, Level.SECRET, Level.INTERNAL)


def test_a_taken_name_is_refused_and_its_object_stays(vault: Vault, sealed: Sealed) -> None:
    with pytest.raises(Exists):
        vault.deposit(sealed.name, [b"other"], Level.PUBLIC, RECORD)
    assert opened(vault, sealed) == TEXT


def test_an_upload_that_breaks_leaves_nothing(keyring: Keyring, tmp_path: Path) -> None:
    vault = Vault(FileStore(tmp_path), keyring)

    def source() -> Iterator[bytes]:
        yield bytes(3 << 20)
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError):
        vault.deposit(vault.new_name(), source(), Level.SECRET, RECORD)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_an_exported_object_opens_with_the_age_program(
    vault: Vault, sealed: Sealed, keys_folder: Path, age_program: str, blind: Vault
) -> None:
    exported = b"".join(blind.export(sealed.name, sealed.header, sealed.size))
    command = [age_program, "-d", "-i", str(keys_folder / "secret.key")]
    done = subprocess.run(command, input=exported, capture_output=True, check=True)
    assert done.stdout == TEXT
    foreign = [age_program, "-d", "-i", str(keys_folder / "topsecret.key")]
    assert subprocess.run(foreign, input=exported, capture_output=True, check=False).returncode == 1


def test_an_export_of_a_broken_header_is_refused(vault: Vault, sealed: Sealed) -> None:
    with pytest.raises(age.HeaderError):
        vault.export(sealed.name, sealed.header[:-5], sealed.size)


def test_memory_stays_small_both_ways(keyring: Keyring, tmp_path: Path) -> None:
    vault = Vault(FileStore(tmp_path, fsync=False), keyring)
    block, count = bytes(1 << 20), 48
    tracemalloc.start()
    try:
        sealed = vault.deposit(vault.new_name(), (block for _ in range(count)), Level.SECRET, RECORD)
        assert sum(map(len, vault.open(sealed.name, sealed.header, RECORD, sealed.size))) == count << 20
        got = vault.open_range(sealed.name, sealed.header, RECORD, sealed.size, 5, 40 << 20)
        assert sum(map(len, got)) == 40 << 20
        assert tracemalloc.get_traced_memory()[1] < 12 << 20
    finally:
        tracemalloc.stop()
