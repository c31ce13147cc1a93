"""Size classes: sealed objects filled up with random bytes so that their length says little.

Padmé (Nikitin et al., "Reducing Metadata Leakage from Encrypted Files and Communication with PURBs", PETS
2019): a length keeps only as many significant bits as its exponent needs, so that it leaks O(log log)
bits, for at most 12 % more. Random bytes look like ciphertext; only the record's size tells where it ends.
"""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator

from vault.age.errors import Damaged
from vault.age.stream import payload_size

_PIECE = 1 << 20


def padme(length: int) -> int:
    """The smallest Padmé size that holds `length` bytes (a positive number)."""
    exponent = length.bit_length() - 1
    free = exponent - exponent.bit_length()
    mask = (1 << max(0, free)) - 1
    return (length + mask) & ~mask


def possible(size: int) -> tuple[int, int]:
    """The lengths an object of `size` plain bytes may have in the store: exact, padded."""
    exact = payload_size(size)
    return exact, padme(exact)


def padded(payload: Iterable[bytes]) -> Iterator[bytes]:
    """The payload, then random bytes up to its Padmé size, in pieces of at most 1 MiB."""
    length = 0
    for chunk in payload:
        length += len(chunk)
        yield chunk
    left = padme(length) - length
    while left:
        piece = os.urandom(min(left, _PIECE))
        left -= len(piece)
        yield piece


def payload_of(size: int, sealed: Iterable[bytes]) -> Generator[bytes]:
    """The payload of `size` plain bytes alone; reads `sealed` to its end.

    Raises Damaged when what follows the payload is neither nothing nor a whole padding.
    """
    exact, full = possible(size)
    seen = 0
    for chunk in sealed:
        part = chunk[: max(0, exact - seen)]
        seen += len(chunk)
        if part:
            yield part
    if seen > exact and seen != full:
        raise Damaged("something else than its padding follows the payload")
