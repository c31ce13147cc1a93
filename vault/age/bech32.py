"""Bech32 (BIP 173) without its length limit, as age uses it for recipients and identities."""

from __future__ import annotations

_CHARSET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {character: value for value, character in enumerate(_CHARSET)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)


def encode(prefix: str, data: bytes) -> str:
    """The Bech32 form of `data`; the case of `prefix` is the case of the whole."""
    low = prefix.lower()
    values = _regroup(data, 8, 5, pad=True)
    check = _polymod([*_expand(low), *values, 0, 0, 0, 0, 0, 0]) ^ 1
    values += [check >> 5 * (5 - place) & 31 for place in range(6)]
    text = low + "1" + "".join(_CHARSET[value] for value in values)
    return text if prefix == low else text.upper()


def decode(text: str) -> tuple[str, bytes]:
    """Prefix (in its own case) and data. Raises ValueError on any fault, without quoting the text."""
    low = text.lower()
    if text not in (low, text.upper()):
        raise ValueError("mixed case")
    if not low.isascii() or any(not 33 <= ord(character) <= 126 for character in low):
        raise ValueError("characters outside the alphabet")
    prefix, separator, rest = low.rpartition("1")
    if not separator or not prefix or len(rest) < 6:
        raise ValueError("not Bech32")
    if any(character not in _VALUES for character in rest):
        raise ValueError("characters outside the alphabet")
    values = [_VALUES[character] for character in rest]
    if _polymod([*_expand(prefix), *values]) != 1:
        raise ValueError("wrong checksum")
    return text[: len(prefix)], bytes(_regroup(values[:-6], 5, 8, pad=False))


def _expand(prefix: str) -> list[int]:
    codes = [ord(character) for character in prefix]
    return [code >> 5 for code in codes] + [0] + [code & 31 for code in codes]


def _polymod(values: list[int]) -> int:
    check = 1
    for value in values:
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ value
        for bit in range(5):
            check ^= _GENERATOR[bit] if top >> bit & 1 else 0
    return check


def _regroup(data: bytes | list[int], old: int, new: int, *, pad: bool) -> list[int]:
    """Bits in groups of `old` to groups of `new`; without padding, leftover bits must be zero and few."""
    bits = held = 0
    out = []
    for value in data:
        bits = bits << old | value
        held += old
        while held >= new:
            held -= new
            out.append(bits >> held & ((1 << new) - 1))
        bits &= (1 << held) - 1
    if pad and held:
        out.append(bits << (new - held))
    elif not pad and (held >= old or bits):
        raise ValueError("bad padding")
    return out
