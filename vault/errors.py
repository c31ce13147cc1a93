"""The errors of the vault. Every one names what is wrong; none carries plaintext or key material."""

from __future__ import annotations


class VaultError(Exception):
    """Base of everything this library raises on purpose."""


class WrongRecord(VaultError):
    """The header belongs to another record: two records or two headers were swapped."""


class KeyringError(VaultError):
    """The key files cannot be used: missing, readable by others, or not what they claim to be."""
