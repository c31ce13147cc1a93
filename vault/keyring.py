"""The keys of the levels: one folder of files that the standard `age` program reads as well.

For each holder (the five levels and ``backup``) there may be ``<slug>.pub``, the recipients everything of
the level is sealed for, and ``<slug>.key``, the identities that open it. A process that holds only the
``.pub`` of a level deposits there and cannot read: that is the sealed deposit. A ``.key`` may hold several
identities, the retired ones behind the active one; a ``.pub`` holds the active ones only.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

from vault import keyfiles
from vault.age import (
    HybridIdentity,
    Identity,
    NoIdentity,
    Recipient,
    X25519Identity,
    read_recipients,
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
        self,
        recipients: Mapping[str, Sequence[Recipient]],
        identities: Mapping[str, Sequence[Identity]],
        *,
        generations: Mapping[str, int] | None = None,
        locked: Iterable[str] = (),
    ) -> None:
        self.locked = frozenset(locked)
        """The holders whose identities are here, but under a passphrase that was not given."""
        unknown = {*recipients, *identities, *self.locked} - set(HOLDERS)
        if unknown:
            raise KeyringError(f"no such holder: {', '.join(sorted(unknown))}")
        self._recipients = {holder: tuple(keys) for holder, keys in recipients.items() if keys}
        self._identities = {holder: tuple(keys) for holder, keys in identities.items() if keys}
        self._generations = dict(generations or {})

    @classmethod
    def create(cls, folder: Path, *, hybrid: bool = False) -> Keyring:
        """Fresh identities for every holder in `folder`, which must be absent or empty; `hybrid` makes
        post-quantum ones. The folder appears complete or not at all. Raises KeyringError."""
        if folder.is_dir() and any(folder.iterdir()):
            raise KeyringError(f"{folder} is not empty; keys are never replaced")
        folder.parent.mkdir(parents=True, exist_ok=True)
        fresh = folder.with_name(f".{folder.name}-{secrets.token_hex(8)}")
        fresh.mkdir(mode=0o700)
        try:
            for holder in HOLDERS:
                key = keyfiles.Kept(keyfiles.generate(hybrid=hybrid), 1)
                keyfiles.write_keys(fresh / f"{holder}.key", [key], None)
                keyfiles.write_recipients(fresh / f"{holder}.pub", [key.identity.recipient])
            fresh.rename(folder)
        except OSError as error:
            for file in fresh.glob("*"):
                file.unlink()
            fresh.rmdir()
            raise KeyringError(f"the keys cannot be written: {error}") from error
        keyfiles.flush(folder.parent)
        return cls.load(folder)

    @classmethod
    def load(cls, folder: Path, passphrases: Sequence[str] = ()) -> Keyring:
        """The keys in `folder`; a key file that none of the passphrases opens leaves its holder sealed.

        Raises KeyringError, naming file and line but no key: when there is no folder or no key in it, an
        identity file is open to others, a file is not one of keys, or an identity does not fit the
        recipients beside it (what is deposited could never be opened)."""
        recipients: dict[str, list[Recipient]] = {}
        identities: dict[str, list[Identity]] = {}
        generations: dict[str, int] = {}
        locked: list[str] = []
        for holder in HOLDERS:
            public, secret = folder / f"{holder}.pub", folder / f"{holder}.key"
            own: list[Recipient] = []
            try:
                if secret.exists():
                    held = keyfiles.read(secret, passphrases)
                    identities[holder] = [key.identity for key in held.keys]
                    own = [key.identity.recipient for key in held.keys]
                    generations |= {holder: held.keys[0].generation} if held.keys else {}
                    locked += [holder] if held.locked else []
                if public.exists():
                    recipients[holder] = _named(public, read_recipients(public.read_text("utf-8")))
            except ValueError as error:
                raise KeyringError(f"{secret.with_suffix('')}: {error}") from None
            except OSError as error:
                raise KeyringError(f"{error.filename}: {error.strerror}") from None
            if own and holder not in recipients:
                recipients[holder] = [own[0]]
            elif own and not set(own) & set(recipients[holder]):
                raise KeyringError(f"{public} does not belong to {secret}")
        if not recipients:
            raise KeyringError(f"there are no keys in {folder}")
        return cls(recipients, identities, generations=generations, locked=locked)

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
            why = "locked" if _slug(holder) in self.locked else "not here"
            raise NoIdentity(f"the identity for {_slug(holder)} is {why}") from None

    def active(self, holder: Holder) -> tuple[Identity, ...]:
        """The identities that fit the recipients of today: the retired ones left out. Raises NoIdentity."""
        today = set(self.recipients(holder))
        return tuple(
            key for key in self.identities(holder) if isinstance(key, _PAIRED) and key.recipient in today
        )

    def retired(self, holder: Holder) -> int:
        """How many identities wait behind the active ones."""
        return len(self.identities(holder)) - len(self.active(holder)) if self.can_open(holder) else 0

    def generation(self, holder: Holder) -> int | None:
        """Which generation of identities is active, from 1; None where that cannot be seen here."""
        return self._generations.get(_slug(holder))

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


def _named(file: Path, keys: list[Key]) -> list[Key]:
    if not keys:
        raise KeyringError(f"{file} holds no key")
    return keys
