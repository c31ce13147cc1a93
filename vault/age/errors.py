"""The errors of the age format. None of them carries plaintext or key material."""

from __future__ import annotations

from vault.errors import VaultError


class AgeError(VaultError):
    """Base of what reading or writing an age file raises."""


class HeaderError(AgeError):
    """The header breaks the format (or is not one), or a stanza meant for us is malformed."""


class NoIdentity(AgeError):
    """None of the identities given opens this file."""


class Damaged(AgeError):
    """Authentication failed: bytes were changed, cut, appended or reordered."""


class HeaderDamaged(Damaged):
    """The file key is right but the MAC of the header is not: a stanza was changed, added or removed."""


class ArmorError(AgeError):
    """The ASCII armor is not the one canonical encoding."""
