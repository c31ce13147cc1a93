"""The files of one key folder: read, written whole, and stepped from one generation to the next.

``<slug>.key`` holds identities, the active one first, each behind comment lines with its generation, state
and public key; ``<slug>.pub`` holds the recipients. A ``.key`` may itself be an age file under a passphrase,
as `age -p` writes it, which the `age` program accepts as an identity file too.
"""

from __future__ import annotations

import fcntl
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from vault import age
from vault.age import HybridIdentity, Recipient, X25519Identity, armor
from vault.age.recipients import SCRYPT_LOG_N
from vault.errors import KeyringError

OwnIdentity = X25519Identity | HybridIdentity

_NOTE = re.compile(r"#\s*generation:\s*(\d{1,6})\s*")
_AGE_FILES = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")


@dataclass(frozen=True, slots=True)
class Kept:
    """An identity and its generation, counted from 1."""

    identity: OwnIdentity = field(repr=False)
    generation: int


@dataclass(frozen=True, slots=True)
class KeyFile:
    """What a key file holds: `keys`, the active one first; none while it is `locked`. `passphrase` is the one that
    opened it, None for a file in clear."""

    keys: tuple[Kept, ...]
    passphrase: str | None = field(default=None, repr=False)
    locked: bool = False


def read(file: Path, passphrases: Sequence[str] = ()) -> KeyFile:
    """The key file; locked when none of the passphrases fits. Raises ValueError (naming the line, never its
    text), OSError, KeyringError when it is open to others or holds no key."""
    if stat.S_IMODE(file.stat().st_mode) & 0o077:
        raise KeyringError(f"{file} is open to others; it must have mode 0600")
    raw = file.read_bytes()
    if not raw.startswith(_AGE_FILES):
        return KeyFile(_parsed(file, raw))
    for passphrase in passphrases:
        try:
            plain = b"".join(age.decrypt([raw], [age.ScryptIdentity(passphrase)]))
        except age.NoIdentity:
            continue
        except age.AgeError as error:
            raise KeyringError(f"{file}: {error}") from None
        return KeyFile(_parsed(file, plain), passphrase)
    return KeyFile((), locked=True)


def text_of(keys: Sequence[Kept]) -> str:
    """The text of a key file in clear; the first of `keys` is the active one."""
    states = ["active"] + ["retired"] * (len(keys) - 1)
    return "".join(
        f"# generation: {key.generation}\n# state: {state}\n{age.write_identity(key.identity)}"
        for key, state in zip(keys, states, strict=True)
    )


def write_keys(
    file: Path, keys: Sequence[Kept], passphrase: str | None, *, log_n: int = SCRYPT_LOG_N
) -> None:
    """Replace a key file whole, under the passphrase if there is one. Raises OSError."""
    data = text_of(keys).encode()
    if passphrase is not None:
        sealed = age.encrypt([data], [age.ScryptRecipient(passphrase, log_n=log_n)])
        data = b"".join(armor.encode(sealed))
    replace(file, data, 0o600)


def write_recipients(file: Path, recipients: Sequence[Recipient]) -> None:
    """Replace a recipients file whole. Raises OSError."""
    replace(file, "".join(f"{recipient}\n" for recipient in recipients).encode(), 0o644)


def generate(*, hybrid: bool) -> OwnIdentity:
    """A fresh identity, post-quantum hybrid if wished."""
    return HybridIdentity.generate() if hybrid else age.generate_identity()


def rotate(
    folder: Path,
    holder: str,
    passphrases: Sequence[str] = (),
    *,
    hybrid: bool = False,
    log_n: int = SCRYPT_LOG_N,
) -> int:
    """A fresh active identity for the holder; the others stay behind it as retired. Returns its generation.

    A rotation that was cut between the two files is finished instead. Raises KeyringError when the
    identities are not here or locked, or the recipients hold one that is not theirs: what is sealed for
    somebody else as well could not be proved free of old keys."""
    with locked(folder):
        held, recipients = _pair(folder, holder, passphrases)
        if held.keys[0].identity.recipient in recipients:
            own = {key.identity.recipient for key in held.keys}
            if not own.issuperset(recipients):
                raise KeyringError(f"{holder}.pub holds a recipient whose identity is not in {holder}.key")
            number = max(key.generation for key in held.keys) + 1
            fresh = Kept(generate(hybrid=hybrid), number)
            held = KeyFile((fresh, *held.keys), held.passphrase)
            # The key file first: whatever is sealed for the new recipient can be opened from the start.
            write_keys(folder / f"{holder}.key", held.keys, held.passphrase, log_n=log_n)
        write_recipients(folder / f"{holder}.pub", [held.keys[0].identity.recipient])
        return held.keys[0].generation


def half_written(folder: Path, holder: str, passphrases: Sequence[str] = ()) -> bool:
    """True where the key file has a newer identity than the recipients. Raises KeyringError."""
    with locked(folder):
        held, recipients = _pair(folder, holder, passphrases)
    return held.keys[0].identity.recipient not in recipients


def forget(folder: Path, holder: str, passphrases: Sequence[str] = (), *, log_n: int = SCRYPT_LOG_N) -> int:
    """Remove the retired identities for good; how many they were. Whether nothing is sealed for them any
    more is for the caller to prove first. Raises KeyringError, also while a rotation is half written."""
    with locked(folder):
        held, recipients = _pair(folder, holder, passphrases)
        active = tuple(key for key in held.keys if key.identity.recipient in recipients)
        if held.keys[0] not in active:
            raise KeyringError(f"{holder}.pub is older than {holder}.key: finish the rotation first")
        if len(active) < len(held.keys):
            write_keys(folder / f"{holder}.key", active, held.passphrase, log_n=log_n)
        return len(held.keys) - len(active)


def protect(
    folder: Path,
    holder: str,
    passphrase: str | None,
    passphrases: Sequence[str] = (),
    *,
    log_n: int = SCRYPT_LOG_N,
) -> None:
    """Put the key file under another passphrase, or with None in clear. Raises KeyringError."""
    with locked(folder):
        held, _recipients = _pair(folder, holder, passphrases)
        write_keys(folder / f"{holder}.key", held.keys, passphrase, log_n=log_n)


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time changes the folder. Raises KeyringError for what the system refuses."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
    except OSError as error:
        raise KeyringError(f"{error.filename or folder}: {error.strerror}") from error


def create(file: Path, data: bytes, mode: int) -> None:
    """Write a file that is not there yet, down to the disk."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as out:
        os.fchmod(descriptor, mode)
        out.write(data)
        out.flush()
        os.fsync(descriptor)


def replace(file: Path, data: bytes, mode: int) -> None:
    """Write a file anew: after a crash there is the old one or the new one."""
    part = file.with_name(f".{file.name}.new")
    part.unlink(missing_ok=True)
    create(part, data, mode)
    part.rename(file)
    flush(file.parent)


def flush(folder: Path) -> None:
    """Names that were made or changed in the folder reach the disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _pair(folder: Path, holder: str, passphrases: Sequence[str]) -> tuple[KeyFile, list[Recipient]]:
    secret, public = folder / f"{holder}.key", folder / f"{holder}.pub"
    if not secret.exists():
        raise KeyringError(f"the identity for {holder} is not here")
    try:
        held = read(secret, passphrases)
        recipients = age.read_recipients(public.read_text("utf-8")) if public.exists() else []
    except ValueError as error:
        raise KeyringError(f"{secret.with_suffix('')}: {error}") from None
    if held.locked:
        raise KeyringError(f"{secret} is locked: its passphrase is needed")
    return held, recipients or [held.keys[0].identity.recipient]


def _parsed(file: Path, raw: bytes) -> tuple[Kept, ...]:
    text = raw.decode("utf-8")
    identities = age.read_identities(text)
    if not identities:
        raise KeyringError(f"{file} holds no key")
    noted: list[int | None] = []
    note: int | None = None
    for line in text.splitlines():
        if found := _NOTE.fullmatch(line):
            note = int(found[1])
        elif line.strip() and not line.startswith("#"):
            noted.append(note)
            note = None
    # A file of another hand has no such notes: the last identity counts as the oldest.
    return tuple(
        Kept(identity, len(identities) - at if number is None else number)
        for at, (identity, number) in enumerate(zip(identities, noted, strict=True))
        if isinstance(identity, OwnIdentity)
    )
