"""The binary payload (C2SP age specification, "Payload"): STREAM over ChaCha20-Poly1305, 64 KiB chunks.

Memory is bounded by a few chunks, however long the stream and however it is cut into pieces.
Nothing leaves `decrypt` or `Seekable` that was not authenticated; a stream cut at a chunk border is found
at its end, because only the last chunk carries the mark of the last.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from vault.age.errors import Damaged
from vault.age.kdf import hkdf

CHUNK = 64 << 10
TAG = 16
SEALED = CHUNK + TAG
NONCE = 16
FILE_KEY = 16

Fetch = Callable[[int, int], Iterable[bytes]]
"""fetch(start, length) -> the payload's bytes there, fewer behind its end."""


def payload_size(size: int) -> int:
    """The length of the payload (nonce and sealed chunks) of `size` plain bytes."""
    return NONCE + size + TAG * _chunks(size, CHUNK)


def plain_size(payload: int) -> int:
    """The inverse of `payload_size`. Raises Damaged for a length no payload has."""
    sealed = payload - NONCE
    chunks = _chunks(sealed, SEALED)
    size = sealed - TAG * chunks
    if sealed < TAG or payload_size(size) != payload:
        raise Damaged("the payload has an impossible length")
    return size


def encrypt(file_key: bytes, chunks: Iterable[bytes]) -> Generator[bytes]:
    """The payload of `chunks`: a fresh nonce, then one sealed chunk after the other."""
    nonce = os.urandom(NONCE)
    aead = _payload_aead(file_key, nonce)
    yield nonce
    for counter, (block, final) in enumerate(_blocks(chunks, CHUNK)):
        yield aead.encrypt(_nonce(counter, final), block, None)


def decrypt(file_key: bytes, chunks: Iterable[bytes]) -> Generator[bytes]:
    """The plain bytes of a payload, each piece authenticated before it is yielded.

    Raises Damaged where the payload was changed, cut, reordered or appended to; what was yielded before
    is a true beginning of the plain text, and its end is only known by the end without an error.
    """
    nonce, sealed = _take(chunks, NONCE)
    yield from _open(_payload_aead(file_key, nonce), sealed, 0, ends=True)


class Seekable:
    """Random access to a payload of `size` bytes. Raises Damaged unless its last chunk is the true last.

    `fetch` reads ranges of the payload. The last chunk is authenticated here, first of all, as the
    specification demands: from then on the length is known to be the length that was written.
    """

    def __init__(self, file_key: bytes, fetch: Fetch, size: int) -> None:
        self.size = plain_size(size)
        self._fetch = fetch
        self._count = _chunks(self.size, CHUNK)
        nonce = b"".join(fetch(0, NONCE))
        if len(nonce) != NONCE:
            raise Damaged("the payload is cut short")
        self._aead = _payload_aead(file_key, nonce)
        at = NONCE + (self._count - 1) * SEALED
        # One byte more than there should be: bytes appended to the payload show here.
        sealed = b"".join(fetch(at, size - at + 1))
        if len(sealed) != size - at:
            raise Damaged("the payload has another length than it should")
        self._last = b"".join(_open(self._aead, [sealed], self._count - 1, ends=True))

    def read(self, start: int, length: int) -> Generator[bytes]:
        """The plain bytes of [start, start + length) that exist. Raises ValueError, Damaged."""
        if start < 0 or length < 0:
            raise ValueError("start and length of a range are not negative")
        end = min(start + length, self.size)
        if start >= end:
            return
        at, skip = start, start % CHUNK
        for piece in self._pieces(start // CHUNK, (end - 1) // CHUNK):
            part = piece[skip : skip + end - at]
            skip = 0
            at += len(part)
            yield part

    def _pieces(self, first: int, last: int) -> Iterator[bytes]:
        """The plain text of chunks `first` to `last`; the very last is at hand already."""
        middle = min(last + 1, self._count - 1)
        if first < middle:
            wanted = (middle - first) * SEALED
            sealed = self._fetch(NONCE + first * SEALED, wanted)
            yield from _open(self._aead, sealed, first, ends=False, wanted=wanted)
        if last == self._count - 1:
            yield self._last


def _open(
    aead: ChaCha20Poly1305, chunks: Iterable[bytes], counter: int, *, ends: bool, wanted: int | None = None
) -> Generator[bytes]:
    """Open sealed chunks from number `counter` on; `ends`: these run to the end of the payload."""
    seen = 0
    for block, final in _blocks(chunks, SEALED):
        seen += len(block)
        if final and wanted is not None and seen != wanted:
            raise Damaged("the payload is cut short")
        last = ends and final
        plain = _open_chunk(aead, counter, last, block)
        if plain is None:
            # A full chunk may be authentic with the other mark, which tells what happened. A short one is the
            # last or nothing.
            plain = None if len(block) < SEALED else _open_chunk(aead, counter, not last, block)
            if plain is None:
                raise Damaged(f"chunk {counter} is not authentic")
            yield plain
            raise Damaged("the payload is cut short" if last else "something follows the payload")
        if last and counter and not plain:
            raise Damaged("the last chunk is empty")
        if plain:
            yield plain
        counter += 1


def _open_chunk(aead: ChaCha20Poly1305, counter: int, last: bool, sealed: memoryview) -> bytes | None:
    try:
        return aead.decrypt(_nonce(counter, last), sealed, None)
    except InvalidTag:
        return None


def _payload_aead(file_key: bytes, nonce: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(hkdf(file_key, nonce, b"payload"))


def _nonce(counter: int, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + (b"\x01" if last else b"\x00")


def _chunks(size: int, chunk: int) -> int:
    """How many chunks hold `size` bytes: the empty payload has one, empty, chunk."""
    return max(1, -(-size // chunk))


def _take(chunks: Iterable[bytes], count: int) -> tuple[bytes, Iterator[bytes]]:
    """The first `count` bytes and the rest as a stream. Raises Damaged when there are fewer."""
    pieces = iter(chunks)
    held = b""
    while len(held) < count:
        piece = next(pieces, None)
        if piece is None:
            raise Damaged("the payload is cut short")
        held += piece
    return held[:count], _joined(held[count:], pieces)


def _joined(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _blocks(chunks: Iterable[bytes], size: int) -> Iterator[tuple[memoryview, bool]]:
    """The same bytes in blocks of exactly `size`, the last one shorter or empty, each with "is the last".

    Needs one block of look-ahead, since the last must be known as such. Pieces of the right size pass without being
    copied, which is why mutable pieces are copied first: their owner may reuse them. The others are put together in two
    buffers that take turns (a fresh one for each block costs more than sealing it): a block is true until the next is
    asked for.
    """
    full: memoryview | None = None
    spare, partial = memoryview(bytearray(size)), memoryview(bytearray(size))
    filled = 0
    for chunk in chunks:
        rest = memoryview(bytes(chunk))  # no copy for bytes
        while rest:
            if full is not None:
                yield full, False
                full = None
            if not filled and len(rest) >= size:
                full, rest = rest[:size], rest[size:]
                continue
            taken = min(size - filled, len(rest))
            partial[filled : filled + taken] = rest[:taken]
            filled += taken
            rest = rest[taken:]
            if filled == size:
                full, partial, spare, filled = partial, spare, partial, 0
    yield (partial[:filled] if full is None else full), True
