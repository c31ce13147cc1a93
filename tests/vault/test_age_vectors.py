"""The public test vectors of the age format (C2SP/CCTV), from the npm package `cctv-age`.

The package is not in the repository. It is looked for in the folder CCTV_AGE, else in tests/.cache/cctv-age
(`npm pack cctv-age` and unpack it there); without it these tests are left out, except where CI=true.
"""

from __future__ import annotations

import os
import re
import zlib
from base64 import b64decode
from collections import Counter
from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

from tests.vault.conftest import missing
from vault import age
from vault.age import armor, header, stream

FOLDER = Path(os.environ.get("CCTV_AGE") or Path(__file__).parents[1] / ".cache" / "cctv-age")
VECTOR = re.compile(r'// \.\./testdata/(\S+)\nvar \w+ = __toBinary\("([^"]*)"\)')
KNOWN = {"expect", "payload", "identity", "passphrase", "armored", "compressed", "file key", "comment"}
COUNT = 143

# The reference reads the nonce together with the header; here it belongs to the payload.
NONCE_IS_PAYLOAD = {"stream_no_nonce", "stream_short_nonce"}


@dataclass(frozen=True)
class Vector:
    """One vector: its keys and the file."""

    keys: tuple[tuple[str, str], ...]
    body: bytes

    def value(self, key: str) -> str:
        """The first value of a key, or nothing."""
        return next((value for name, value in self.keys if name == key), "")

    def identities(self) -> list[age.Identity]:
        """Everything the vector is to be opened with."""
        return [
            age.parse_identity(value) if name == "identity" else age.ScryptIdentity(value)
            for name, value in self.keys
            if name in ("identity", "passphrase")
        ]


@cache
def vectors() -> dict[str, Vector]:
    """All vectors at hand by name; none when the package is not."""
    found = {}
    for index in sorted(FOLDER.rglob("index.js"))[:1]:
        for name, text in VECTOR.findall(index.read_text("ascii")):
            head, _, body = b64decode(text).partition(b"\n\n")
            keys = tuple(tuple(line.split(": ", 1)) for line in head.decode().split("\n"))
            vector = Vector(keys, body)  # type: ignore[arg-type]  # pairs by the line above
            compressed = vector.value("compressed") == "zlib"
            found[name] = Vector(vector.keys, zlib.decompress(body)) if compressed else vector
    return found


def test_the_whole_kit_is_at_hand() -> None:
    if not vectors():
        missing(f"no cctv-age package in {FOLDER}", fatal=os.environ.get("CI") == "true")
    assert len(vectors()) >= COUNT
    assert {key for vector in vectors().values() for key, _ in vector.keys} <= KNOWN
    assert Counter(vector.value("expect") for vector in vectors().values()) >= Counter(
        {
            "success": 26,
            "header failure": 62,
            "armor failure": 22,
            "no match": 13,
            "payload failure": 19,
            "HMAC failure": 1,
        }
    )


@pytest.mark.parametrize("name", sorted(vectors()))
def test_vector(name: str) -> None:
    vector = vectors()[name]
    # In one piece, and in pieces that meet no border of the format.
    piece = 7 if len(vector.body) < 10_000 else 4099
    for chunks in ([vector.body], [vector.body[i : i + piece] for i in range(0, len(vector.body), piece)]):
        outcome, released = _read(vector, chunks)
        expected = vector.value("expect")
        assert outcome == ("payload failure" if name in NONCE_IS_PAYLOAD else expected)
        if vector.value("payload"):
            assert sha256(released).hexdigest() == vector.value("payload")


def _read(vector: Vector, chunks: list[bytes]) -> tuple[str, bytes]:
    released = b""
    try:
        file = armor.decode(chunks) if vector.value("armored") else iter(chunks)
        head, payload = header.split(file)
        opened = age.open_header(head, vector.identities())
        assert opened.header.encode() == head
        for piece in stream.decrypt(opened.file_key, payload):
            released += piece
    except age.HeaderDamaged:
        return "HMAC failure", released
    except age.Damaged:
        return "payload failure", released
    except age.HeaderError:
        return "header failure", released
    except age.NoIdentity:
        return "no match", released
    except age.ArmorError:
        return "armor failure", released
    return "success", released
