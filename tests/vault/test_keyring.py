"""The key folder: readable by the age program, private, and never replaced."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from vault import age
from vault.errors import KeyringError
from vault.keyring import HOLDERS, Keyring
from vault.levels import Level


@pytest.fixture
def folder(keys_folder: Path, tmp_path: Path) -> Path:
    """A key folder of our own to change."""
    return shutil.copytree(keys_folder, tmp_path / "keys")


def test_every_level_and_the_backup_have_a_key_of_their_own(keyring: Keyring) -> None:
    assert keyring.levels == tuple(Level)
    recipients = [str(keyring.recipients(holder)[0]) for holder in HOLDERS]
    assert len(set(recipients)) == len(HOLDERS) == 6
    assert all(keyring.can_open(holder) for holder in (*Level, "backup"))


def test_key_files_are_private_and_the_folder_too(folder: Path) -> None:
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {file.stat().st_mode & 0o777 for file in folder.glob("*.key")} == {0o600}
    assert {file.stat().st_mode & 0o777 for file in folder.glob("*.pub")} == {0o644}
    assert len(list(folder.iterdir())) == 12


def test_the_age_program_reads_the_files(folder: Path, age_program: str) -> None:
    def run(*arguments: str | Path, data: bytes) -> bytes:
        return subprocess.run(
            [age_program, *map(str, arguments)], input=data, capture_output=True, check=True
        ).stdout

    for holder in HOLDERS:
        sealed = run("-R", folder / f"{holder}.pub", data=b"hello")
        assert run("-d", "-i", folder / f"{holder}.key", data=sealed) == b"hello"


def test_keys_are_never_replaced(folder: Path, tmp_path: Path) -> None:
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    with pytest.raises(KeyringError, match="never replaced"):
        Keyring.create(folder)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
    assert [file.name for file in tmp_path.iterdir()] == ["keys"]


def test_an_empty_folder_may_be_filled(tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    assert Keyring.create(tmp_path / "keys").levels == tuple(Level)
    assert [file.name for file in tmp_path.iterdir()] == ["keys"]


def test_recipients_alone_deposit_and_cannot_open(folder: Path) -> None:
    (folder / "topsecret.key").unlink()
    keyring = Keyring.load(folder)
    assert keyring.recipients(Level.TOPSECRET)
    assert not keyring.can_open(Level.TOPSECRET)
    assert len(keyring.every_identity()) == 4
    with pytest.raises(age.NoIdentity, match="topsecret"):
        keyring.identities(Level.TOPSECRET)


def test_identities_alone_know_their_recipients(folder: Path, keyring: Keyring) -> None:
    (folder / "secret.pub").unlink()
    assert Keyring.load(folder).recipients(Level.SECRET) == keyring.recipients(Level.SECRET)


def test_a_level_without_keys_is_not_offered(folder: Path) -> None:
    for file in folder.glob("topsecret.*"):
        file.unlink()
    keyring = Keyring.load(folder)
    assert keyring.levels == (Level.PUBLIC, Level.INTERNAL, Level.CONFIDENTIAL, Level.SECRET)
    with pytest.raises(KeyringError, match="topsecret"):
        keyring.recipients(Level.TOPSECRET)


def test_a_retired_identity_stays_behind_the_active_one(folder: Path) -> None:
    retired, active = (folder / "secret.key").read_text(), age.generate_identity()
    (folder / "secret.key").write_text(age.write_identity(active) + retired)
    (folder / "secret.pub").write_text(f"{active.recipient}\n")
    keyring = Keyring.load(folder)
    assert keyring.recipients(Level.SECRET) == (active.recipient,)
    assert len(keyring.identities(Level.SECRET)) == 2


def test_the_backup_key_opens_no_level(keyring: Keyring) -> None:
    backup = keyring.identities("backup")[0]
    assert backup not in keyring.every_identity()


def test_a_key_file_open_to_others_is_refused(folder: Path) -> None:
    (folder / "secret.key").chmod(0o640)
    with pytest.raises(KeyringError, match=r"secret\.key.*0600"):
        Keyring.load(folder)


def test_recipients_that_no_identity_fits_are_refused(folder: Path) -> None:
    shutil.copy(folder / "public.pub", folder / "secret.pub")
    with pytest.raises(KeyringError, match="does not belong"):
        Keyring.load(folder)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "nonsense\n", "\xff"])
def test_a_file_without_keys_is_refused_by_name_only(folder: Path, text: str) -> None:
    secret = (folder / "secret.key").read_text().splitlines()[-1]
    (folder / "secret.key").write_bytes(
        (text or "").encode("latin-1") + (secret[:-1].encode() if text == "\xff" else b"")
    )
    with pytest.raises(KeyringError, match="secret") as caught:
        Keyring.load(folder)
    assert secret[20:40] not in str(caught.value)


def test_no_folder_and_no_keys_are_said_plainly(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(KeyringError, match="no keys"):
            Keyring.load(folder)
