"""`init`, `doctor`: an empty office from nothing, twice the same, and everything it stands on looked at."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from intranet.settings import ROOT


def flask(data: Path, *words: str, code: int = 0) -> Any:
    """A command as the operator runs it, in a process of its own; its JSON."""
    environment = os.environ | {"INTRANET_DATA": str(data)}
    command = [sys.executable, "-m", "flask", "--app", "wsgi", *words, "--json"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == code, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("office") / "instance"
    made = flask(data, "init", "--admin", "root.admin")
    assert (made["made"], made["password_set"]) == (True, False)
    return data


def test_what_it_makes_is_closed_to_others(office: Path) -> None:
    assert stat.S_IMODE(office.stat().st_mode) == 0o700
    assert stat.S_IMODE((office / "secret_key").stat().st_mode) == 0o600
    assert stat.S_IMODE((office / "data.db").stat().st_mode) == 0o600
    identities = list((office / "keys").glob("*.key"))
    assert len(identities) == 6, "one for each level, one for backups"
    assert all(stat.S_IMODE(k.stat().st_mode) == 0o600 for k in identities)


def test_again_changes_nothing(office: Path) -> None:
    before = {p: p.read_bytes() for p in [*(office / "keys").iterdir(), office / "secret_key"]}
    assert flask(office, "init", "--admin", "root.admin")["made"] is False
    assert before == {p: p.read_bytes() for p in before}


def test_the_doctor_finds_what_is_missing(office: Path) -> None:
    found = flask(office, "doctor", code=1)["checks"]
    assert found["keys"]["ok"] and found["database"]["ok"] and found["store"]["ok"] and found["audit"]["ok"]
    assert not found["backup"]["ok"], "there is none yet"
    flask(office, "backup", "run")
    assert flask(office, "doctor")["ok"]
    (office / "keys").chmod(0o755)
    try:
        assert not flask(office, "doctor", code=1)["checks"]["folders"]["ok"]
    finally:
        (office / "keys").chmod(0o700)
