"""Size classes: an object's length says little, and everything else stays as it was."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault import age
from vault.age import stream
from vault.keyring import Keyring
from vault.levels import Level
from vault.padding import padme
from vault.store_memory import MemoryStore
from vault.vault import Sealed, Vault

RECORD = b"item:17/blob:4"


@pytest.fixture
def vault(keyring: Keyring) -> Vault:
    """A vault that pads."""
    return Vault(MemoryStore(), keyring, padded=True)


def exchange(vault: Vault, sealed: Sealed, body: bytes) -> None:
    """Put other bytes in the place of an object."""
    vault.store.delete(sealed.name)
    vault.store.put(sealed.name, [body])


def verify(vault: Vault, sealed: Sealed) -> bool:
    """Verify every byte against the record."""
    return vault.verify(
        sealed.name, sealed.header, RECORD, sealed.size, sealed.stored, sealed.digest, read_data=True
    )


@given(st.integers(1, 1 << 50), st.integers(1, 1 << 50))
def test_size_classes_are_monotone_and_cost_twelve_percent(one: int, two: int) -> None:
    low, high = sorted((one, two))
    assert padme(low) <= padme(high)
    assert low <= padme(low) <= low * 1.12
    assert padme(padme(low)) == padme(low)


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 3_000_001])
def test_a_padded_object_is_read_exported_and_proved(
    vault: Vault, keyring: Keyring, size: int, age_program: str, keys_folder: Path
) -> None:
    text = (bytes(range(251)) * (size // 251 + 1))[:size]
    sealed = vault.deposit(vault.new_name(), [text], Level.SECRET, RECORD)
    assert sealed.stored == vault.store.stat(sealed.name).size == padme(stream.payload_size(size))
    plain_reader = Vault(vault.store, keyring)
    exact = plain_reader.deposit(vault.new_name(), [text], Level.SECRET, RECORD)
    assert exact.stored == stream.payload_size(size)
    for reader in (vault, plain_reader):
        for it in (sealed, exact):
            assert b"".join(reader.open(it.name, it.header, RECORD, size)) == text
            got = reader.open_range(it.name, it.header, RECORD, size, max(0, size - 70_000), 80_000)
            assert b"".join(got) == text[max(0, size - 70_000) :]
            assert verify(reader, it)
    exported = b"".join(vault.export(sealed.name, sealed.header, size))
    command = [age_program, "-d", "-i", str(keys_folder / "secret.key")]
    assert subprocess.run(command, input=exported, capture_output=True, check=True).stdout == text


def test_changed_padding_is_found_by_verifying(vault: Vault) -> None:
    sealed = vault.deposit(vault.new_name(), [bytes(100_000)], Level.SECRET, RECORD)
    body = b"".join(vault.store.get(sealed.name))
    assert len(body) > stream.payload_size(100_000)
    for changed in (
        body[:-1],
        body[: stream.payload_size(100_000)],
        body + b"x",
        body[:-1] + bytes([body[-1] ^ 1]),
    ):
        exchange(vault, sealed, changed)
        with pytest.raises(age.Damaged):
            verify(vault, sealed)


@pytest.mark.parametrize("at", [0, 20, stream.CHUNK + 50, -1])
def test_a_changed_payload_is_never_released(vault: Vault, at: int) -> None:
    sealed = vault.deposit(vault.new_name(), [bytes(100_000)], Level.SECRET, RECORD)
    body = bytearray(b"".join(vault.store.get(sealed.name)))
    body[stream.payload_size(100_000) - 1 if at < 0 else at] ^= 1
    exchange(vault, sealed, bytes(body))
    with pytest.raises(age.Damaged):
        b"".join(vault.open(sealed.name, sealed.header, RECORD, sealed.size))
    with pytest.raises(age.Damaged):
        b"".join(vault.open_range(sealed.name, sealed.header, RECORD, sealed.size, 0, sealed.size))
    with pytest.raises(age.Damaged):
        verify(vault, sealed)
