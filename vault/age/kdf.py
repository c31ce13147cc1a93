"""Key derivation as the age specification fixes it: HKDF-SHA-256, 32 bytes out."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


def hkdf(secret: bytes, salt: bytes, info: bytes) -> bytes:
    """HKDF-Extract with `salt`, HKDF-Expand with `info`."""
    return HKDF(SHA256(), 32, salt, info).derive(secret)
