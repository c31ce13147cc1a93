"""The hybrid post-quantum recipient type MLKEM768-X25519 (X-Wing) of the age specification.

Opens and seals files of age 1.3 and later; older age programs cannot read them. HPKE itself is
`cryptography`'s. Raises `cryptography.exceptions.UnsupportedAlgorithm` where its OpenSSL has no ML-KEM.
"""

from __future__ import annotations

import os
from hashlib import shake_256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)

from vault.age import bech32
from vault.age.errors import HeaderError
from vault.age.header import Stanza, decode64, encode64
from vault.age.stream import FILE_KEY, TAG

_TYPE = "mlkem768x25519"
_INFO = b"age-encryption.org/mlkem768x25519"
_MLKEM_PUBLIC = 1184
_ENCAPSULATED = 1120


def _suite() -> Suite:
    return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)


class HybridRecipient:
    """A public key ``age1pq1…``. Raises ValueError for anything else."""

    def __init__(self, text: str) -> None:
        prefix, self._raw = bech32.decode(text)
        if prefix != "age1pq" or len(self._raw) != _MLKEM_PUBLIC + 32:
            raise ValueError("not an age key of this kind")
        self._key = MLKEM768X25519PublicKey(
            MLKEM768PublicKey.from_public_bytes(self._raw[:_MLKEM_PUBLIC]),
            X25519PublicKey.from_public_bytes(self._raw[_MLKEM_PUBLIC:]),
        )

    def wrap(self, file_key: bytes) -> Stanza:
        """See Recipient.wrap."""
        sealed = _suite().encrypt(file_key, self._key, _INFO)
        return Stanza((_TYPE, encode64(sealed[:_ENCAPSULATED])), sealed[_ENCAPSULATED:])

    def __str__(self) -> str:
        return bech32.encode("age1pq", self._raw)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HybridRecipient) and self._raw == other._raw

    def __hash__(self) -> int:
        return hash(self._raw)


class HybridIdentity:
    """A secret key ``AGE-SECRET-KEY-PQ-1…``. Raises ValueError for anything else, without quoting it."""

    def __init__(self, text: str) -> None:
        prefix, self._seed = bech32.decode(text)
        if prefix != "AGE-SECRET-KEY-PQ-" or len(self._seed) != 32:
            raise ValueError("not an age key of this kind")
        expanded = shake_256(self._seed).digest(96)
        self._mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:64])
        self._x25519 = X25519PrivateKey.from_private_bytes(expanded[64:])
        self._key = MLKEM768X25519PrivateKey(self._mlkem, self._x25519)

    @classmethod
    def generate(cls) -> HybridIdentity:
        """A fresh identity from the operating system's randomness."""
        return cls(bech32.encode("AGE-SECRET-KEY-PQ-", os.urandom(32)))

    @property
    def recipient(self) -> HybridRecipient:
        """The public half."""
        public = self._mlkem.public_key().public_bytes_raw() + self._x25519.public_key().public_bytes_raw()
        return HybridRecipient(bech32.encode("age1pq", public))

    def secret(self) -> str:
        """The text of the secret key: for the key file only, never for a log."""
        return bech32.encode("AGE-SECRET-KEY-PQ-", self._seed)

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """See Identity.unwrap."""
        if stanza.args[0] != _TYPE:
            return None
        if len(stanza.args) != 2:
            raise HeaderError("a hybrid stanza has one argument")
        share = decode64(stanza.args[1])
        if len(share) != _ENCAPSULATED:
            raise HeaderError("a hybrid share has 1120 bytes")
        if len(stanza.body) != FILE_KEY + TAG:
            raise HeaderError("a wrapped file key has 32 bytes")
        try:
            self._x25519.exchange(X25519PublicKey.from_public_bytes(share[-32:]))
        except ValueError:  # the all-zero secret of a low-order point
            raise HeaderError("a hybrid share is of low order") from None
        try:
            return _suite().decrypt(share + stanza.body, self._key, _INFO)
        except InvalidTag:
            return None
