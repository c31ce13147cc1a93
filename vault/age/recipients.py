"""Who may open a file: recipients wrap the file key, identities unwrap it.

Source: C2SP age specification, "Native recipient types".
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from vault.age import bech32
from vault.age.errors import HeaderError, NoIdentity
from vault.age.header import Stanza, decode64, encode64
from vault.age.kdf import hkdf
from vault.age.stream import FILE_KEY, TAG

SCRYPT_LOG_N = 18
SCRYPT_LOG_N_MAX = 22
"""Work factors as the age program has them: about a second to write; beyond the limit a file is an attack."""

_X25519_INFO = b"age-encryption.org/v1/X25519"
_SCRYPT_SALT = b"age-encryption.org/v1/scrypt"
_ZERO_NONCE = bytes(12)
_WORK_FACTOR = re.compile(r"[1-9][0-9]*")


class Recipient(Protocol):
    """Whoever a file is sealed for."""

    def wrap(self, file_key: bytes) -> Stanza:
        """A stanza that only the matching identity turns back into `file_key`."""


class Identity(Protocol):
    """Whoever opens a file."""

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """The file key, or None when the stanza is for somebody else. Raises HeaderError when it is of
        our type and malformed."""


class X25519Recipient:
    """A public key ``age1…``. Raises ValueError for anything else."""

    def __init__(self, text: str) -> None:
        self._raw = _decode_key(text, "age")
        self._key = X25519PublicKey.from_public_bytes(self._raw)

    def wrap(self, file_key: bytes) -> Stanza:
        """See Recipient.wrap."""
        ephemeral = X25519PrivateKey.generate()
        share = ephemeral.public_key().public_bytes_raw()
        key = hkdf(ephemeral.exchange(self._key), share + self._raw, _X25519_INFO)
        return Stanza(("X25519", encode64(share)), _seal(key, file_key))

    def __str__(self) -> str:
        return bech32.encode("age", self._raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, X25519Recipient) and self._raw == other._raw

    def __hash__(self) -> int:
        return hash(self._raw)


class X25519Identity:
    """A secret key ``AGE-SECRET-KEY-1…``. Raises ValueError for anything else, without quoting it."""

    def __init__(self, text: str) -> None:
        self._key = X25519PrivateKey.from_private_bytes(_decode_key(text, "AGE-SECRET-KEY-"))
        self._public = self._key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> X25519Identity:
        """A fresh identity from the operating system's randomness."""
        return cls(bech32.encode("AGE-SECRET-KEY-", os.urandom(32)))

    @property
    def recipient(self) -> X25519Recipient:
        """The public half."""
        return X25519Recipient(bech32.encode("age", self._public))

    def secret(self) -> str:
        """The text of the secret key: for the key file only, never for a log."""
        return bech32.encode("AGE-SECRET-KEY-", self._key.private_bytes_raw())

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """See Identity.unwrap."""
        if stanza.args[0] != "X25519":
            return None
        if len(stanza.args) != 2:
            raise HeaderError("an X25519 stanza has one argument")
        share = decode64(stanza.args[1])
        if len(share) != 32:
            raise HeaderError("an X25519 share has 32 bytes")
        _check_body(stanza)
        try:
            shared = self._key.exchange(X25519PublicKey.from_public_bytes(share))
        except ValueError:  # the all-zero secret of a low-order point
            raise HeaderError("an X25519 share is of low order") from None
        return _open(hkdf(shared, share + self._public, _X25519_INFO), stanza.body)


class ScryptRecipient:
    """A passphrase; it must be the only recipient of a file."""

    def __init__(self, passphrase: str, *, log_n: int = SCRYPT_LOG_N) -> None:
        self._passphrase = passphrase.encode()
        self._log_n = log_n

    def wrap(self, file_key: bytes) -> Stanza:
        """See Recipient.wrap."""
        salt = os.urandom(16)
        key = _stretch(self._passphrase, salt, self._log_n)
        return Stanza(("scrypt", encode64(salt), str(self._log_n)), _seal(key, file_key))


class ScryptIdentity:
    """A passphrase to open with. A work factor above `max_log_n` is refused before any work."""

    def __init__(self, passphrase: str, *, max_log_n: int = SCRYPT_LOG_N_MAX) -> None:
        self._passphrase = passphrase.encode()
        self._max_log_n = max_log_n

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """See Identity.unwrap."""
        if stanza.args[0] != "scrypt":
            return None
        if len(stanza.args) != 3:
            raise HeaderError("a scrypt stanza has two arguments")
        salt = decode64(stanza.args[1])
        if len(salt) != 16:
            raise HeaderError("a scrypt salt has 16 bytes")
        if not _WORK_FACTOR.fullmatch(stanza.args[2]):
            raise HeaderError("a scrypt work factor is a decimal number")
        if len(stanza.args[2]) > 3 or int(stanza.args[2]) > self._max_log_n:
            raise HeaderError("the scrypt work factor is too large")
        _check_body(stanza)
        return _open(_stretch(self._passphrase, salt, int(stanza.args[2])), stanza.body)


def unwrap(stanzas: Sequence[Stanza], identities: Iterable[Identity]) -> bytes:
    """The file key by the first identity that fits. Raises NoIdentity, HeaderError."""
    if len(stanzas) > 1 and any(stanza.args[0] == "scrypt" for stanza in stanzas):
        raise HeaderError("a passphrase must be the only recipient")
    for identity in identities:
        for stanza in stanzas:
            file_key = identity.unwrap(stanza)
            if file_key is not None:
                return file_key
    raise NoIdentity("no identity at hand opens this file")


def generate_identity() -> X25519Identity:
    """A fresh X25519 identity."""
    return X25519Identity.generate()


def _decode_key(text: str, prefix: str) -> bytes:
    found, data = bech32.decode(text)
    if found != prefix or len(data) != 32:
        raise ValueError("not an age key of this kind")
    return data


def _check_body(stanza: Stanza) -> None:
    # Before any decryption: a longer body could be made to open under many keys (partitioning oracle).
    if len(stanza.body) != FILE_KEY + TAG:
        raise HeaderError("a wrapped file key has 32 bytes")


def _stretch(passphrase: bytes, salt: bytes, log_n: int) -> bytes:
    return Scrypt(_SCRYPT_SALT + salt, 32, 1 << log_n, 8, 1).derive(passphrase)


def _seal(key: bytes, file_key: bytes) -> bytes:
    return ChaCha20Poly1305(key).encrypt(_ZERO_NONCE, file_key, None)


def _open(key: bytes, body: bytes) -> bytes | None:
    try:
        return ChaCha20Poly1305(key).decrypt(_ZERO_NONCE, body, None)
    except InvalidTag:
        return None
