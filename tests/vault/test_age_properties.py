"""What holds for every input: round trips, and that no change goes unnoticed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vault import age
from vault.age import armor, bech32, header, stream

CHUNK = stream.CHUNK
FILE_KEY = bytes(range(16))
IDENTITY = age.generate_identity()
OTHER = age.generate_identity()

borders = st.sampled_from([0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK, 16 * CHUNK, 17 * CHUNK + 5])
sizes = borders | st.integers(0, 3 * CHUNK)


def plain(size: int) -> bytes:
    """Bytes of which every chunk is different."""
    return b"".join(number.to_bytes(8, "big") for number in range(size // 8 + 1))[:size]


def cut(data: bytes, piece: int) -> Iterator[bytes]:
    """The data in pieces of a size."""
    return (data[at : at + piece] for at in range(0, len(data), piece))


def collect(chunks: Iterable[bytes]) -> tuple[bytes, age.AgeError | None]:
    """Everything that was released, and the error that ended it."""
    released = b""
    try:
        for chunk in chunks:
            released += chunk
    except age.AgeError as error:
        return released, error
    return released, None


@settings(max_examples=40, deadline=None)
@given(sizes, st.integers(1, 5 * CHUNK), st.integers(1, 5 * CHUNK))
def test_a_file_comes_back_however_it_is_cut(size: int, piece_in: int, piece_out: int) -> None:
    data = plain(size)
    piece_in, piece_out = max(piece_in, size // 500 + 1), max(piece_out, size // 500 + 1)
    sealed = b"".join(age.encrypt(cut(data, piece_in), [IDENTITY.recipient, OTHER.recipient]))
    for identity in (IDENTITY, OTHER):
        assert b"".join(age.decrypt(cut(sealed, piece_out), [identity])) == data
    text = b"".join(armor.encode(cut(sealed, piece_in)))
    assert b"".join(age.decrypt(cut(text, piece_out), [OTHER])) == data


@given(sizes)
def test_sizes_of_payloads_are_foretold(size: int) -> None:
    payload = stream.payload_size(size)
    assert stream.plain_size(payload) == size
    if size <= CHUNK + 1:
        assert len(b"".join(stream.encrypt(FILE_KEY, [bytes(size)]))) == payload


@pytest.mark.parametrize("payload", [0, 1, 16, 31, 16 + CHUNK + 16 + 1, 16 + CHUNK + 16 + 16])
def test_lengths_that_no_payload_has_are_refused(payload: int) -> None:
    with pytest.raises(age.Damaged):
        stream.plain_size(payload)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from([0, 1, 1000, CHUNK, CHUNK + 1, 2 * CHUNK]), st.data())
def test_any_flipped_bit_of_a_file_is_noticed(size: int, data: st.DataObject) -> None:
    text = plain(size)
    sealed = bytearray(b"".join(age.encrypt([text], [IDENTITY.recipient])))
    at = data.draw(st.integers(0, 250) | st.integers(0, len(sealed) - 1)) % len(sealed)
    sealed[at] ^= 1 << data.draw(st.integers(0, 7))
    try:
        released, error = collect(age.decrypt([bytes(sealed)], [IDENTITY]))
    except age.AgeError as early:
        released, error = b"", early
    assert error is not None
    assert text.startswith(released)
    assert len(released) % CHUNK == 0


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([0, 1, CHUNK, CHUNK + 1, 2 * CHUNK, 2 * CHUNK + 1]), st.data())
def test_any_cut_or_addition_is_noticed(size: int, data: st.DataObject) -> None:
    text = plain(size)
    sealed = b"".join(stream.encrypt(FILE_KEY, [text]))
    borders = [stream.NONCE + number * stream.SEALED for number in range(size // CHUNK + 1)]
    end = data.draw(st.integers(0, len(sealed) - 1) | st.sampled_from(borders))
    extra = data.draw(st.binary(min_size=1, max_size=100))
    for changed in (sealed[: min(end, len(sealed) - 1)], sealed + extra, sealed + sealed[stream.NONCE :]):
        released, error = collect(stream.decrypt(FILE_KEY, [changed]))
        assert isinstance(error, age.Damaged)
        assert text.startswith(released)


def test_reordered_repeated_and_dropped_chunks_are_noticed() -> None:
    sealed = b"".join(stream.encrypt(FILE_KEY, [plain(3 * CHUNK)]))
    nonce, parts = sealed[: stream.NONCE], list(cut(sealed[stream.NONCE :], stream.SEALED))
    for order in ([1, 0, 2], [0, 0, 1, 2], [0, 2], [1, 2], [2], [0, 1, 2, 2], [0, 1, 2, 0]):
        changed = nonce + b"".join(parts[number] for number in order)
        released, error = collect(stream.decrypt(FILE_KEY, [changed]))
        assert isinstance(error, age.Damaged), order
        assert plain(3 * CHUNK).startswith(released)


@settings(max_examples=100, deadline=None)
@given(sizes, st.integers(0, 4 * CHUNK), st.integers(0, 4 * CHUNK))
def test_a_range_is_what_the_whole_has_there(size: int, start: int, length: int) -> None:
    text = plain(size)
    sealed = b"".join(stream.encrypt(FILE_KEY, [text]))
    payload = age.Seekable(FILE_KEY, lambda at, count: [sealed[at : at + count]], len(sealed))
    assert payload.size == size
    assert b"".join(payload.read(start, length)) == text[start : start + length]


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([1, CHUNK, 3 * CHUNK + 9]), st.data())
def test_a_range_of_a_changed_payload_is_true_or_refused(size: int, data: st.DataObject) -> None:
    text = plain(size)
    sealed = bytearray(b"".join(stream.encrypt(FILE_KEY, [text])))
    sealed[data.draw(st.integers(0, len(sealed) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    start = data.draw(st.integers(0, size))
    try:
        payload = age.Seekable(FILE_KEY, lambda at, count: [bytes(sealed[at : at + count])], len(sealed))
        got, error = collect(payload.read(start, CHUNK))
    except age.Damaged:
        return
    wanted = text[start : start + CHUNK]
    assert wanted.startswith(got)
    assert got == wanted or isinstance(error, age.Damaged)


@pytest.mark.parametrize("change", [-stream.SEALED, -1, 1, stream.SEALED])
def test_random_access_refuses_another_length_before_any_byte(change: int) -> None:
    sealed = b"".join(stream.encrypt(FILE_KEY, [plain(3 * CHUNK)]))
    changed = sealed[:change] if change < 0 else sealed + bytes(change)
    for size in (len(sealed), len(changed)):
        with pytest.raises(age.Damaged):
            age.Seekable(FILE_KEY, lambda at, count: [changed[at : at + count]], size)


words = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=70)
stanzas = st.builds(
    header.Stanza, st.lists(words, min_size=1, max_size=4).map(tuple), st.binary(max_size=200)
)


@given(st.lists(stanzas, min_size=1, max_size=4))
def test_a_header_has_one_spelling(parts: list[header.Stanza]) -> None:
    sealed = header.Header.seal(FILE_KEY, parts)
    parsed = header.Header.parse(sealed.encode())
    assert parsed == sealed
    parsed.check(FILE_KEY)
    with pytest.raises(age.HeaderDamaged):
        parsed.check(bytes(16))


@settings(max_examples=200, deadline=None)
@given(st.lists(stanzas, min_size=1, max_size=2), st.data())
def test_a_changed_header_is_refused_or_spelled_as_read(
    parts: list[header.Stanza], data: st.DataObject
) -> None:
    text = bytearray(header.Header.seal(FILE_KEY, parts).encode())
    at = data.draw(st.integers(0, len(text) - 1))
    change = data.draw(st.binary(max_size=3))
    text[at : at + data.draw(st.integers(0, 2))] = change
    try:
        parsed = header.Header.parse(bytes(text))
    except age.HeaderError:
        return
    assert parsed.encode() == bytes(text)


@given(st.binary(max_size=300))
def test_garbage_is_never_a_file(data: bytes) -> None:
    with pytest.raises((age.HeaderError, age.ArmorError)):
        age.decrypt([data], [IDENTITY])


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.data())
def test_armor_has_one_spelling(body: bytes, data: st.DataObject) -> None:
    text = bytearray(b"".join(armor.encode([body])))
    assert b"".join(armor.decode([bytes(text)])) == body
    assert b"".join(armor.decode([b"\n \r\n", bytes(text).replace(b"\n", b"\r\n"), b" \n"])) == body
    at = data.draw(st.integers(0, len(text) - 1))
    text[at] = data.draw(st.sampled_from(b"Aa0+/= \t-_\x00").filter(lambda new: new != text[at]))
    released, error = collect(armor.decode([bytes(text)]))
    assert (
        error is not None or released != body or bytes(text).split() == b"".join(armor.encode([body])).split()
    )


@given(st.binary(max_size=80), st.data())
def test_bech32_notices_any_changed_character(body: bytes, data: st.DataObject) -> None:
    text = bech32.encode("age", body)
    assert bech32.decode(text) == ("age", body)
    assert bech32.decode(text.upper()) == ("AGE", body)
    at = data.draw(st.integers(4, len(text) - 1))
    new = data.draw(st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l").filter(lambda c: c != text[at]))
    with pytest.raises(ValueError, match="checksum"):
        bech32.decode(text[:at] + new + text[at + 1 :])
