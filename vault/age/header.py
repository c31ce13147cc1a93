"""The textual header of an age v1 file (C2SP age specification, "Header"): strict both ways.

A header that parses has exactly one spelling, so `Header.encode` gives back the bytes that were read.
"""

from __future__ import annotations

import hmac
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from vault.age.errors import HeaderDamaged, HeaderError
from vault.age.kdf import hkdf

VERSION_LINE = b"age-encryption.org/v1\n"
LIMIT = 1 << 20
"""No header is longer: a file that never ends its header must not fill the memory."""

_COLUMNS = 64


@dataclass(frozen=True, slots=True)
class Stanza:
    """One recipient stanza: its arguments (the first names the type) and its body."""

    args: tuple[str, ...]
    body: bytes

    def encode(self) -> bytes:
        """The lines of the stanza. Raises ValueError for arguments the format cannot carry."""
        if not self.args or not all(map(_is_argument, self.args)):
            raise ValueError("stanza arguments are words of visible ASCII")
        body = encode64(self.body)
        lines = [body[at : at + _COLUMNS] for at in range(0, len(body), _COLUMNS)]
        if len(body) % _COLUMNS == 0:  # the last line is shorter than the others, if need be empty
            lines.append("")
        return "\n".join(["-> " + " ".join(self.args), *lines, ""]).encode("ascii")


@dataclass(frozen=True, slots=True)
class Header:
    """Stanzas and MAC. The MAC is only as good as `check`, which needs the file key."""

    stanzas: tuple[Stanza, ...]
    mac: bytes

    @classmethod
    def seal(cls, file_key: bytes, stanzas: Sequence[Stanza]) -> Header:
        """A new header over `stanzas`, which must all wrap or belong to `file_key`."""
        if not stanzas:
            raise ValueError("a header has at least one stanza")
        return cls(tuple(stanzas), _mac(file_key, _signed(stanzas)))

    @classmethod
    def parse(cls, data: bytes) -> Header:
        """The header in `data`, which holds nothing else. Raises HeaderError."""
        if not data.startswith(VERSION_LINE):
            raise HeaderError("not an age v1 file")
        if not data.endswith(b"\n"):
            raise HeaderError("the header is cut short")
        lines = iter(data[len(VERSION_LINE) : -1].split(b"\n"))
        stanzas = []
        for line in lines:
            if line.startswith(b"---"):
                mac = _parse_mac(line)
                break
            stanzas.append(_parse_stanza(line, lines))
        else:
            raise HeaderError("the header has no MAC")
        if next(lines, None) is not None:
            raise HeaderError("something follows the header")
        if not stanzas:
            raise HeaderError("the header has no stanza")
        return cls(tuple(stanzas), mac)

    def encode(self) -> bytes:
        """The bytes of the header, from the version line to the newline behind the MAC."""
        return _signed(self.stanzas) + b" " + encode64(self.mac).encode("ascii") + b"\n"

    def check(self, file_key: bytes) -> None:
        """Return when the MAC fits the stanzas; raises HeaderDamaged otherwise."""
        if not hmac.compare_digest(self.mac, _mac(file_key, _signed(self.stanzas))):
            raise HeaderDamaged("the header was changed after it was written")


def split(chunks: Iterable[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """The bytes of the header at the front of a file, and the rest of the file still as a stream.

    The header is cut off by its last line only; `Header.parse` judges it. Raises HeaderError when there
    is no such line within LIMIT.
    """
    pieces = iter(chunks)
    held = bytearray()
    looked = 0
    for piece in pieces:
        held += piece
        if not held.startswith(VERSION_LINE[: len(held)]):
            raise HeaderError("not an age v1 file")
        mark = held.find(b"\n---", looked)
        end = held.find(b"\n", mark + 1) if mark >= 0 else -1
        if end >= 0:
            return bytes(held[: end + 1]), _followed(bytes(held[end + 1 :]), pieces)
        if len(held) > LIMIT:
            raise HeaderError("the header is too long")
        looked = mark if mark >= 0 else max(0, len(held) - 3)
    raise HeaderError("the header is cut short")


def encode64(data: bytes) -> str:
    """Base64 without padding."""
    return b64encode(data).decode("ascii").rstrip("=")


def decode64(text: str) -> bytes:
    """The bytes of canonical unpadded base64. Raises HeaderError for any other spelling."""
    try:
        data = b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (Base64Error, ValueError):
        raise HeaderError("bad base64") from None
    if encode64(data) != text:
        raise HeaderError("base64 is not canonical")
    return data


def _followed(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from rest


def _signed(stanzas: Iterable[Stanza]) -> bytes:
    return VERSION_LINE + b"".join(stanza.encode() for stanza in stanzas) + b"---"


def _mac(file_key: bytes, signed: bytes) -> bytes:
    return hmac.digest(hkdf(file_key, b"", b"header"), signed, sha256)


def _parse_mac(line: bytes) -> bytes:
    if not line.startswith(b"--- "):
        raise HeaderError("the MAC line is malformed")
    mac = decode64(_ascii(line[4:]))
    if len(mac) != 32:
        raise HeaderError("the MAC has a wrong length")
    return mac


def _parse_stanza(first: bytes, lines: Iterator[bytes]) -> Stanza:
    if not first.startswith(b"-> "):
        raise HeaderError("a line of the header is neither stanza nor MAC")
    args = tuple(_ascii(first[3:]).split(" "))
    if not all(map(_is_argument, args)):
        raise HeaderError("a stanza has a malformed argument")
    body = ""
    for line in lines:
        if len(line) > _COLUMNS:
            raise HeaderError("a line of a stanza is too long")
        body += _ascii(line)
        if len(line) < _COLUMNS:
            return Stanza(args, decode64(body))
    raise HeaderError("a stanza is cut short")


def _ascii(data: bytes) -> str:
    try:
        return data.decode("ascii")
    except UnicodeDecodeError:
        raise HeaderError("the header is not ASCII") from None


def _is_argument(word: str) -> bool:
    return bool(word) and all("!" <= character <= "~" for character in word)
