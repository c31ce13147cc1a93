"""The binary payload (C2SP age specification, "Payload"): STREAM over ChaCha20-Poly1305, 64 KiB chunks.

Memory is bounded by a few batches of 1 MiB, however long the stream and however it is cut into pieces.
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
_BATCH = 16
"""Chunks sealed or opened for one piece of output: 1 MiB amortises the cost of Python per chunk."""

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
    """The payload of `chunks`: a fresh nonce, then the sealed stream, in pieces of about 1 MiB."""
    nonce = os.urandom(NONCE)
    aead = _payload_aead(file_key, nonce)
    yield nonce
    out = bytearray()
    counter = 0
    for block, final in _blocks(chunks, _BATCH * CHUNK):
        count = _chunks(len(block), CHUNK)
        filled = len(block) + count * TAG
        if len(out) < filled:
            out = bytearray(filled)
        with memoryview(block) as plain, memoryview(out) as sealed:
            for index in range(count):
                piece = plain[index * CHUNK : (index + 1) * CHUNK]
                place = sealed[index * SEALED : index * SEALED + len(piece) + TAG]
                aead.encrypt_into(_nonce(counter, final and index == count - 1), piece, None, place)
                counter += 1
            yield bytes(sealed[:filled])


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
    out = bytearray()
    for block, final in _blocks(chunks, _BATCH * SEALED):
        seen += len(block)
        if final and wanted is not None and seen != wanted:
            raise Damaged("the payload is cut short")
        count = _chunks(len(block), SEALED)
        if len(out) < count * CHUNK:
            out = bytearray(min(len(block), count * CHUNK))
        filled = 0
        failure = ""
        with memoryview(block) as sealed, memoryview(out) as plain:
            for index in range(count):
                piece = sealed[index * SEALED : (index + 1) * SEALED]
                last = ends and final and index == count - 1
                place = plain[filled : filled + max(0, len(piece) - TAG)]
                if not _open_chunk(aead, counter, last, piece, place):
                    # A full chunk may be authentic with the other mark, which tells what happened. A short
                    # one is the last or nothing.
                    if len(piece) < SEALED or not _open_chunk(aead, counter, not last, piece, place):
                        failure = f"chunk {counter} is not authentic"
                        break
                    failure = "the payload is cut short" if last else "something follows the payload"
                elif last and counter and not place:
                    failure = "the last chunk is empty"
                filled += len(place)
                counter += 1
                if failure:
                    break
            if filled:
                yield bytes(plain[:filled])
        if failure:
            raise Damaged(failure)


def _open_chunk(
    aead: ChaCha20Poly1305, counter: int, last: bool, sealed: memoryview, place: memoryview
) -> bool:
    if len(sealed) < TAG:
        return False
    try:
        aead.decrypt_into(_nonce(counter, last), sealed, None, place)
    except InvalidTag:
        return False
    return True


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


def _blocks(chunks: Iterable[bytes], size: int) -> Iterator[tuple[bytes | bytearray | memoryview, bool]]:
    """The same bytes in blocks of exactly `size`, the last one shorter or empty, each with "is the last".

    Needs one block of look-ahead, since the last must be known as such. Pieces of the right size pass
    without being copied, which is why mutable pieces are copied first: their owner may reuse them.
    """
    full: bytearray | memoryview | None = None
    partial = bytearray()
    for chunk in chunks:
        rest = memoryview(bytes(chunk))  # no copy for bytes
        while rest:
            if full is not None:
                yield full, False
                full = None
            if not partial and len(rest) >= size:
                full, rest = rest[:size], rest[size:]
                continue
            taken = size - len(partial)
            partial += rest[:taken]
            rest = rest[taken:]
            if len(partial) == size:
                full, partial = partial, bytearray()
    yield (partial if full is None else full), True
