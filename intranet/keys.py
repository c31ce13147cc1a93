"""The keys as a running process sees them: newest files, the passphrases given at its start."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Lock

from vault import keyfiles
from vault.errors import KeyringError
from vault.keyring import HOLDERS, Keyring

log = logging.getLogger("intranet")

Signature = tuple[tuple[int, int, int], ...]


class LiveKeyring:
    """Calling it gives the keyring of `folder`, read again when a file of it has changed.

    An office not yet initialised has no folder and no keys: nothing can be deposited or opened. A changed folder
    that cannot be read is logged once and the keys before stay; at the first reading KeyringError is raised.
    `hybrid`: new identities are post-quantum ones.
    """

    def __init__(
        self, folder: Path, *, passphrase_file: str = "", hybrid: bool = False, log_n: int | None = None
    ) -> None:
        self.folder = folder
        self._file = passphrase_file
        self._given: list[str] = []
        self._hybrid = hybrid
        self._cost = {} if log_n is None else {"log_n": log_n}
        self._lock = Lock()
        self._seen: Signature | None = None
        self._ring: Keyring | None = None
        self._once: list[str] | None = None
        self._read()  # at once: a descriptor gives its bytes to the first reader

    def __call__(self) -> Keyring:
        with self._lock:
            # Looked at before the reading: what changes meanwhile is read again at the next call.
            seen = self._signature()
            if self._ring is None or seen != self._seen:
                self._ring = self._load(self._ring)
                self._seen = seen
            return self._ring

    @property
    def passphrases(self) -> list[str]:
        """Those typed in and those of the file, which is read again where it can be."""
        return [*self._given, *self._read()]

    def unlock(self, passphrase: str) -> Keyring:
        """The keyring once this passphrase is known as well."""
        with self._lock:
            self._given.insert(0, passphrase)
            self._seen = None
        return self()

    def rotate(self, holder: str) -> int:
        """See `vault.keyfiles.rotate`."""
        return keyfiles.rotate(self.folder, holder, self.passphrases, hybrid=self._hybrid, **self._cost)

    def forget(self, holder: str) -> int:
        """See `vault.keyfiles.forget`."""
        return keyfiles.forget(self.folder, holder, self.passphrases, **self._cost)

    def protect(self, holder: str, passphrase: str | None) -> None:
        """See `vault.keyfiles.protect`."""
        keyfiles.protect(self.folder, holder, passphrase, self.passphrases, **self._cost)

    def half_written(self, holder: str) -> bool:
        """True where a rotation was cut between the two files of the holder."""
        return keyfiles.half_written(self.folder, holder, self.passphrases)

    def _load(self, before: Keyring | None) -> Keyring:
        if not self.folder.exists():
            return before or Keyring({}, {})
        try:
            ring = Keyring.load(self.folder, self.passphrases)
        except KeyringError as error:
            if before is None:
                raise
            log.error("keys.reload", extra={"why": str(error)})
            return before
        if ring.locked:
            log.warning("keys.locked", extra={"holders": sorted(ring.locked)})
        return ring

    def _read(self) -> list[str]:
        """One passphrase a line; as read before where the file (by now) gives nothing."""
        if self._file and (self._once is None or Path(self._file).is_file()):
            try:
                lines = Path(self._file).read_text("utf-8").splitlines()
                self._once = [line for line in lines if line]
            except (OSError, UnicodeDecodeError) as error:
                if self._once is None:
                    raise KeyringError(f"KEY_PASSPHRASE_FILE: {type(error).__name__}") from None
        return self._once or []

    def _signature(self) -> Signature:
        found = []
        for holder in HOLDERS:
            for ending in ("key", "pub"):
                try:
                    stat = (self.folder / f"{holder}.{ending}").stat()
                    found.append((stat.st_mtime_ns, stat.st_size, stat.st_ino))
                except OSError:
                    found.append((0, 0, 0))
        return tuple(found)
