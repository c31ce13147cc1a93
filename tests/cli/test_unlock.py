"""`make serve` asks for the passphrase of the keys at the terminal, once, and keeps it off the disk."""

from __future__ import annotations

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from intranet.settings import ROOT
from tests.office import SECRET_KEY
from vault import keyfiles
from vault.keyring import HOLDERS, Keyring

WORD = "朝露 correct horse"


@pytest.fixture
def office(tmp_path: Path) -> Path:
    """A data folder with keys, two of them under a passphrase."""
    Keyring.create(tmp_path / "keys")
    for holder in ("secret", "topsecret"):
        keyfiles.protect(tmp_path / "keys", holder, WORD, log_n=4)
    env = _environment(tmp_path)
    subprocess.run([sys.executable, "-m", "flask", "--app", "wsgi", "init"], cwd=ROOT, env=env, check=True)
    return tmp_path


def _environment(folder: Path) -> dict[str, str]:
    env = {k: v for k, v in os.environ.items() if not k.startswith("INTRANET_")}
    return env | {"INTRANET_DATA": str(folder), "INTRANET_SECRET_KEY": SECRET_KEY}


def unlock(folder: Path, typed: str | None) -> tuple[str, str]:
    """What the script prints for its caller, and what it says; `typed` None: nobody is at a terminal."""
    if typed is None:
        done = subprocess.run(
            ["deploy/unlock.sh"], cwd=ROOT, env=_environment(folder), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        return done.stdout.strip(), done.stderr
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    done = subprocess.run(
        ["deploy/unlock.sh"], cwd=ROOT, env=_environment(folder), stdin=theirs, capture_output=True, text=True, check=True
    )  # fmt: skip
    os.close(ours)
    os.close(theirs)
    return done.stdout.strip(), done.stderr


def test_the_right_word_opens_and_stays_in_memory(office: Path) -> None:
    printed, said = unlock(office, f"wrong guess\n{WORD}\n")
    file = Path(printed)
    try:
        assert file.is_relative_to("/dev/shm")
        assert file.read_text("utf-8") == f"{WORD}\n"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
        assert "wrong passphrase" in said and WORD not in said
        ring = Keyring.load(office / "keys", file.read_text("utf-8").splitlines())
        assert all(ring.can_open(holder) for holder in HOLDERS)
    finally:
        file.unlink()
        file.parent.rmdir()


def test_without_a_word_or_a_person_the_levels_stay_sealed(office: Path) -> None:
    before = set(Path("/dev/shm").glob("intranet-*"))
    for typed in ("\n", None):
        printed, said = unlock(office, typed)
        assert printed == "" and "secret topsecret" in said
    assert set(Path("/dev/shm").glob("intranet-*")) <= before
