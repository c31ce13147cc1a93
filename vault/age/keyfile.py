"""Text files of keys as `age-keygen` writes them: one key a line, ``#`` comments, empty lines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from vault.age.hybrid import HybridIdentity, HybridRecipient
from vault.age.recipients import Identity, Recipient, X25519Identity, X25519Recipient

Key = TypeVar("Key")


def parse_identity(text: str) -> X25519Identity | HybridIdentity:
    """One secret key. Raises ValueError, without quoting the text."""
    return HybridIdentity(text) if text.startswith("AGE-SECRET-KEY-PQ-1") else X25519Identity(text)


def parse_recipient(text: str) -> X25519Recipient | HybridRecipient:
    """One public key. Raises ValueError."""
    return HybridRecipient(text) if text.startswith("age1pq1") else X25519Recipient(text)


def read_identities(text: str) -> list[Identity]:
    """The secret keys of an identity file. Raises ValueError naming the line, never its text."""
    return [_parse(parse_identity, number, line) for number, line in _keys(text)]


def read_recipients(text: str) -> list[Recipient]:
    """The public keys of a recipients file. Raises ValueError naming the line."""
    return [_parse(parse_recipient, number, line) for number, line in _keys(text)]


def write_identity(identity: X25519Identity | HybridIdentity) -> str:
    """The text of an identity file, which `age -i` reads."""
    return f"# public key: {identity.recipient}\n{identity.secret()}\n"


def _keys(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.startswith("#"):
            yield number, line.strip()


def _parse(parse: Callable[[str], Key], number: int, line: str) -> Key:
    try:
        return parse(line)
    except ValueError as error:
        raise ValueError(f"line {number}: {error}") from None
