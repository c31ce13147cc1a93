"""Coverage-guided fuzzing of `vault.age`: `make fuzz SECONDS=600`. Not part of `make test`.

The first byte of an input chooses the reader. Whatever the rest is, only the errors that the reader names come out,
what is accepted has one spelling, and nothing leaves a payload that was not sealed into it. libFuzzer watches time
(`-timeout`) and memory (`-rss_limit_mb`).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

import atheris

with atheris.instrument_imports(include=["vault"]):
    from vault import age
    from vault.age import armor, bech32, header, stream

FILE_KEY = bytes(range(16))
IDENTITY = age.X25519Identity(bech32.encode("AGE-SECRET-KEY-", bytes(range(32))))
HYBRID = age.HybridIdentity(bech32.encode("AGE-SECRET-KEY-PQ-", bytes(range(32))))
PHRASE = age.ScryptIdentity("phrase", max_log_n=4)
EVERYBODY = [IDENTITY, HYBRID, PHRASE]
CHUNK = stream.CHUNK


def _plain(size: int) -> bytes:
    return b"".join(number.to_bytes(8, "big") for number in range(size // 8 + 1))[:size]


PLAINS = [_plain(size) for size in (0, 1, 500, CHUNK, CHUNK + 1, 2 * CHUNK)]
PAYLOADS = [b"".join(stream.encrypt(FILE_KEY, [plain])) for plain in PLAINS]
FILES = [
    b"".join(age.encrypt([b"body"], [IDENTITY.recipient])),
    b"".join(age.encrypt([b"body"], [IDENTITY.recipient, HYBRID.recipient])),
    b"".join(age.encrypt([b"body"], [age.ScryptRecipient("phrase", log_n=2)])),
]


def _cut(data: bytes, piece: int) -> Iterator[bytes]:
    return (data[at : at + piece] for at in range(0, len(data), piece))


def _changed(original: bytes, edits: bytes) -> bytes:
    """`original` after edits of five bytes each: kind, place (3), value."""
    data = bytearray(original)
    for kind, *place, value in (edits[at : at + 5] for at in range(0, len(edits) - 4, 5)):
        at = int.from_bytes(bytes(place), "big") % (len(data) + 1)
        if kind % 4 == 0:
            data[at : at + 1] = bytes([value])
        elif kind % 4 == 1:
            data[at:at] = bytes([value])
        elif kind % 4 == 2:
            del data[at : at + value]
        else:
            data[at:at] = data[at : at + value]
    return bytes(data)


def _released(chunks: Iterable[bytes]) -> tuple[bytes, bool]:
    """What came out before the end or a named error, and whether it ended well."""
    out = bytearray()
    try:
        for chunk in chunks:
            out += chunk
    except age.AgeError:
        return bytes(out), False
    return bytes(out), True


def parse_header(data: bytes) -> None:
    """Any bytes, and any bytes behind the version line."""
    for text in (data, header.VERSION_LINE + data):
        try:
            parsed = header.Header.parse(text)
        except age.HeaderError:
            continue
        assert parsed.encode() == text
    try:
        head, rest = header.split(_cut(header.VERSION_LINE + data, 1 + len(data) % 7))
    except age.HeaderError:
        return
    assert head + b"".join(rest) == header.VERSION_LINE + data


def open_stanzas(data: bytes) -> None:
    """A header with well-formed stanzas of any content, sealed with a true MAC."""
    provider = atheris.FuzzedDataProvider(data)
    stanzas = []
    for _ in range(provider.ConsumeIntInRange(1, 3)):
        kind = provider.PickValueInList(["X25519", "scrypt", "mlkem768x25519", "other"])
        share = header.encode64(provider.ConsumeBytes(provider.PickValueInList([16, 31, 32, 33, 1120])))
        factor = provider.PickValueInList(
            ["1", "4", "5", "0", "01", "18", "-1", "9" * 300, "\N{SUPERSCRIPT TWO}"]
        )
        args = (kind, share, factor)[: provider.ConsumeIntInRange(1, 3)]
        body = provider.ConsumeBytes(provider.PickValueInList([0, 16, 31, 32, 33, 48]))
        stanzas.append(header.Stanza(args, body))
    try:
        sealed = header.Header.seal(FILE_KEY, stanzas).encode()
    except ValueError:  # an argument outside ASCII
        return
    try:
        age.open_header(sealed, EVERYBODY)
    except age.AgeError:
        return
    raise AssertionError("a stanza that nobody sealed was opened")


def change_file(data: bytes) -> None:
    """A true file with edits: opened only to what was sealed into it."""
    if not data:
        return
    original = FILES[data[0] % len(FILES)]
    changed = _changed(original, data[1:])
    try:
        chunks = age.decrypt(_cut(changed, 97), EVERYBODY)
    except age.AgeError:
        return
    out, whole = _released(chunks)
    assert b"body".startswith(out)
    assert whole == (changed == original)


def change_payload(data: bytes) -> None:
    """A true payload with edits: any release is a true beginning, any range is true or refused."""
    if len(data) < 7:
        return
    number = data[0] % len(PAYLOADS)
    plain, original = PLAINS[number], PAYLOADS[number]
    changed = _changed(original, data[7:])
    out, whole = _released(stream.decrypt(FILE_KEY, _cut(changed, 1 + len(changed) // (1 + data[1]))))
    assert plain.startswith(out)
    assert whole == (changed == original)
    start = int.from_bytes(data[1:4], "big") % (len(plain) + 2)
    length = int.from_bytes(data[4:7], "big")
    for size in (len(changed), len(original)):
        try:
            seekable = age.Seekable(FILE_KEY, lambda at, count: [changed[at : at + count]], size)
        except age.Damaged:
            continue
        out, whole = _released(seekable.read(start, length))
        wanted = plain[start : start + length]
        assert wanted.startswith(out)
        assert not whole or out == wanted


def any_payload(data: bytes) -> None:
    """Any bytes as a payload: nobody sealed them, nothing comes out."""
    out, whole = _released(stream.decrypt(FILE_KEY, [data]))
    assert not out
    assert not whole
    try:
        size = stream.plain_size(len(data))
    except age.Damaged:
        return
    assert stream.payload_size(size) == len(data)


def read_armor(data: bytes) -> None:
    """Any armor, whole and in pieces, and true armor with edits."""
    wrapped = armor.BEGIN + b"\n" + data + b"\n" + armor.END + b"\n"
    for text in (data, wrapped, _changed(b"".join(armor.encode([_plain(150)])), data)):
        out, whole = _released(armor.decode([text]))
        pieces = _released(armor.decode(_cut(text, 1 + len(data) % 50)))
        assert pieces[1] == whole
        if whole:
            assert pieces[0] == out
            assert text.split() == b"".join(armor.encode([out])).split()
        looks, again = armor.peek(_cut(text, 5))
        assert b"".join(again) == text
        assert looks or not whole


def read_keys(data: bytes) -> None:
    """Any text as an identity file, a recipients file, and Bech32; then text with a true checksum."""
    data = data[:1300]  # the longest key has 1216 bytes
    text = data.decode("utf-8", "surrogateescape")
    for read in (age.read_identities, age.read_recipients):
        for candidate in (text, f"# comment\n{text}\n", "AGE-SECRET-KEY-1" + text, "age1" + text):
            try:
                read(candidate)
            except ValueError as error:
                assert len(text) < 12 or text not in str(error)  # noqa: PT017  most texts are refused, some are not
    try:
        prefix, body = bech32.decode(text)
    except ValueError:
        pass
    else:
        assert bech32.encode(prefix, body) == text
    prefixes = ("age1pq",) if len(data) > 64 else ("age", "AGE-SECRET-KEY-", "AGE-SECRET-KEY-PQ-")
    for prefix in prefixes:
        spelled = bech32.encode(prefix, data)
        assert bech32.decode(spelled) == (prefix, data)
        for parse, shown in ((age.parse_recipient, str), (age.parse_identity, lambda key: key.secret())):
            try:
                key = parse(spelled)
            except ValueError:
                continue
            assert shown(key) == spelled


TARGETS: tuple[Callable[[bytes], None], ...] = (
    parse_header,
    open_stanzas,
    change_file,
    change_payload,
    any_payload,
    read_armor,
    read_keys,
)  # fmt: skip


def one_input(data: bytes) -> None:
    """Run one input through the reader that its first byte names."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])


def seeds() -> Iterator[bytes]:
    """Inputs to begin with, so that the first minutes are not spent on finding the version line."""
    for number in range(len(TARGETS)):
        yield bytes([number]) + bytes(12)
    for file in FILES:
        head = header.split([file])[0]
        yield bytes([0]) + head[len(header.VERSION_LINE) :]
        yield bytes([5]) + b"".join(armor.encode([file]))
    for identity in (IDENTITY, HYBRID):
        yield bytes([6]) + age.write_identity(identity).encode()
        yield bytes([6]) + f"{identity.recipient}\n".encode()


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--seeds":
        from pathlib import Path

        folder = Path(sys.argv[2])
        folder.mkdir(parents=True, exist_ok=True)
        for place, seed in enumerate(seeds()):
            (folder / f"seed-{place}").write_bytes(seed)
    else:
        atheris.Setup(sys.argv, one_input)
        atheris.Fuzz()
