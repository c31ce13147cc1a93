"""The keeper's commands: proved objects, sealed files that the `age` program opens, a verified move."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from intranet.house import House
from tests.office import Office
from vault.age import write_identity
from vault.keyring import Keyring
from vault.levels import Level
from vault.store_fs import FileStore

BODY = "供热主管第三段须在采暖期前更换。".encode()


def run(app: Flask, *words: str, code: int = 0) -> Any:
    done = app.test_cli_runner().invoke(args=[*words, "--json"])
    assert done.exit_code == code, done.output
    return json.loads(done.stdout)


@pytest.fixture
def number(desk: Office) -> str:
    blob = desk.deposit("custodian", BODY, "评估.txt", Level.CONFIDENTIAL)
    return desk.add("document", "custodian", level=Level.CONFIDENTIAL, blobs=(blob,)).number


def test_a_sealed_file_opens_without_this_product(
    app: Flask, number: str, keyring: Keyring, tmp_path: Path
) -> None:
    if shutil.which("age") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("age is missing: apt-get install age")
        pytest.skip("age is missing: apt-get install age")
    run(app, "vault", "export", number, "--to", str(tmp_path / "out.age"))
    assert BODY not in (tmp_path / "out.age").read_bytes()
    card = tmp_path / "card.key"
    card.write_text("".join(write_identity(key) for key in keyring.identities(Level.CONFIDENTIAL)))
    opened = subprocess.run(
        ["age", "-d", "-i", str(card), str(tmp_path / "out.age")], capture_output=True, check=True
    )
    assert opened.stdout == BODY


def test_every_object_is_proved_and_a_bad_byte_is_an_alarm(
    app: Flask, number: str, house: House, desk: Office
) -> None:
    assert run(app, "vault", "verify", "--read-data")["checked"] == 1
    store: Any = house.vault.store
    name = next(iter(store._objects))
    held = store._objects[name]
    data = bytearray(held.data if hasattr(held, "data") else held[0])
    data[-1] ^= 1
    store.delete(name)
    store.put(name, [bytes(data)])
    found = run(app, "vault", "verify", "--read-data", code=1)
    assert found["damaged"][0][1] == number
    assert [a.outcome for a in desk.audit("body.damaged")] == ["alarm"]


def test_objects_move_to_another_store_and_twice_is_once(app: Flask, number: str, tmp_path: Path) -> None:
    target = f"file:{tmp_path / 'elsewhere'}"
    assert run(app, "vault", "move", "--to", target)["copied"] == 1
    again = run(app, "vault", "move", "--to", target)
    assert (again["copied"], again["present"]) == (0, 1)
    assert len(list(FileStore(tmp_path / "elsewhere").list())) == 1


def test_the_keys_are_shown_without_their_secrets(app: Flask, keyring: Keyring) -> None:
    shown = json.dumps(run(app, "vault", "keys"))
    assert "AGE-SECRET-KEY" not in shown
    assert run(app, "vault", "seal-check")["ok"]
