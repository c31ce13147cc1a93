"""Files and deposits sealed once, committed, and to be opened by every later version."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest

from vault import age
from vault.errors import WrongRecord
from vault.keyring import Keyring
from vault.levels import Level
from vault.store_memory import MemoryStore
from vault.vault import Vault

VECTORS = json.loads(Path(__file__).with_name("vectors.json").read_text("utf-8"))


def identity(text: str) -> age.Identity:
    """A key or a passphrase as the vectors write it."""
    if text.startswith("passphrase:"):
        return age.ScryptIdentity(text.removeprefix("passphrase:"))
    return age.parse_identity(text)


@pytest.mark.parametrize("vector", VECTORS["files"], ids=lambda vector: str(vector["name"]))
@pytest.mark.parametrize("piece", [1, 100_000])
def test_file(vector: dict[str, Any], piece: int) -> None:
    file = b64decode(vector["file"])
    released, outcome = b"", ""
    try:
        keys = [identity(text) for text in vector["identities"]]
        for chunk in age.decrypt((file[at : at + piece] for at in range(0, len(file), piece)), keys):
            released += chunk
    except age.AgeError as error:
        outcome = type(error).__name__
    assert (outcome, released) == (vector["expect"], b64decode(vector["plain"]))


def test_the_vectors_cover_every_error() -> None:
    expected = {"", "NoIdentity", "HeaderDamaged", "HeaderError", "Damaged", "ArmorError"}
    assert {vector["expect"] for vector in VECTORS["files"]} == expected


@pytest.mark.parametrize("vector", VECTORS["deposits"], ids=lambda vector: str(vector["name"]))
def test_deposit(vector: dict[str, Any]) -> None:
    key = age.parse_identity(vector["identity"])
    vault = Vault(MemoryStore(), Keyring({vector["level"]: [key.recipient]}, {vector["level"]: [key]}))
    vault.store.put(vector["name"], [b64decode(vector["object"])])
    header, bind = b64decode(vector["header"]), vector["bind"].encode()
    opened = vault.open(vector["name"], header, bind, vector["size"])
    assert b"".join(opened) == b64decode(vector["plain"])
    level = Level.parse(vector["level"])
    record = (vector["size"], vector["stored"], vector["digest"])
    assert vault.verify(vector["name"], header, bind, *record, read_data=True, level=level)
    with pytest.raises(WrongRecord):
        vault.open(vector["name"], header, b"item:18", vector["size"])
