"""The keys of the levels: one folder of files that the standard `age` program reads as well.

For each holder (the five levels and ``backup``) there may be ``<slug>.pub``, the recipients everything of
the level is sealed for, and ``<slug>.key``, the identities that open it. A process that holds only the
``.pub`` of a level deposits there and cannot read: that is the sealed deposit. A ``.key`` may hold several
identities, the retired ones behind the active one; a ``.pub`` holds the active ones only.
"""

from __future__ import annotations

import os
import secrets
import stat
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from vault.age import (
    HybridIdentity,
    Identity,
    NoIdentity,
    Recipient,
    X25519Identity,
    generate_identity,
    read_identities,
    read_recipients,
    write_identity,
)
from vault.errors import KeyringError
from vault.levels import Level

BACKUP = "backup"
"""The holder that backups are sealed for: not a level, so that no clearance reaches it."""

HOLDERS = (*(level.slug for level in Level), BACKUP)

Holder = Level | str
Key = TypeVar("Key")

_PAIRED = (X25519Identity, HybridIdentity)


class Keyring:
    """Recipients and identities by holder; a holder is a Level or ``"backup"``."""

    def __init__(
        self, recipients: Mapping[str, Sequence[Recipient]], identities: Mapping[str, Sequence[Identity]]
    ) -> None:
        unknown = {*recipients, *identities} - set(HOLDERS)
        if unknown:
            raise KeyringError(f"no such holder: {', '.join(sorted(unknown))}")
        self._recipients = {holder: tuple(keys) for holder, keys in recipients.items() if keys}
        self._identities = {holder: tuple(keys) for holder, keys in identities.items() if keys}

    @classmethod
    def create(cls, folder: Path) -> Keyring:
        """Fresh identities for every holder in `folder`, which must be absent or empty. The folder
        appears complete or not at all. Raises KeyringError."""
        if folder.is_dir() and any(folder.iterdir()):
            raise KeyringError(f"{folder} is not empty; keys are never replaced")
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
        fresh.mkdir(mode=0o700)
        try:
            for holder in HOLDERS:
                identity = generate_identity()
                _write(fresh / f"{holder}.key", write_identity(identity), 0o600)
                _write(fresh / f"{holder}.pub", f"{identity.recipient}\n", 0o644)
            _flush(fresh)
            fresh.rename(folder)
        except OSError as error:
            for file in fresh.glob("*"):
                file.unlink()
            fresh.rmdir()
            raise KeyringError(f"the keys cannot be written: {error}") from error
        _flush(folder.parent)
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path) -> Keyring:
        """The keys in `folder`. Raises KeyringError, naming file and line but no key: when there is no
        folder or no key in it, an identity file is open to others, a file is not one of keys, or an
        identity does not fit the recipients beside it (what is deposited could never be opened)."""
        recipients: dict[str, list[Recipient]] = {}
        identities: dict[str, list[Identity]] = {}
        for holder in HOLDERS:
            public, secret = folder / f"{holder}.pub", folder / f"{holder}.key"
            try:
                if secret.exists():
                    _check_private(secret)
                    identities[holder] = _named(secret, read_identities(secret.read_text("utf-8")))
                if public.exists():
                    recipients[holder] = _named(public, read_recipients(public.read_text("utf-8")))
            except ValueError as error:
                raise KeyringError(f"{secret.with_suffix('')}: {error}") from None
            except OSError as error:
                raise KeyringError(f"{error.filename}: {error.strerror}") from None
            own = [key.recipient for key in identities.get(holder, ()) if isinstance(key, _PAIRED)]
            if own and holder not in recipients:
                recipients[holder] = [own[0]]
            elif own and not set(own) & set(recipients[holder]):
                raise KeyringError(f"{public} does not belong to {secret}")
        if not recipients:
            raise KeyringError(f"there are no keys in {folder}")
        return cls(recipients, identities)

    @property
    def levels(self) -> tuple[Level, ...]:
        """The levels that can be deposited to, in order."""
        return tuple(level for level in Level if level.slug in self._recipients)

    def recipients(self, holder: Holder) -> tuple[Recipient, ...]:
        """Whom to seal for. Raises KeyringError when the holder has no key here."""
        try:
            return self._recipients[_slug(holder)]
        except KeyError:
            raise KeyringError(f"there is no recipient for {_slug(holder)}") from None

    def identities(self, holder: Holder) -> tuple[Identity, ...]:
        """What opens. Raises NoIdentity when the holder is sealed here."""
        try:
            return self._identities[_slug(holder)]
        except KeyError:
            raise NoIdentity(f"the identity for {_slug(holder)} is not here") from None

    def can_open(self, holder: Holder) -> bool:
        """True when an identity of the holder is at hand."""
        return _slug(holder) in self._identities

    def every_identity(self) -> tuple[Identity, ...]:
        """All identities of levels at hand; those of backups open no object of the vault."""
        return tuple(key for level in Level for key in self._identities.get(level.slug, ()))


def key_id(recipients: Iterable[Recipient]) -> str:
    """16 hex digits that name a set of recipients: which keys a header is sealed for, without saying more."""
    text = "\n".join(sorted(str(recipient) for recipient in recipients))
    return sha256(text.encode()).hexdigest()[:16]


def _slug(holder: Holder) -> str:
    return holder.slug if isinstance(holder, Level) else holder


def _check_private(file: Path) -> None:
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise KeyringError(f"{file} is open to others; it must have mode 0600")


def _named(file: Path, keys: list[Key]) -> list[Key]:
    if not keys:
        raise KeyringError(f"{file} holds no key")
    return keys


def _write(file: Path, text: str, mode: int) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "w", encoding="utf-8") as out:
        os.fchmod(descriptor, mode)
        out.write(text)
        out.flush()
        os.fsync(descriptor)


def _flush(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
