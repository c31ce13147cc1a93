"""Key files from one generation to the next: cut anywhere they load, and the next rotation finishes them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from vault import age, keyfiles
from vault.errors import KeyringError
from vault.keyring import Keyring
from vault.levels import Level
from vault.store_memory import MemoryStore
from vault.vault import Vault


@pytest.fixture
def folder(keys_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(keys_folder, tmp_path / "keys"))


def test_a_rotation_puts_a_fresh_identity_before_the_retired_one_and_says_so(folder: Path) -> None:
    before = Keyring.load(folder)
    assert keyfiles.rotate(folder, "secret") == 2
    after = Keyring.load(folder)
    assert after.generation(Level.SECRET) == 2
    assert after.retired(Level.SECRET) == 1
    assert after.identities(Level.SECRET)[1].recipient == before.recipients(Level.SECRET)[0]  # type: ignore[attr-defined]
    notes = [line for line in (folder / "secret.key").read_text().splitlines() if line.startswith("#")]
    assert notes[:2] == ["# generation: 2", "# state: active"]
    assert notes[3:5] == ["# generation: 1", "# state: retired"]
    assert keyfiles.forget(folder, "secret") == 1
    assert Keyring.load(folder).generation(Level.SECRET) == 2


def test_cut_between_its_two_files_a_rotation_loads_and_is_finished_by_the_next(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = Keyring.load(folder).recipients(Level.SECRET)

    def cut(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(keyfiles, "write_recipients", cut)
        with pytest.raises(KeyringError, match="No space"):
            keyfiles.rotate(folder, "secret")
    half = Keyring.load(folder)
    assert half.recipients(Level.SECRET) == old
    assert keyfiles.half_written(folder, "secret")
    with pytest.raises(KeyringError, match="finish"):
        keyfiles.forget(folder, "secret")
    assert keyfiles.rotate(folder, "secret") == 2
    assert not keyfiles.half_written(folder, "secret")
    whole = Keyring.load(folder)
    assert whole.recipients(Level.SECRET) != old
    assert whole.retired(Level.SECRET) == 1


def test_a_recipient_whose_identity_is_elsewhere_stops_a_rotation(folder: Path) -> None:
    other = age.generate_identity().recipient
    with (folder / "secret.pub").open("a") as file:
        file.write(f"{other}\n")
    before = (folder / "secret.key").read_bytes()
    with pytest.raises(KeyringError, match="identity is not in"):
        keyfiles.rotate(folder, "secret")
    assert (folder / "secret.key").read_bytes() == before


def test_a_header_that_somebody_else_opens_as_well_is_not_proved(folder: Path) -> None:
    keyring = Keyring.load(folder)
    vault = Vault(MemoryStore(), keyring)
    bind = b"blob/1"
    vault.prove(vault.deposit("one", [b"x"], Level.SECRET, bind).header, bind, Level.SECRET)
    both = Keyring(
        {"secret": [*keyring.recipients(Level.SECRET), age.generate_identity().recipient]},
        {"secret": keyring.identities(Level.SECRET)},
    )
    header = Vault(vault.store, both).deposit("two", [b"x"], Level.SECRET, bind).header
    with pytest.raises(age.NoIdentity, match="another key"):
        vault.prove(header, bind, Level.SECRET)


def test_hybrid_keys_seal_open_and_rotate_from_plain_ones(folder: Path, tmp_path: Path) -> None:
    made = Keyring.create(tmp_path / "hybrid", hybrid=True)
    assert all(str(made.recipients(level)[0]).startswith("age1pq1") for level in Level)
    vault = Vault(MemoryStore(), lambda: Keyring.load(folder))
    sealed = vault.deposit("one", [b"x"], Level.SECRET, b"bind")
    keyfiles.rotate(folder, "secret", hybrid=True)
    wrapped = vault.rewrap(sealed.header, b"bind", Level.SECRET, Level.SECRET)
    vault.prove(wrapped.header, b"bind", Level.SECRET)
    assert b"mlkem768x25519" in wrapped.header
    assert b"".join(vault.open("one", wrapped.header, b"bind", sealed.size)) == b"x"
