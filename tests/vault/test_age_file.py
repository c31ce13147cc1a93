"""Whole age files: with the age program, from the command line, with passphrases, in bounded memory."""

from __future__ import annotations

import getpass
import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest

from vault import age
from vault.age import __main__ as command
from vault.age import header, stream
from vault.age.recipients import SCRYPT_LOG_N

SIZES = [0, 1, 65535, 65536, 65537, 3 * 1024 * 1024 + 17]
MIB = 1 << 20


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """An identity file as age-keygen writes it."""
    file = tmp_path / "key.txt"
    file.write_text("# created: 2024-05-01T08:00:00Z\n" + age.write_identity(age.generate_identity()))
    return file


def recipient_of(key_file: Path) -> str:
    """The public key an identity file names."""
    return key_file.read_text().split("public key: ")[1].split("\n")[0]


def run(*arguments: str | Path, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a program."""
    return subprocess.run(list(map(str, arguments)), input=data, capture_output=True, check=False)


def ours(*arguments: str | Path, data: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run our own command line."""
    return run(sys.executable, "-m", "vault.age", *arguments, data=data)


@pytest.mark.parametrize("armored", [False, True], ids=["binary", "armor"])
@pytest.mark.parametrize("size", SIZES)
def test_the_age_program_opens_what_we_seal(
    size: int, armored: bool, age_program: str, key_file: Path, tmp_path: Path
) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    sealed = ours("-e", "-r", recipient_of(key_file), *(["-a"] if armored else []), data=data)
    opened = run(age_program, "-d", "-i", key_file, data=sealed.stdout)
    assert (opened.stdout == data, opened.stderr) == (True, b"")


@pytest.mark.parametrize("armored", [False, True], ids=["binary", "armor"])
@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_the_age_program_seals(
    size: int, armored: bool, age_program: str, key_file: Path, tmp_path: Path
) -> None:
    data = (bytes(range(251)) * (size // 251 + 1))[:size]
    sealed = run(age_program, "-r", recipient_of(key_file), *(["-a"] if armored else []), data=data)
    (tmp_path / "in.age").write_bytes(sealed.stdout)
    done = ours("-d", "-i", key_file, "-o", tmp_path / "out", tmp_path / "in.age")
    assert (done.returncode, done.stderr) == (0, b"")
    assert (tmp_path / "out").read_bytes() == data


def test_the_age_program_ignores_our_extra_stanza(age_program: str, key_file: Path) -> None:
    recipient = age.parse_recipient(recipient_of(key_file))
    extra = age.Stanza(("record-binding",), bytes(32))
    sealed = b"".join(age.encrypt([b"hello"], [recipient], [extra]))
    assert run(age_program, "-d", "-i", key_file, data=sealed).stdout == b"hello"


def test_a_damaged_file_leaves_no_output(key_file: Path, tmp_path: Path) -> None:
    sealed = ours("-r", recipient_of(key_file), data=bytes(200_000)).stdout
    (tmp_path / "in.age").write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    before = {file.name for file in tmp_path.iterdir()}
    done = ours("-d", "-i", key_file, "-o", tmp_path / "out", tmp_path / "in.age")
    assert done.returncode == 1
    assert b"not authentic" in done.stderr
    assert {file.name for file in tmp_path.iterdir()} == before


def test_a_foreign_key_is_named_as_such(key_file: Path) -> None:
    sealed = b"".join(age.encrypt([b"x"], [age.generate_identity().recipient]))
    done = ours("-d", "-i", key_file, data=sealed)
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"no identity" in done.stderr


def test_a_bad_key_is_reported_without_quoting_it(tmp_path: Path) -> None:
    secret = age.generate_identity().secret()
    (tmp_path / "key.txt").write_text(f"# mine\n{secret[:-1]}B\n")
    done = ours("-d", "-i", tmp_path / "key.txt", data=b"")
    assert done.returncode == 1
    assert b"line 2" in done.stderr
    assert secret[20:40].encode() not in done.stderr


@pytest.mark.parametrize(
    "arguments", [["-d", "-r", "age1x"], ["-d", "-p"], ["-p", "-r", "age1x"], ["-e", "-d"], ["-x"]]
)
def test_contradictions_are_a_usage_error(arguments: list[str]) -> None:
    assert ours(*arguments).returncode == 2


def test_sealing_for_nobody_is_refused() -> None:
    done = ours("-e", data=b"x")
    assert (done.returncode, done.stdout) == (1, b"")
    assert b"at least one recipient" in done.stderr


def test_recipients_come_from_files_and_identities_too(key_file: Path, tmp_path: Path) -> None:
    other = age.generate_identity()
    (tmp_path / "staff.txt").write_text(f"# staff\n\n{other.recipient}\n")
    sealed = ours("-R", tmp_path / "staff.txt", "-i", key_file, data=b"x").stdout
    assert b"".join(age.decrypt([sealed], [other])) == b"x"
    assert ours("-d", "-i", key_file, data=sealed).stdout == b"x"


def test_passphrases_from_the_command_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "in").write_bytes(b"hello")
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "correct horse")
    sealed, opened = str(tmp_path / "sealed"), str(tmp_path / "opened")
    assert command.main(["-p", "-a", "-o", sealed, str(tmp_path / "in")]) == 0
    assert Path(sealed).read_bytes().startswith(b"-----BEGIN AGE")
    assert command.main(["-d", "-o", opened, sealed]) == 0
    assert Path(opened).read_bytes() == b"hello"
    Path(sealed).write_bytes(b"".join(age.encrypt([b"hello"], [age.ScryptRecipient("right", log_n=10)])))
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "wrong")
    assert command.main(["-d", "-o", str(tmp_path / "no"), sealed]) == 1
    assert not (tmp_path / "no").exists()


def test_an_identity_file_may_be_under_a_passphrase(
    key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked = tmp_path / "key.age"
    locked.write_bytes(
        b"".join(age.encrypt([key_file.read_bytes()], [age.ScryptRecipient("open sesame", log_n=10)]))
    )
    (tmp_path / "in.age").write_bytes(
        b"".join(age.encrypt([b"hello"], [age.parse_recipient(recipient_of(key_file))]))
    )
    monkeypatch.setattr(getpass, "getpass", lambda prompt: "open sesame")
    assert command.main(["-d", "-i", str(locked), "-o", str(tmp_path / "out"), str(tmp_path / "in.age")]) == 0
    assert (tmp_path / "out").read_bytes() == b"hello"


def test_passphrases_stand_alone_and_have_the_usual_cost() -> None:
    alone = age.ScryptRecipient("x", log_n=10)
    with pytest.raises(ValueError, match="only recipient"):
        age.encrypt([], [alone, age.generate_identity().recipient])
    with pytest.raises(ValueError, match="only recipient"):
        age.encrypt([], [alone], [age.Stanza(("extra",), b"")])
    sealed = b"".join(age.encrypt([b"hello"], [alone]))
    assert b"".join(age.decrypt([sealed], [age.ScryptIdentity("x")])) == b"hello"
    with pytest.raises(age.NoIdentity):
        age.decrypt([sealed], [age.ScryptIdentity("y")])
    with pytest.raises(age.HeaderError, match="too large"):
        age.decrypt([sealed], [age.ScryptIdentity("x", max_log_n=9)])
    assert SCRYPT_LOG_N == 18


def test_hybrid_keys_seal_and_open() -> None:
    identity = age.HybridIdentity.generate()
    sealed = b"".join(age.encrypt([b"hello"], [age.parse_recipient(str(identity.recipient))]))
    again = age.parse_identity(identity.secret())
    assert b"".join(age.decrypt([sealed], [again])) == b"hello"
    with pytest.raises(age.NoIdentity):
        age.decrypt([sealed], [age.HybridIdentity.generate()])


def test_keys_do_not_show_in_a_traceback() -> None:
    identity = age.generate_identity()
    opened = age.open_header(age.seal_header(bytes(16), [identity.recipient]), [identity])
    assert identity.secret() not in repr(identity)
    assert repr(bytes(16)) not in repr(opened)


def test_a_header_that_never_ends_does_not_fill_the_memory() -> None:
    read = 0

    def endless() -> Iterator[bytes]:
        nonlocal read
        yield header.VERSION_LINE
        while True:
            read += 4096
            yield b"-> x\n" + b"A" * 4091

    with pytest.raises(age.HeaderError, match="too long"):
        age.decrypt(endless(), [age.generate_identity()])
    assert read < 2 * header.LIMIT


@pytest.mark.parametrize("piece", [4096, MIB, 5 * MIB])
def test_memory_does_not_grow_with_the_stream(piece: int) -> None:
    block = bytes(piece)
    total = 48 * MIB // piece

    def peak(chunks: Iterator[bytes]) -> tuple[int, int]:
        tracemalloc.start()
        try:
            length = sum(map(len, chunks))
            return length, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    file_key = bytes(16)
    length, memory = peak(stream.encrypt(file_key, (block for _ in range(total))))
    assert length == stream.payload_size(total * piece)
    assert memory < 6 * MIB
    opened, memory = peak(stream.decrypt(file_key, stream.encrypt(file_key, (block for _ in range(total)))))
    assert opened == total * piece
    assert memory < 12 * MIB


def test_a_mutable_piece_may_be_reused_by_its_owner() -> None:
    buffer = bytearray(MIB)

    def reused() -> Iterator[bytes]:
        for number in range(3):
            buffer[:] = bytes([number]) * MIB
            yield buffer  # type: ignore[misc]  # what readinto users do in spite of the types

    sealed = b"".join(stream.encrypt(bytes(16), reused()))
    opened = b"".join(stream.decrypt(bytes(16), [sealed]))
    assert opened == b"\0" * MIB + b"\1" * MIB + b"\2" * MIB
