"""Whole age files: header and payload joined; and the split form that the vault keeps."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from vault.age import armor, stream
from vault.age.header import Header, Stanza, split
from vault.age.recipients import Identity, Recipient, ScryptRecipient, unwrap


@dataclass(frozen=True, slots=True)
class Opened:
    """A header whose MAC was checked, and the file key it wraps."""

    header: Header
    file_key: bytes = field(repr=False)


def new_file_key() -> bytes:
    """16 random bytes. A file key seals one payload only."""
    return os.urandom(stream.FILE_KEY)


def seal_header(
    file_key: bytes, recipients: Iterable[Recipient], extra_stanzas: Sequence[Stanza] = ()
) -> bytes:
    """A header that wraps `file_key` for each recipient; `extra_stanzas` ride along under the MAC and
    are ignored by every age reader that does not know them. Raises ValueError without recipients, or
    when a passphrase is not alone."""
    everybody = list(recipients)
    if not everybody:
        raise ValueError("a file is sealed for at least one recipient")
    stanzas = [*(recipient.wrap(file_key) for recipient in everybody), *extra_stanzas]
    if len(stanzas) > 1 and any(isinstance(recipient, ScryptRecipient) for recipient in everybody):
        raise ValueError("a passphrase is the only recipient of a file")
    return Header.seal(file_key, stanzas).encode()


def open_header(header: bytes, identities: Iterable[Identity]) -> Opened:
    """Parse, unwrap, check the MAC. Raises HeaderError, NoIdentity, HeaderDamaged."""
    parsed = Header.parse(header)
    file_key = unwrap(parsed.stanzas, identities)
    parsed.check(file_key)
    return Opened(parsed, file_key)


def encrypt(
    chunks: Iterable[bytes], recipients: Iterable[Recipient], extra_stanzas: Sequence[Stanza] = ()
) -> Iterator[bytes]:
    """A binary age file of `chunks`. Errors of `seal_header` come at the call."""
    file_key = new_file_key()
    header = seal_header(file_key, recipients, extra_stanzas)
    return _joined(header, stream.encrypt(file_key, chunks))


def decrypt(chunks: Iterable[bytes], identities: Iterable[Identity]) -> Iterator[bytes]:
    """The plain bytes of a binary or armored age file, each authenticated before it is yielded.

    HeaderError, ArmorError, NoIdentity and HeaderDamaged come at the call; Damaged comes where the
    payload is not authentic, and what was yielded before it is no complete file.
    """
    armored, whole = armor.peek(chunks)
    header, payload = split(armor.decode(whole) if armored else whole)
    opened = open_header(header, identities)
    return stream.decrypt(opened.file_key, payload)


def _joined(header: bytes, payload: Generator[bytes]) -> Iterator[bytes]:
    yield header
    yield from payload
