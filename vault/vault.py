"""The vault: seals what is deposited, opens what may be opened, and notices every change in between.

The store holds an age payload without its header (padded to a size class if so wished); the header, which wraps the object's key for the level,
comes back from `deposit` and is kept with the record. Destroying the header destroys the object, and
whoever steals the store or the records alone has nothing. Joined again (`export`) the two are an ordinary
age file.

Each header is bound to its record: an extra stanza, covered by the header's MAC, holds a keyed digest of
the record's identifier. A header that lands at another record is refused with WrongRecord.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256

from vault import age, padding
from vault.age import stream
from vault.age.header import Stanza
from vault.age.kdf import hkdf
from vault.errors import WrongRecord
from vault.keyring import Keyring, key_id
from vault.levels import Level
from vault.store import BLOCK, Corrupt, Store, started

_BINDING = "record-binding"


@dataclass(frozen=True, slots=True)
class Sealed:
    """What to keep of a deposit: `header` is the only way back to the bytes.

    `size` is the length of the plain bytes, `stored` of the sealed ones (with
    their padding), `digest` the SHA-256 (hex) of the same, which proves them unchanged without any key. `key_id` says for which recipients the
    header was sealed (`vault.keyring.key_id`).
    """

    name: str
    header: bytes
    key_id: str
    size: int
    stored: int
    digest: str


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A new header of an object, and which keys it is sealed for (`key_id` of the recipients)."""

    header: bytes
    key_id: str


class Vault:
    """Deposits and opens objects of a store with the keys of a keyring.

    `bind` is whatever names the record for good (its identifier as bytes). Errors: those of `vault.age`
    (HeaderError, NoIdentity, Damaged), of `vault.store`, and WrongRecord. No byte is handed out before it
    is authenticated. Memory is bounded by a few MiB whatever the size of an object. `keyring` may be a
    function that gives the keys of the moment, where they change while the process lives. `padded`: new
    objects are filled up to a size class (`vault.padding`); a store may hold both kinds, both are read.
    """

    def __init__(
        self, store: Store, keyring: Keyring | Callable[[], Keyring], *, padded: bool = False
    ) -> None:
        self.store = store
        self.padded = padded
        self._keyring = keyring

    @property
    def keyring(self) -> Keyring:
        """The keys of the moment."""
        return self._keyring if isinstance(self._keyring, Keyring) else self._keyring()

    @staticmethod
    def new_name() -> str:
        """A random name of 128 bits: says nothing, meets no other."""
        return secrets.token_hex(16)

    def deposit(self, name: str, source: Iterable[bytes], level: Level, bind: bytes) -> Sealed:
        """Seal `source` for `level` and keep it under `name`. Needs the level's recipients only.

        Raises Exists (the object there stays as it is), KeyringError, Unavailable; an exception of the
        source passes through. On failure nothing of this deposit stays visible.
        """
        file_key = age.new_file_key()
        recipients = self.keyring.recipients(level)
        header = age.seal_header(file_key, recipients, [_binding(file_key, bind)])
        plain = _Counted(source)
        payload = stream.encrypt(file_key, plain)
        sealed = _Counted(padding.padded(payload) if self.padded else payload, digest=True)
        kept = self.store.put(name, sealed)
        if kept != sealed.size:
            raise Corrupt(f"{name}: the store kept {kept} bytes of {sealed.size}")
        return Sealed(name, header, key_id(recipients), plain.size, sealed.size, sealed.hexdigest())

    def open(self, name: str, header: bytes, bind: bytes, size: int) -> Iterator[bytes]:
        """The plain bytes of an object, which must be `size` long.

        What is wrong with header, record, key or the first MiB is raised at the call; damage further on
        is raised where it lies, after a true beginning of the object. Only an iteration that ends without
        an error is the whole object.
        """
        file_key = self._file_key(header, bind)
        payload = padding.payload_of(size, self.store.get(name))
        return started(_exactly(size, stream.decrypt(file_key, payload)), BLOCK)

    def open_range(
        self, name: str, header: bytes, bind: bytes, size: int, start: int, length: int
    ) -> Iterator[bytes]:
        """The plain bytes of [start, start + length) that exist, without reading what lies before.

        The end of the object is authenticated first, so a cut or extended object is refused at the call.
        """
        file_key = self._file_key(header, bind)
        exact = stream.payload_size(size)
        if self.store.stat(name).size not in padding.possible(size):
            raise age.Damaged(f"{name}: the object has another length than its record")
        payload = stream.Seekable(
            file_key, lambda at, count: self.store.range(name, at, min(count, exact - at)), exact
        )
        return started(payload.read(start, length), BLOCK)

    def rewrap(self, header: bytes, bind: bytes, old_level: Level, new_level: Level) -> Wrapped:
        """A new header for the same object, sealed for `new_level` (or for the level's newer key). The
        object itself is not touched; whoever keeps the old header and its identity can still open it."""
        opened = age.open_header(header, self.keyring.identities(old_level))
        _check_binding(opened, bind)
        recipients = self.keyring.recipients(new_level)
        header = age.seal_header(opened.file_key, recipients, [_binding(opened.file_key, bind)])
        return Wrapped(header, key_id(recipients))

    def prove(self, header: bytes, bind: bytes, level: Level) -> None:
        """Return when the active identities of `level` alone open the header, each of its stanzas is theirs,
        and it belongs to the record. Raises NoIdentity (somebody else could open it as well, or nobody),
        HeaderError, HeaderDamaged, WrongRecord."""
        active = self.keyring.active(level)
        opened = age.open_header(header, active)
        _check_binding(opened, bind)
        for stanza in opened.header.stanzas:
            if stanza.args[0] != _BINDING and not any(
                key.unwrap(stanza) == opened.file_key for key in active
            ):
                raise age.NoIdentity("a stanza of the header is for another key")

    def verify(
        self,
        name: str,
        header: bytes,
        bind: bytes,
        size: int,
        stored: int,
        digest: str,
        *,
        read_data: bool = False,
        level: Level | None = None,
    ) -> bool:
        """Return when the object is what its record says; raises the error that names what is not.

        Always: the header parses, the lengths agree, the object is there. With the identity at hand: the
        header opens and belongs to the record. `read_data`: every stored byte is read and compared with
        the digest and, with the identity, authenticated. Returns True when the identity was at hand, False
        when all that could be done without it was done.

        A header that no identity opens is either sealed here or damaged; `level`, the record's, decides
        which. Without it, it passes as sealed as long as the identity of any level is missing.
        """
        if stored not in padding.possible(size) or stored != self.store.stat(name).size:
            raise age.Damaged(f"{name}: the object has another length than its record")
        sealed_here = any(
            not self.keyring.can_open(it) for it in (self.keyring.levels if level is None else [level])
        )
        file_key: bytes | None = None
        try:
            file_key = self._file_key(header, bind)
        except age.NoIdentity:
            if not sealed_here:
                raise
        if read_data:
            sealed = _Counted(self.store.get(name), digest=True)
            payload = padding.payload_of(size, sealed)
            for _ in payload if file_key is None else _exactly(size, stream.decrypt(file_key, payload)):
                pass
            if not hmac.compare_digest(sealed.hexdigest(), digest):
                raise age.Damaged(f"{name}: the object has another digest than its record")
        return file_key is not None

    def shred(self, name: str) -> None:
        """Remove the sealed bytes; repeating it is no error. The record's header must go as well."""
        self.store.delete(name)

    def export(self, name: str, header: bytes, size: int) -> Iterator[bytes]:
        """Header and payload joined, without padding: a file that `age -d` opens with the identity of its
        level. `size` is the record's. Needs no key; checks the form of the header and the length only."""
        age.Header.parse(header)
        return _joined(header, padding.payload_of(size, self.store.get(name)))

    def _file_key(self, header: bytes, bind: bytes) -> bytes:
        opened = age.open_header(header, self.keyring.every_identity())
        _check_binding(opened, bind)
        return opened.file_key


class _Counted:
    """The same chunks, counted and, if wished, digested on the way."""

    def __init__(self, chunks: Iterable[bytes], *, digest: bool = False) -> None:
        self._chunks = chunks
        self._digest = sha256()
        self._digesting = digest
        self.size = 0

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._chunks:
            self.size += len(chunk)
            if self._digesting:
                self._digest.update(chunk)
            yield chunk

    def hexdigest(self) -> str:
        """The digest of what has passed, when it was wished."""
        return self._digest.hexdigest()


def _binding(file_key: bytes, bind: bytes) -> Stanza:
    # Keyed, so that an exported file does not tell which record it was.
    return Stanza((_BINDING,), hkdf(file_key, b"", b"record-binding/v1\0" + bind))


def _check_binding(opened: age.Opened, bind: bytes) -> None:
    expected = _binding(opened.file_key, bind)
    found = [stanza for stanza in opened.header.stanzas if stanza.args[0] == _BINDING]
    if len(found) != 1 or not hmac.compare_digest(found[0].body, expected.body):
        raise WrongRecord("the header belongs to another record")


def _exactly(size: int, chunks: Iterable[bytes]) -> Generator[bytes]:
    """The same chunks; Damaged instead of one byte more, or of an end before `size`."""
    left = size
    for chunk in chunks:
        left -= len(chunk)
        if left < 0:
            raise age.Damaged("the object is longer than its record says")
        yield chunk
    if left:
        raise age.Damaged("the object is shorter than its record says")


def _joined(header: bytes, payload: Iterable[bytes]) -> Iterator[bytes]:
    yield header
    yield from payload
