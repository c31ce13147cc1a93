"""An identity on k of n sheets of paper: SLIP-39 by its reference package, and nothing of our own.

The 32 bytes of an age identity are the master secret (256 bit, 33 words a sheet, one group, no passphrase).
The words do not say which kind of identity they hold, X25519 or hybrid: whoever joins brings the recipient,
and only the kind that has it is handed out. Joining is therefore proved, never believed.

Source: SLIP-0039 (SatoshiLabs), package `shamir-mnemonic`. The only module that imports it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from itertools import combinations

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics
from shamir_mnemonic.wordlist import WORD_INDEX_MAP

from vault.age import HybridIdentity, NoIdentity, Recipient, X25519Identity, bech32, decrypt, encrypt
from vault.errors import VaultError

WORDS = 33
"""Words of a sheet that holds 256 bits."""

MOST = 16
"""Sheets of a set, as SLIP-39 has it."""

Paired = X25519Identity | HybridIdentity

_SECRET = 32
_PREFIXES = ("AGE-SECRET-KEY-", "AGE-SECRET-KEY-PQ-")
_PROBE = b"rehearsal"


class SharesError(VaultError):
    """Sheets that cannot be made or joined. Says which sheet and which word, never the word itself."""


class NotAShare(SharesError):
    """A line is not 33 words of the SLIP-39 list, or holds something else than an identity."""


class Mistyped(SharesError):
    """All words are of the list, and the checksum says that one is not the printed one."""


class MixedSets(SharesError):
    """The sheets come from different splits."""


class TooFewSheets(SharesError):
    """Fewer different sheets than the threshold."""


class WrongIdentity(SharesError):
    """The sheets join to an identity that does not belong to the recipient."""


class NotRefused(SharesError):
    """A rehearsal opened the test object with too few sheets. It must never happen."""


@dataclass(frozen=True)
class Rehearsal:
    """`threshold` sheets opened a test object; each of the `refused` smaller subsets of `sheets` sheets did not."""

    threshold: int
    sheets: int
    refused: int


def split(identity: Paired, threshold: int, sheets: int) -> list[str]:
    """`sheets` lines of 33 words; any `threshold` of them join. Raises SharesError unless
    2 <= threshold <= sheets <= 16: a single sheet that opens would be a copy of the key."""
    if not 2 <= threshold <= sheets <= MOST:
        raise SharesError(f"2 <= threshold <= sheets <= {MOST}")
    _, secret = bech32.decode(identity.secret())
    # The exponent slows down guessing a passphrase. There is none, so the lowest is enough.
    groups: list[list[str]] = generate_mnemonics(1, [(threshold, sheets)], secret, iteration_exponent=0)
    return groups[0]


def threshold(lines: Iterable[str]) -> int:
    """How many sheets the set needs. Raises NotAShare, Mistyped, MixedSets, TooFewSheets (no line at all)."""
    needed: int = _set(lines)[0].member_threshold
    return needed


def join(lines: Iterable[str], recipients: Iterable[Recipient]) -> Paired:
    """The identity that the sheets hold and one of `recipients` belongs to. Sheets beyond the threshold must
    be of the same set; the same sheet twice counts once. Raises the errors of this module."""
    shares = _set(lines)
    needed = shares[0].member_threshold
    if len(shares) < needed:
        raise TooFewSheets(f"{len(shares)} of {needed} sheets")
    wanted = set(recipients)
    for start in range(len(shares) - needed + 1):  # each sheet beyond the threshold is proved as well
        secret = _combine(shares[start : start + needed])
        fitting = [one for one in _kinds(secret) if one.recipient in wanted] if secret else []
        if not fitting:
            raise WrongIdentity("the sheets join to no identity of this recipient")
    return fitting[0]


def rehearse(lines: Sequence[str], recipients: Sequence[Recipient]) -> Rehearsal:
    """Seal a test object to `recipients`, open it with the sheets, and fail to open it with every subset of
    one sheet fewer: as they are, and with the threshold on them falsified. Raises the errors of `join`."""
    sealed = b"".join(encrypt([_PROBE], recipients))
    if not _opens(join(lines, recipients), sealed):
        raise WrongIdentity("the joined identity does not open the test object")
    shares, refused = _set(lines), 0
    needed = shares[0].member_threshold
    for few in combinations(shares, needed - 1):
        try:
            join([share.mnemonic() for share in few], recipients)
        except TooFewSheets:
            pass
        else:
            raise NotRefused(f"{needed - 1} sheets were joined")
        forced = _combine([replace(share, member_threshold=needed - 1) for share in few])
        if forced and any(_opens(one, sealed) for one in _kinds(forced)):
            raise NotRefused(f"{needed - 1} sheets opened the test object")
        refused += 1
    return Rehearsal(needed, len(shares), refused)


def _set(lines: Iterable[str]) -> list[Share]:
    """The different sheets of one set, in the order given."""
    found: dict[int, Share] = {}
    for number, line in enumerate(lines, 1):
        share = _read(number, line)
        first = next(iter(found.values()), share)
        if share.group_parameters() != first.group_parameters():
            raise MixedSets(f"sheet {number} belongs to another set")
        if found.setdefault(share.index, share).value != share.value:
            raise MixedSets(f"sheet {number} belongs to another set")
    if not found:
        raise TooFewSheets("no sheet was given")
    return list(found.values())


def _read(number: int, line: str) -> Share:
    words = line.lower().split()
    if len(words) != WORDS:
        raise NotAShare(f"sheet {number}: {len(words)} words, a sheet has {WORDS}")
    unknown = [place for place, word in enumerate(words, 1) if word not in WORD_INDEX_MAP]
    if unknown:
        raise NotAShare(f"sheet {number}: not in the list of words: {', '.join(map(str, unknown))}")
    try:
        share = Share.from_mnemonic(" ".join(words))
    except MnemonicError:  # its message quotes words
        raise Mistyped(f"sheet {number}: the checksum does not fit, a word is mistyped") from None
    if len(share.value) != _SECRET or share.group_count != 1 or share.member_threshold < 2:
        raise NotAShare(f"sheet {number}: a share of something else")
    return share


def _combine(shares: Iterable[Share]) -> bytes | None:
    """The secret, or None where the digest that SLIP-39 keeps with it does not fit."""
    try:
        secret: bytes = combine_mnemonics([share.mnemonic() for share in shares])
    except MnemonicError:
        return None
    return secret


def _kinds(secret: bytes) -> Iterator[Paired]:
    x25519, hybrid = (bech32.encode(prefix, secret) for prefix in _PREFIXES)
    yield X25519Identity(x25519)
    yield HybridIdentity(hybrid)


def _opens(identity: Paired, sealed: bytes) -> bool:
    try:
        return b"".join(decrypt(BytesIO(sealed), [identity])) == _PROBE
    except NoIdentity:
        return False
