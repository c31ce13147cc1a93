"""ASCII armor (C2SP age, "ASCII armor"): strict PEM both ways, as streams.

Accepted besides the one canonical form: CRLF line ends and white space before and after the block.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterable, Iterator

from vault.age.errors import ArmorError

BEGIN = b"-----BEGIN AGE ENCRYPTED FILE-----"
END = b"-----END AGE ENCRYPTED FILE-----"
_COLUMNS = 64
_LINE_BYTES = 48
_SPACE = b" \t\r\n"
_SPACE_LIMIT = 1024
_BATCH = 4096
"""Lines decoded at a time: 192 KiB."""


def encode(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The armored form of a stream."""
    yield BEGIN + b"\n"
    held = b""
    for chunk in chunks:
        held += chunk
        whole = len(held) // _LINE_BYTES * _LINE_BYTES
        if whole:
            yield _lines(held[:whole])
            held = held[whole:]
    yield _lines(held) + END + b"\n"


def decode(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes inside the armor. Raises ArmorError for anything but one well-formed block."""
    lines = _split(chunks)
    if next(lines, b"") != BEGIN:
        raise ArmorError("the armor does not begin as it should")
    batch: list[bytes] = []
    short = False
    for line in lines:
        if line == END:
            break
        if short or not line or len(line) > _COLUMNS:
            raise ArmorError("a line of the armor has a wrong length")
        short = len(line) < _COLUMNS or line.endswith(b"=")
        batch.append(line)
        if len(batch) == _BATCH:
            yield _bytes(b"".join(batch))
            batch.clear()
    else:
        raise ArmorError("the armor is cut short")
    yield _bytes(b"".join(batch))
    for line in lines:
        if line.strip(_SPACE):
            raise ArmorError("something follows the armor")


def peek(chunks: Iterable[bytes]) -> tuple[bool, Iterator[bytes]]:
    """Whether a stream looks armored, and the same stream whole again."""
    pieces = iter(chunks)
    held = b""
    for piece in pieces:
        held += piece
        text = held.lstrip(_SPACE)
        if len(text) >= len(BEGIN) or (text and not BEGIN.startswith(text)) or len(held) > _SPACE_LIMIT:
            break
    return held.lstrip(_SPACE).startswith(BEGIN), _again(held, pieces)


def _again(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _lines(data: bytes) -> bytes:
    text = b64encode(data)
    return b"".join(text[at : at + _COLUMNS] + b"\n" for at in range(0, len(text), _COLUMNS))


def _bytes(text: bytes) -> bytes:
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise ArmorError("bad base64 in the armor") from None
    if b64encode(data) != text:
        raise ArmorError("base64 in the armor is not canonical")
    return data


def _split(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Lines without their ends; leading white space is dropped, no line or run of space is unbounded."""
    held = b""
    begun = False
    spaces = 0
    for chunk in chunks:
        held += chunk
        if not begun:
            spaces += len(held) - len(held := held.lstrip(_SPACE))
            begun = bool(held)
        *lines, held = held.split(b"\n")
        for line in lines:
            spaces += not line.strip(_SPACE)
            yield line[:-1] if line.endswith(b"\r") else line
        if len(held) > _SPACE_LIMIT or spaces > _SPACE_LIMIT:
            raise ArmorError("a line of the armor is too long")
    if held:
        yield held
