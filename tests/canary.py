"""Canaries: words that occur nowhere else, and a search for them through everything an office leaves on a disk.

`Disk` is an office whose data folder lies on a real file system: database with its write-ahead log, file store, index, log,
backups, and a temporary folder of its own for all processes.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import random
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask

from intranet.cli.worker import JsonLines
from intranet.house import House, utc_now
from tests import databases
from tests.office import build, running
from vault.keyring import Keyring
from vault.store_fs import FileStore
from vault.vault import Vault

#: The beginnings of the paths below the folder, and what a thief finds there.
PLACES = {
    "data.db": "database",
    "index/": "index",
    "blobs/": "store",
    "backups/": "backup",
    "log/": "log",
    "tmp/": "temp",
}


class Canary:
    """Two words made from a name: one of Latin letters, one of eight rare Chinese characters (all in GBK)."""

    def __init__(self, name: str) -> None:
        dice = random.Random(f"canary {name}")
        self.name = name
        self.latin = "qz" + "".join(dice.choices("bcdfghjkmnpqrstvwxz", k=14))
        self.chinese = "".join(chr(dice.randrange(0x6000, 0x9000)) for _ in range(8))

    def __str__(self) -> str:
        return f"{self.latin} {self.chinese}"

    def needles(self) -> set[bytes]:
        """Every form in which the words may stand somewhere."""
        found: set[bytes] = set()
        for word in (self.latin, self.latin.upper(), self.chinese):
            for charset in ("utf-8", "utf-16-le", "utf-16-be", "gbk"):
                raw = word.encode(charset)
                found |= {raw, *_in_base64(raw)}
            found |= {json.dumps(word)[1:-1].encode(), quote(word).encode(), quote(word).lower().encode()}
        return found


def _in_base64(raw: bytes) -> Iterator[bytes]:
    """What stays the same of its base64 wherever it begins."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + raw)
        yield text[-(-before * 4 // 3) : len(text) - 4]


def unpacked(data: bytes) -> bytes:
    """The bytes with what is compressed in them (the texts of the index are)."""
    parts, at = [data], -1
    while (at := data.find(b"\x78\x01", at + 1)) >= 0:
        try:
            parts.append(zlib.decompressobj().decompress(data[at:]))
        except zlib.error:
            continue
    return b"\0".join(parts)


def spools(pid: int | str) -> Iterator[bytes]:
    """What a living process holds in files, those without a name included."""
    folder = Path(f"/proc/{pid}/fd")
    for link in folder.iterdir():
        try:
            if (link.stat().st_mode & 0o170000) == 0o100000 and "(deleted)" in os.readlink(link):
                yield link.read_bytes()
        except FileNotFoundError:
            continue  # closed meanwhile


class Disk:
    """Everything below a folder, by place."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def temp(self) -> Path:
        return self.folder / "tmp"

    def contents(self) -> dict[str, list[bytes]]:
        """Place -> the bytes of its files, read now; also the names of the files, which may tell as much."""
        found: dict[str, list[bytes]] = {place: [] for place in PLACES.values()}
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            place = next((where for begin, where in PLACES.items() if name.startswith(begin)), name)
            data = path.read_bytes() if path.is_file() else b""
            found.setdefault(place, []).append(unpacked(data) if place == "index" else data)
            found[place].append(name.encode())
        return found


def places(canary: Canary, contents: dict[str, list[bytes]]) -> set[str]:
    """Where the canary stands in any form."""
    needles = canary.needles()
    return {
        place
        for place, files in contents.items()
        if any(needle in data for data in files for needle in needles)
    }


@contextmanager
def office_on_disk(folder: Path, settled: str, keyring: Keyring, **overrides: object) -> Iterator[Flask]:
    """An office that another process can open, with its own temporary folder and its log in a file."""
    for name in ("tmp", "log"):
        (folder / name).mkdir()
    Keyring.create(folder / "keys")
    handler = logging.FileHandler(folder / "log" / "all.log", encoding="utf-8")
    handler.setFormatter(JsonLines())
    handler.setLevel(logging.DEBUG)
    root = logging.getLogger()
    before = root.level
    with (
        pytest.MonkeyPatch.context() as patch,
        databases.copied(settled, folder) as url,
        running(build(folder, url, keyring=keyring, clock=utc_now, **overrides)) as app,
    ):
        patch.setattr(tempfile, "tempdir", str(folder / "tmp"))
        patch.setenv("TMPDIR", str(folder / "tmp"))
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        house: House = app.extensions["house"]
        house.vault = Vault(FileStore(folder / "blobs", fsync=False), house.keys)
        try:
            yield app
        finally:
            root.setLevel(before)
            root.removeHandler(handler)
            handler.close()
